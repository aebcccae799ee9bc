#!/bin/sh
# What the program says it writes (`regatta list files`) is what it writes, and the variables
# it says it reads (`regatta list variables`) are those it reads.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"

read_by_sources=$(cat "$top_srcdir"/src/*/*.c | grep -oE 'getenv\("[A-Z_]+"\)' |
  sed 's/.*("//; s/").*//' | sort -u)
listed=$("$regatta" list variables environment)
missing=$(for name in $read_by_sources; do
  echo "$listed" | grep -qw "$name" || echo "$name"
done)
same "$missing" "" "variables that the sources read are in the list"

python_with h5py || {
  skip "files" "Python has no h5py"
  finish
}
cd "$scratch" || exit 1
made() { # what COMMAND...
  what=$1
  shift
  "$regatta" "$@" >log 2>&1
  ok $? "$what"
  tail -3 log | grep error: | sed 's/^/# /'
}
made "cells" simulate -o a.h5mu --cells 120 --types 3 --genes 120 --peaks 200 --proteins 8
made "a run" run a.h5mu -o run --labels cell_type --batch batch --set sailerx.epochs=2
made "markers" markers run/results.h5ad a.h5mu --output markers.tsv
made "a run of unitednet" train a.h5mu -o un --recipe unitednet --set unitednet.epochs=1 \
  --set unitednet.finetune=1
made "embedding" embed un a.h5mu -o embedded.h5ad
made "labels" transfer run/results.h5ad run/results.h5ad --labels cell_type
made "translation" translate un a.h5mu --from rna --to adt -o translated.h5ad
made "imputation" impute un a.h5mu -o imputed.h5ad
made "explanation" explain un a.h5mu -o explained.h5ad
made "pairs" match un a.h5mu --a rna --b adt -o pairs.tsv --sparse pairs.h5ad
made "preparation" prepare a.h5mu -o prepared
"$regatta" list files --as json >files.json
found=$("$python" "$top_srcdir/tests/cli/places_peer.py" files.json run \
  results=run/results.h5ad results=embedded.h5ad results=prepared/results.h5ad \
  matrices=translated.h5ad matrices=imputed.h5ad matrices=explained.h5ad \
  matrices=pairs.h5ad)
same "$found" "" "what runs write is in the list of files"
sed 's/obs\/leiden/obs\/louvain/' files.json >other.json
found=$("$python" "$top_srcdir/tests/cli/places_peer.py" other.json run \
  results=run/results.h5ad)
same "$found" "run/results.h5ad: obs/leiden" "a key that is not in the list is noticed"
finish
