#!/bin/sh
# Three modalities of which many cells have one: preparation, training, embedding, scores
# and merging follow the maps of the file, at 1 to 3 ranks and in any order of its rows.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/mosaic_peer.py
data=$scratch/mosaic.h5mu

"$regatta" simulate -o "$data" --cells 300 --types 3 --genes 60 --peaks 400 \
  --chromosomes 3 --density 0.1 --proteins 8 --paired 0.4 --single >/dev/null 2>&1
# trained RANKS FILE RUN OPTION...: a few steps and the embedding in RUN.h5ad
trained() {
  ranks=$1 file=$2 run=$3
  shift 3
  on "$ranks" train "$file" -o "$run" --batch batch --set train.batch=64 "$@"
  on "$ranks" embed "$run" "$file" -o "$run.h5ad"
}
for ranks in 1 2 3; do
  trained $ranks "$data" "$scratch/run_$ranks" --set train.max_steps=6
  ok $? "trained and embedded on $ranks ranks: $(head -1 "$scratch/err")"
  on $ranks evaluate "$scratch/run_$ranks.h5ad" --rep X_sailerx --labels cell_type \
    --no-controls -o "$scratch/scores_$ranks.json"
  ok $? "and scored: $(head -1 "$scratch/err")"
done
for ranks in 2 3; do
  same "$(hash_of "$scratch/run_1")" "$(hash_of "$scratch/run_$ranks")" \
    "the same model on 1 and $ranks ranks"
  cmp -s "$scratch/scores_1.json" "$scratch/scores_$ranks.json"
  ok $? "and the same scores"
done
with_atac=$("$regatta" inspect "$data" 2>/dev/null |
  sed -n '/^atac/,/features/s/^ *cells *\([0-9]*\) of.*/\1/p')
grep -q "\"cells\": *$with_atac," "$scratch/scores_1.json"
ok $? "the cells that have atac are scored"
on 2 merge "$data" "$scratch/run_2.h5ad" -o "$scratch/merged.h5mu"
ok $? "merged: $(head -1 "$scratch/err")"
"$regatta" check "$scratch/merged.h5mu" 2>"$scratch/err" | grep -q ': ok$'
ok $? "the merged file is sound"

if ! python_with 'h5py, scipy'; then
  skip "rows and gaps against h5py" "no Python with h5py and scipy"
  finish
fi
for ranks in 1 3; do
  "$python" "$peer" check "$data" "$scratch/run_$ranks.h5ad" "$scratch/merged.h5mu" \
    >"$scratch/checks" 2>"$scratch/err"
  ok $? "$ranks ranks: the checks ran: $(tail -1 "$scratch/err")"
  while read -r line; do
    case $line in
    ok*) ok 0 "$ranks ranks: ${line#ok }" ;;
    *) ok 1 "$ranks ranks: ${line#not ok }" ;;
    esac
  done <"$scratch/checks"
done
# a latent for whatever a cell has
for ranks in 1 3; do
  trained $ranks "$data" "$scratch/clue_$ranks" --recipe clue --set train.max_steps=2
done
same "$(hash_of "$scratch/clue_1")" "$(hash_of "$scratch/clue_3")" \
  "clue: the same model on 1 and 3 ranks"
"$python" "$peer" gaps "$data" "$scratch/clue_3.h5ad" >"$scratch/checks" 2>"$scratch/err"
ok $? "clue: the checks ran: $(tail -1 "$scratch/err")"
while read -r line; do
  case $line in
  ok*) ok 0 "clue: ${line#ok }" ;;
  *) ok 1 "clue: ${line#not ok }" ;;
  esac
done <"$scratch/checks"
"$python" "$peer" shuffle "$data" "$scratch/shuffled.h5mu" || exit 1
trained 2 "$scratch/shuffled.h5mu" "$scratch/shuffled" --set train.max_steps=6
same "$(hash_of "$scratch/run_1")" "$(hash_of "$scratch/shuffled")" \
  "rows of rna in another order give the same model"
"$python" "$peer" check "$data" "$scratch/shuffled.h5ad" "$scratch/merged.h5mu" \
  >"$scratch/checks" 2>"$scratch/err" && ! grep -q '^not ok' "$scratch/checks"
ok $? "and the same results: $(grep '^not ok' "$scratch/checks" | head -1)"
finish
