#!/bin/sh
# docs/build.sh TOP OUT REGATTA VERSION: build the site of TOP/docs in OUT/html. The
# reference is printed by the program REGATTA into the copy of docs that Sphinx reads.
# Where Sphinx, MyST or the theme is missing: one line, and nothing is done.
set -eu
top=$1 out=$2 regatta=$3 version=$4
. "$top/tests/cli/python.sh"
. "$top/build-aux/mpi-env.sh"
if ! python_with sphinx,myst_parser,sphinx_rtd_theme; then
  echo "html: not built: Sphinx, MyST or the theme of Read the Docs is not installed"
  exit 0
fi
rm -rf "$out/source" "$out/html" "$out/doctrees"
mkdir -p "$out/source"
(cd "$top/docs" && tar cf - --exclude=./source --exclude=./html --exclude=./doctrees .) |
  (cd "$out/source" && tar xf -)
chmod -R u+w "$out/source"
sh "$top/docs/reference.sh" "$regatta" "$out/source/reference"
LC_ALL=C.UTF-8 "$python" -m sphinx -q -W --keep-going -b html -d "$out/doctrees" \
  -D "release=$version" -D "version=$version" "$out/source" "$out/html"
echo "html: $out/html/index.html"
