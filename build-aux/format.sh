#!/bin/sh
# format.sh [FILE...]: bring lines of C that are too wide into form (all sources without
# arguments): rules of sections are redrawn, code is given to clang-format line by line.
# Wide lines inside comments are left for a human, and printed. Other files are passed over.
cd "${0%/*}/.." || exit 1
limit=88
if test $# -eq 0; then
  # shellcheck disable=SC2046 # names of sources have no blanks
  set -- $(find include src tests -name '*.[ch]' ! -name registry.c | LC_ALL=C sort)
fi
for file in "$@"; do
  case $file in *.[ch]) ;; *) continue ;; esac
  test -f "$file" || { echo "$file: no such file" >&2; continue; }
  ruled=$(mktemp) || exit 1
  ${AWK:-awk} -v limit=$limit '
    /^\/\* ---- .* -+ \*\/$/ && length($0) > limit {
      sub(/ -+ \*\/$/, " ")
      while (length($0) < limit - 3)
        $0 = $0 "-"
      $0 = $0 " */"
    }
    { print }' "$file" >"$ruled"
  cmp -s "$ruled" "$file" || cat "$ruled" >"$file"
  rm -f "$ruled"
  lines=$(${AWK:-awk} -v limit=92 'length($0) > limit { print "--lines=" FNR ":" FNR }' \
    "$file")
  # shellcheck disable=SC2086 # one word a line
  test -z "$lines" || clang-format -i $lines "$file"
  ${AWK:-awk} 'length($0) > 92 { print FILENAME ":" FNR ": " $0 }' "$file"
done
