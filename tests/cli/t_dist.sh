#!/bin/sh
# make dist: the archive holds every file of the sources and nothing that was made.
. "$top_srcdir/tests/cli/lib.sh"
if ! git -C "$top_srcdir" rev-parse --show-toplevel >/dev/null 2>&1 ||
  ! test -e "$top_srcdir/.git"; then
  skip 'the archive holds the sources' 'this is no clone'
  finish
fi
if test -w "$top_srcdir/docs"; then # what a build may have left there
  mkdir -p "$top_srcdir/docs/_build" && : >"$top_srcdir/docs/_build/left"
fi
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
  make -C "$top_builddir" distdir distdir="$scratch/dist" >"$scratch/make" 2>&1
ok $? 'make distdir'
rm -f "$top_srcdir/docs/_build/left"
rmdir "$top_srcdir/docs/_build" 2>/dev/null

git -C "$top_srcdir" ls-files --cached --others --exclude-standard | grep -vE '^\.(ci|git)' | sort >"$scratch/kept"
(cd "$scratch/dist" && find . -type f | sed 's,^\./,,' | sort) >"$scratch/sent"
same "$(comm -23 "$scratch/kept" "$scratch/sent" | tr '\n' ' ')" '' \
  'every file of the sources is in the archive'
# what autoreconf made belongs there as well
same "$(comm -13 "$scratch/kept" "$scratch/sent" |
  grep -vE '^(aclocal\.m4|configure|config\.h\.in|Makefile\.in|build-aux/[a-z-]+(\.sh)?)$' |
  tr '\n' ' ')" '' 'and nothing else but what autoreconf makes'
test -x "$scratch/dist/configure"
ok $? 'configure is there: autoconf is not needed'
finish
