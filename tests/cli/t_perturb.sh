#!/bin/sh
# Changed counts move the cells that have them, and nothing else; the table is the same on
# any number of ranks.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 400 --types 3 --genes 120 --peaks 0 \
  --proteins 12 --seed 4 >/dev/null 2>&1
on 1 train "$scratch/a.h5mu" -o "$scratch/run" --recipe cobolt --labels cell_type \
  --set cobolt.epochs=10
same $? 0 "a model is trained"

change() { # NAME RANKS OPTIONS...
  name=$1 ranks=$2
  shift 2
  on "$ranks" perturb "$scratch/run" "$scratch/a.h5mu" -o "$scratch/$name.tsv" "$@"
}
change one 1 --features PROTEIN1,PROTEIN2,GENE3
same $? 0 "three features are knocked out, one after another"
same "$(wc -l <"$scratch/one.tsv" | tr -d ' ')" 10 "a line per feature and type, and a head"
awk -F '\t' 'NR > 2 && $6 > last { exit 1 } NR > 1 { last = $6 }' "$scratch/one.tsv"
ok $? "largest shifts first"
awk -F '\t' 'NR > 1 && !($5 > 0 && $5 <= $6 + 1e-6 && $8 >= -1 && $8 <= 1) { exit 1 }' \
  "$scratch/one.tsv"
ok $? "the mean shift is no longer than the shifts of the cells; cosines are cosines"
for ranks in 2 3; do
  change many "$ranks" --features PROTEIN1,PROTEIN2,GENE3
  same "$(cksum <"$scratch/many.tsv")" "$(cksum <"$scratch/one.tsv")" \
    "$ranks ranks give the table of one"
done
change alone 1 --features PROTEIN2
same "$(grep PROTEIN2 "$scratch/alone.tsv")" "$(grep PROTEIN2 "$scratch/one.tsv")" \
  "a feature has the same effect alone: counts are put back between features"
change same 1 --features PROTEIN1 --factor 1
same "$(awk -F '\t' 'NR > 1 && $6 > 0' "$scratch/same.tsv")" "" "factor 1 moves nothing"
change both 1 --features PROTEIN1,PROTEIN2 --together
same "$(wc -l <"$scratch/both.tsv" | tr -d ' ')" 4 "--together is one change"
change up 1 --features PROTEIN1 --factor 3
test "$(grep PROTEIN1 "$scratch/up.tsv" | head -n 1)" != \
  "$(grep PROTEIN1 "$scratch/one.tsv" | head -n 1)"
ok $? "another factor is another change"
change none 1 --features NOBODY
same $? 3 "a feature that is not there is refused"
change none 1 --features PROTEIN1 --modality rna
same $? 3 "and one of another modality"
finish
