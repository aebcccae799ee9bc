#!/bin/sh
# What -o names is never lost: no folder is replaced by a file, no input by its results.
. "$top_srcdir/tests/cli/lib.sh"
export OMP_NUM_THREADS=1

# refused RANKS TEXT COMMAND...: exit code 2, the text, and all that is kept as it was
refused() {
  ranks=$1 text=$2
  shift 2
  before=$(cd "$scratch/kept" && find . -type f -exec cksum {} + | sort)
  on "$ranks" "$@"
  code=$?
  after=$(cd "$scratch/kept" && find . -type f -exec cksum {} + | sort)
  test "$code" = 2 && grep -q -- "$text" "$scratch/err" && test "$before" = "$after"
  ok $? "$1 on $ranks: $text"
}

cd "$scratch" || exit 99
mkdir -p kept/folder own/prepared
echo thesis >kept/folder/text
echo thesis >own/prepared/text
"$regatta" simulate -o kept/cells.h5mu --cells 60 --types 2 --genes 60 --peaks 90 \
  >/dev/null 2>&1 &&
  "$regatta" train kept/cells.h5mu -o run --set sailerx.epochs=1 >/dev/null 2>&1 &&
  "$regatta" embed run kept/cells.h5mu -o kept/results.h5ad >/dev/null 2>&1
ok $? 'a run'

for ranks in 1 2; do
  refused $ranks 'is a folder' simulate -o kept/folder --cells 20
  refused $ranks 'is a folder' embed run kept/cells.h5mu -o kept/folder
done
refused 1 'is a folder' evaluate kept/results.h5ad --labels cell_type -o kept/folder
refused 1 'is a folder' report kept/results.h5ad -o kept/folder
refused 1 'is a file' train kept/cells.h5mu -o kept/results.h5ad
for ranks in 1 2; do
  refused $ranks 'is the input' embed run kept/cells.h5mu -o kept/cells.h5mu
done
refused 1 'is the input' impute run kept/cells.h5mu -o kept/../kept/cells.h5mu
refused 1 'is the input' evaluate kept/results.h5ad --labels cell_type -o kept/results.h5ad
refused 1 'is the input' train kept/cells.h5mu -o kept/cells.h5mu

on 1 prepare kept/cells.h5mu -o own
test $? = 2 && grep -q 'own/prepared: is a folder that holds other things' err &&
  test "$(cat own/prepared/text)" = thesis
ok $? 'a folder of the name of ours is left alone'
on 1 embed run kept/cells.h5mu -o kept/results.h5ad
ok $? 'results of before are replaced'
on 1 train kept/cells.h5mu -o kept/folder --set sailerx.epochs=1 &&
  test "$(cat kept/folder/text)" = thesis
ok $? 'a run leaves what its folder holds'
finish
