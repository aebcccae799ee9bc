#!/bin/sh
# check-size.sh ROOT: no .c file under ROOT/src over 500 lines, no function over 100.
# A function is what stands between "{" and "}" in the first column.
cd "${1:-.}" || exit 2
find src -name '*.c' ! -name registry.c | LC_ALL=C sort | xargs ${AWK:-awk} '
  function report(file, lines) {
    if (lines > 500) {
      print file ": " lines " lines, over 500"
      bad = 1
    }
  }
  FNR == 1 {
    report(file, lines)
    file = FILENAME
    start = 0
  }
  { lines = FNR }
  /^{/ { start = FNR }
  /^}/ {
    if (start && FNR - start + 1 > 100) {
      print FILENAME ":" start ": function of " FNR - start + 1 " lines, over 100"
      bad = 1
    }
    start = 0
  }
  END {
    report(file, lines)
    exit bad
  }'
