#!/bin/sh
# t_advice.sh: when something is missing or misspelt, the one line says what there is and what
# to do; and what the program says without being asked is true.
. "$top_srcdir/tests/cli/lib.sh"
cd "$scratch" || exit 1

# CODE TEXT ARGUMENT...: one error line with the text
refused() {
  code=$1 text=$2
  shift 2
  on 1 "$@"
  got=$?
  same "$got $(grep -c '^regatta: error: ' "$scratch/err")" "$code 1" "$1: ends with $code"
  grep -qF -- "$text" "$scratch/err"
  ok $? "... and says: $text"
}
# TEXT ARGUMENT...: success, and the text is in what was printed
said() {
  text=$1
  shift
  on 1 "$@" && cat "$scratch/out" "$scratch/err" | grep -qF -- "$text"
  ok $? "$1 says: $text"
}

on 1 simulate -o c.h5mu --cells 120 --types 2 --genes 60 --peaks 0 --proteins 6
ok $? "cells with RNA and proteins"

# what is missing before anything has been done
refused 3 'nowhere.h5mu' run nowhere.h5mu -o run
refused 2 'there are babel, clue, cobolt' run c.h5mu -o run --recipe scvi
refused 2 'did you mean clue?' run c.h5mu -o run --recipe cleu
refused 3 'needs atac, the data have rna, adt; choose --recipe babel, clue' run c.h5mu -o run
refused 3 'needs 2 modalities, the data have rna; choose --recipe cobolt, sccross' \
  run c.h5mu/rna -o run --recipe clue
test ! -e run
ok $? "no run folder is left"
refused 3 'there are: cell_type, batch, depth' prepare c.h5mu -o run --batch sample
refused 3 'c.h5mu: is no run folder' embed c.h5mu c.h5mu -o r.h5ad

# a run, and what it does not know
on 1 train c.h5mu -o run --recipe babel --labels cell_type --set babel.epochs=2
ok $? "a run"
grep -q '^peak memory: [0-9]* MB' "$scratch/out"
ok $? "one rank says what it took, not a range"
said 'rna of 120 cells, 60 features' impute run c.h5mu -o x.h5ad
refused 2 'does not predict prot from rna; it predicts' \
  translate run c.h5mu --from rna --to prot -o x.h5ad
refused 2 'it was trained without batches' impute run c.h5mu --batch b -o x.h5ad
refused 3 'did you mean GENE1?' perturb run c.h5mu --features gene1 -o x.tsv
refused 3 'trained on 60 of rna, 6 of adt' perturb run c.h5mu --features MS4A1 -o x.tsv

on 1 translate run c.h5mu --from rna --to adt -o p.h5ad
on 1 evaluate p.h5ad --truth c.h5mu/adt
! grep -q 'p.h5ad: rna counts' "$scratch/err"
ok $? "predictions are not called counts of rna"
said 'needs atac; paired RNA and ATAC' list recipes

# results
on 1 embed run c.h5mu -o r.h5ad
test ! -s "$scratch/err" || ! grep -q '^prepare' "$scratch/err"
ok $? "embedding the cells of the run has nothing to add to them"
said 'X_babel' inspect r.h5ad
refused 3 'there is no matrix' inspect r.h5ad --digest
refused 3 'there is no matrix' check r.h5ad
said 'need --labels COLUMN or --batch COLUMN; there are: cell_type, batch' evaluate r.h5ad
on 1 neighbors r.h5ad
refused 3 'no column leiden; make it with regatta cluster' umap r.h5ad --figures figures
refused 3 'no column celltype; there are: cell_type' markers r.h5ad c.h5mu --groups celltype
said '; sizes ' cluster r.h5ad
on 1 run c.h5mu -o all --recipe babel --set babel.epochs=2
same "$(grep -c '^results: all/results.h5ad$' "$scratch/out") $(tail -n 1 "$scratch/out")" \
  '1 results: all/results.h5ad' "a pipeline says once where its results are, at the end"
on 1 train c.h5mu -o scc --recipe sccross --labels cell_type --set sccross.epochs=1
refused 3 'has no T; there are: type1, type2' generate scc c.h5mu --label T -o m.h5mu
finish
