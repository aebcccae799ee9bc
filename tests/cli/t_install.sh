#!/bin/sh
# make install with DESTDIR, make installcheck of what it made, make uninstall.
. "$top_srcdir/tests/cli/lib.sh"
stage=$scratch/stage
make_it() {
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u DESTDIR \
    make -C "$top_builddir" "$@" DESTDIR="$stage" prefix=/usr >"$scratch/make" 2>&1 ||
    { sed 's/^/# /' "$scratch/make"; false; }
}

make_it install
ok $? 'make install DESTDIR=FOLDER'
test -x "$stage/usr/bin/regatta"
ok $? 'the program is in its place below DESTDIR'
test -s "$stage/usr/share/doc/regatta/COPYING"
ok $? 'the licence is installed'
grep -rl "$stage" "$stage" >"$scratch/named"
same "$(cat "$scratch/named")" '' 'no file names the folder of the stage'
grep -q '\[\[/usr/bin\]\]' "$stage"/usr/share/modulefiles/regatta/*.lua
ok $? 'the modulefile names the place it is for'

if command -v man >/dev/null; then
  for page in "$stage"/usr/share/man/man1/*.1; do
    MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 >/dev/null |
      sed "s,^,${page##*/}: ,"
  done >"$scratch/warned"
  same "$(cat "$scratch/warned")" '' 'man shows every page without a warning'
else
  skip 'man shows every page without a warning' 'there is no man'
fi

make_it installcheck
ok $? 'make installcheck'
grep -q '^ok .* the same on 2 ranks' "$scratch/make"
ok $? 'installcheck ran the program on 2 ranks'
rm "$stage/usr/share/man/man1/regatta-run.1"
! make_it installcheck >"$scratch/said" && grep -q 'not ok.*man page' "$scratch/said"
ok $? 'installcheck notices a missing page'

make_it uninstall
ok $? 'make uninstall'
same "$(find "$stage" ! -type d)" '' 'no file is left behind'
finish
