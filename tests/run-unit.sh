#!/bin/sh
# run-unit.sh PROGRAM: run a program on Criterion and print its TAP. A test of the suite
# must_fail passes when it fails; a program without one fails.
: "${AWK:=awk}"
"$1" --tap=/dev/stdout --quiet --timeout "${RG_TEST_TIMEOUT:-120}" 2>&1 | cat | $AWK '
  /^1\.\.[0-9]+$/ { print "1.." substr($0, 4) + 1; next }
  /^not ok - must_fail::/ { found++; sub(/^not ok/, "ok"); print; next }
  /^ok - must_fail::/ { sub(/^ok/, "not ok"); print; next }
  { print }
  END {
    print (found ? "ok" : "not ok") " - a false assertion is noticed"
  }'
