#!/bin/sh
# Modulefiles: installed from their templates; loaded and unloaded with Lmod (the Lua file,
# and the Tcl one) and with Environment Modules, where they are; what they set, and that
# unloading restores the environment exactly.
. "$top_srcdir/tests/cli/lib.sh"
prefix="$scratch/opt"
list=$scratch/opt/share/modulefiles
version=$(sed -n 's/^AC_INIT(\[regatta\], \[\(.*\)\])/\1/p' "$top_srcdir/configure.ac")

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
  make -C "$top_builddir" install prefix="$prefix" >"$scratch/make" 2>&1
ok $? 'make install to a folder of the user'
grep -q '@[A-Za-z]*@' "$list/regatta/$version" "$list/regatta/$version.lua"
same $? 1 'the templates are filled in'

# A folder with one of the two files, and with other versions to choose from.
for kind in tcl lua; do
  mkdir -p "$scratch/$kind/regatta"
done
cp "$list/regatta/$version" "$scratch/tcl/regatta/$version"
cp "$list/regatta/$version.lua" "$scratch/lua/regatta/$version.lua"

# What the shell below prints: the environment but for what belongs to module programs.
cat >"$scratch/session.sh" <<'END'
seen() {
  env -0 | grep -zvE '^(_|SHLVL|PWD|OLDPWD|LOADEDMODULES|_LMFILES_|MODULE[A-Z_]*|LMOD_.*)=' |
    grep -zvE '^(_ModuleTable.*|__LMOD_.*|__MODULES_.*|BASH_FUNC.*|BASH_ENV|FPATH)=' |
    sort -z | tr '\0' '\n'
}
seen >"$out/before"
module load regatta || exit
seen >"$out/loaded"
echo "HOME $REGATTA_HOME"
echo "PROGRAM $(command -v regatta) $(regatta --version | head -n 1)"
command -v man >/dev/null && echo "MAN $(man -w regatta) $(man -w regatta-run)"
echo "DATA $XDG_DATA_DIRS"
module whatis regatta 2>&1 | grep 'Version' | sed 's/^/WHATIS /'
module help regatta 2>&1 | grep 'COMMAND --help' | sed 's/^/HELP /'
module load regatta
module unload regatta
seen >"$out/after"
END

lmod_init=
for file in "${LMOD_PKG:-/usr/share/lmod/lmod}/init/bash" /opt/apps/lmod/lmod/init/bash; do
  test -z "$lmod_init" && test -f "$file" && lmod_init=$file
done
modulecmd=
for file in "${MODULES_CMD:-}" /usr/lib/x86_64-linux-gnu/modulecmd.tcl \
  /usr/lib/aarch64-linux-gnu/modulecmd.tcl /usr/share/Modules/libexec/modulecmd.tcl; do
  test -z "$modulecmd" && test -f "$file" && modulecmd=$file
done

# session PROGRAM FOLDER [NAME=VALUE...]: one shell with little in its environment
session() {
  program=$1 folder=$2
  shift 2
  case $program in
  lmod) start=". $lmod_init" ;;
  *) start="module() { eval \"\$(tclsh '$modulecmd' bash \"\$@\")\"; }" ;;
  esac
  env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$scratch" USER=user LC_ALL=C \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 out="$scratch" "$@" \
    bash --norc -c "$start; module use $folder; . $scratch/session.sh" \
    >"$scratch/said" 2>"$scratch/err" </dev/null
}

# tried PROGRAM FOLDER NAME: load, look, unload; with lists unset, and set
tried() {
  session "$1" "$2"
  ok $? "$3: loads and unloads"
  said="$(cat "$scratch/said")"
  shows() {
    case $said in
    *"$1"*) ok 0 "$2" ;;
    *) ok 1 "$2: no '$1' in: $said $(cat "$scratch/err")" ;;
    esac
  }
  shows "HOME $prefix" "$3: REGATTA_HOME"
  shows "PROGRAM $prefix/bin/regatta regatta $version" "$3: the program is found"
  shows "Version: $version" "$3: whatis"
  shows 'HELP ' "$3: help"
  shows "DATA $prefix/share:/usr/local/share/:/usr/share/" "$3: completions are found"
  if command -v man >/dev/null; then
    shows "MAN $prefix/share/man/man1/regatta.1 $prefix/share/man/man1/regatta-run.1" \
      "$3: man pages are found"
  else
    skip "$3: man pages are found" 'there is no man'
  fi
  same "$(diff "$scratch/before" "$scratch/after")" '' "$3: unloaded, all is as before"
  session "$1" "$2" MANPATH=/usr/share/man XDG_DATA_DIRS=/a:/b
  same "$(sed -n 's/^DATA //p' "$scratch/said")" "$prefix/share:/a:/b" \
    "$3: in front of what was there"
  same "$(diff "$scratch/before" "$scratch/after")" '' \
    "$3: unloaded, what was there is as before"
}

if test -n "$lmod_init"; then
  tried lmod "$list" 'Lmod, both files'
  tried lmod "$scratch/lua" 'Lmod, Lua'
  tried lmod "$scratch/tcl" 'Lmod, Tcl'
else
  skip 'Lmod loads the modulefiles' 'Lmod is not installed'
fi
if test -n "$modulecmd" && command -v tclsh >/dev/null; then
  tried tcl "$list" 'Environment Modules'
else
  skip 'Environment Modules load the modulefile' 'it is not installed'
fi

# modules that have to be there first
sed 's/\[\[\]\]/[[other]]/' "$list/regatta/$version.lua" >"$scratch/lua/regatta/$version.lua"
sed 's/^foreach name {}/foreach name {other}/' "$list/regatta/$version" \
  >"$scratch/tcl/regatta/$version"
for kind in tcl lua; do
  printf '#%%Module1.0\nsetenv OTHER loaded\n' >"$scratch/$kind/other"
done
depends() { # PROGRAM KIND
  session "$1" "$scratch/$2"
  same "$(grep OTHER "$scratch/loaded" "$scratch/after")" "$scratch/loaded:OTHER=loaded" \
    "$1, $2: a module that it depends on is loaded, and unloaded, with it"
}
if test -n "$lmod_init"; then
  depends lmod lua
  depends lmod tcl
fi
test -z "$modulecmd" || depends tcl tcl

# uninstall takes everything back
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
  make -C "$top_builddir" uninstall prefix="$prefix" >"$scratch/make" 2>&1
same "$(find "$prefix" ! -type d)" '' 'make uninstall leaves no file'
finish
