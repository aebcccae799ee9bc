#!/bin/sh
# Recipes of packages (Spack, EasyBuild, Apptainer): whole, of this version, and with the
# libraries and options that the build has. packages.py runs them with stand-ins.
. "$top_srcdir/tests/cli/lib.sh"
if ! command -v python3 >/dev/null; then
  skip 'recipes of packages' 'there is no python3'
  finish
fi
"$top_srcdir/configure" --help >"$scratch/help" || exit 99
python3 "$top_srcdir/tests/cli/packages.py" "$top_srcdir" "$scratch/help" >"$scratch/tap" ||
  echo 'not ok - packages.py ends well' >>"$scratch/tap"
# its tests go on from here
while read -r line; do
  case $line in
  1..*) ;;
  ok*) tests=$((tests + 1)) && echo "$line" ;;
  'not ok'*) tests=$((tests + 1)) failed=1 && echo "$line" ;;
  *) echo "$line" ;;
  esac
done <"$scratch/tap"
for section in post test runscript environment; do
  sh -n "$scratch/section_$section"
  ok $? "Apptainer: the shell reads section $section"
done
# a package that is taken out of a recipe is noticed
mkdir -p "$scratch/top/docs/guide"
cp "$top_srcdir/docs/guide/install.md" "$scratch/top/docs/guide"
cp -R "$top_srcdir/build-aux" "$top_srcdir/m4" "$top_srcdir/configure.ac" \
  "$top_srcdir/README.md" "$scratch/top"
chmod -R u+w "$scratch/top"
for file in spack/packages/regatta/package.py easybuild/regatta-*.eb apptainer/regatta.def; do
  for copy in "$scratch"/top/build-aux/packages/$file; do
    sed 's/libyaml-dev//; /["'\'']libyaml["'\'']/d' "$copy" >"$scratch/less"
    cat "$scratch/less" >"$copy"
  done
done
python3 "$top_srcdir/tests/cli/packages.py" "$scratch/top" "$scratch/help" >"$scratch/tap"
same "$(grep -c '^not ok .*are those of build-aux/setup.sh' "$scratch/tap")" 3 \
  'a library missing from each recipe is noticed'
finish
