#!/bin/sh
# check-text.sh ROOT: what must not stand in the sources. Prints each place.
LC_ALL=C
export LC_ALL
cd "${1:-.}" || exit 2
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT
files() { # those of find's arguments in the folders there are, but for autotools' own
  for folder in src include tests build-aux m4 docs examples jobs modules .ci; do
    test ! -d $folder || find $folder -type f "$@" ! -path '*/__pycache__/*' \
      ! -path 'docs/_build/*' ! -name registry.c
  done | grep -vE '^build-aux/(ar-lib|compile|config|depcomp|install-sh|missing|t.*driver)' |
    sort
}

# a line twice in a fragment: two merges brought it
files -name Makefile.am | while read -r file; do
  grep '+=' "$file" | sort | uniq -d | sed "s,^,$file: twice: ,"
done >>"$found"

# a source that no fragment lists would be missing from the release
lists=$(cat Makefile.am include/Makefile.am src/*/Makefile.am tests/Makefile.am \
  tests/*/Makefile.am 2>/dev/null)
{
  files -name '*.[ch]'
  files -name '*.sh'
} | grep -vE '^(docs|examples|jobs|modules|\.ci)/' | while read -r file; do
  case $lists in
  *"${file%.*}"*) ;;
  *) echo "$file: in no list; add its line to a Makefile.am" ;;
  esac
done >>"$found"

# paths of one machine
{
  files
  ls ./*.sh ./*.md ./*.am ./*.ac ./*.cff 2>/dev/null
} | xargs grep -nIE '/(wor''k|roo''t|far''m)/|/tmp/(bas''h|wt/|rg/)' /dev/null |
  sed 's/$/   <- path of one machine/' >>"$found"

# unfinished work
files | xargs grep -nIwE 'TO''DO|FIX''ME|XX''X|HA''CK' /dev/null |
  sed 's/$/   <- unfinished/' >>"$found"

# form of C files
files -name '*.[ch]' | xargs ${AWK:-awk} '
  length($0) > 92 { print FILENAME ":" FNR ": over 92 columns" }
  /[ \t]$/ { print FILENAME ":" FNR ": blanks at the end" }
  /\t/ { print FILENAME ":" FNR ": tab" }' >>"$found"

# points of injected faults: those used are those in the table
if test -f src/base/fault.c; then
  used=$(find src -name '*.c' | xargs grep -ohE 'rg_fault\("[^"]*"\)' |
    sed 's/.*("//; s/".*//' | sort -u)
  listed=$(sed -n '/rg_fault_points\[\] = {/,/NULL/s/^ *"\([^"]*\)".*/\1/p' \
    src/base/fault.c | sort -u)
  test "$used" = "$listed" ||
    echo "src/base/fault.c: the table says [$(echo $listed)], used are [$(echo $used)]"
fi >>"$found"

cat "$found"
test ! -s "$found"
