#!/bin/sh
# t_plan.sh: what regatta plan says beforehand is what the run takes.
. "${top_srcdir:-.}/tests/cli/lib.sh"

file=$scratch/cells.h5mu
"$regatta" simulate -o "$file" --cells 2000 --genes 800 --peaks 6000 --proteins 10 \
  --log warn >/dev/null 2>&1 || exit 1
few=$scratch/few.h5mu
"$regatta" simulate -o "$few" --cells 600 --genes 800 --peaks 6000 --proteins 10 \
  --log warn >/dev/null 2>&1 || exit 1

# number KEY FILE: a number of the object "planned"
number() {
  tr ',{' '\n\n' <"$2" | sed -n '/"planned"/,/"phases"/p' | sed -n "s/^ *\"$1\": *//p" | head -n 1
}
# near A B FACTOR: true when they differ by less than the factor
near() {
  awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { exit !(a > 0 && b > 0 && a < f * b && b < f * a) }'
}

# as_planned RANKS RECIPE FILE OPTION...
as_planned() {
  count=$1 recipe=$2 cells=$3
  shift 3
  on 1 plan "$cells" --recipe "$recipe" --ranks "$count" --seconds 0.3 --json "$@"
  ok $? "$recipe: a plan for $count ranks, by one process"
  cp "$scratch/out" "$scratch/plan.json"
  rm -rf "$scratch/run"
  on "$count" train "$cells" --recipe "$recipe" -o "$scratch/run" "$@" \
    --set "$recipe.epochs=2"
  ok $? "$recipe: the run on $count ranks"
  planned=$(number train "$scratch/plan.json")
  real=$(sed -n 's/^peak memory.*[: ]\([0-9]*\) MB.*/\1/p' "$scratch/out")
  near "$planned" "${real:-0}000000" 1.25
  ok $? "$recipe: $planned bytes of a rank were planned, ${real} MB taken"
  # the slower of the two may have had to wait for its core
  planned=$(number epoch_s "$scratch/plan.json")
  real=$(awk -F, '$1 == "train" { print $5 / 2 }' "$scratch/run/timers.csv")
  near "$planned" "$real" 6
  ok $? "$recipe: $planned s for an epoch were planned, $real taken"
}

as_planned 1 sailerx "$file"
as_planned 2 sailerx "$file"
as_planned 2 clue "$few" --set train.batch=64

on 2 plan "$file" --recipe sailerx --seconds 0.2
ok $? 'two ranks rehearse together'
grep -q '^plan: recipe sailerx, 2000 cells, 2 ranks' "$scratch/out" &&
  ! grep -q 'was played' "$scratch/out"
ok $? 'and measure their messages'
on 1 plan "$file" --recipe sailerx --ranks 64 --nodes 4 --seconds 0.2 --sample 1000
grep -q 'first 1000 cells' "$scratch/out" && grep -q '^ranks: 64 are' "$scratch/out"
ok $? 'a sample, for ranks that are not here'
on 1 plan "$file" --recipe sailerx --seconds 0.2 --memory 0.01
test $? = 0 && grep -q '^does not fit: ' "$scratch/out"
ok $? 'too little memory is said, and is no failure'

# refused EXIT TEXT OPTION...
refused() {
  code=$1 text=$2
  shift 2
  on 1 plan "$@"
  test $? = "$code" && test "$(grep -c '^regatta: error: ' "$scratch/err")" = 1 &&
    grep -q "$text" "$scratch/err" && test ! -s "$scratch/out"
  ok $? "refused: $text"
}
refused 3 'No such file' "$scratch/nothing.h5mu"
refused 2 'did you mean clue' "$file" --recipe clux
refused 2 'cannot be spread over 3 nodes' "$file" --ranks 2 --nodes 3
refused 2 'ranks' "$file" --ranks=-1
refused 2 '8 lane groups but 4 lanes' "$file" --recipe clue --ranks 8
head -c 3000 "$file" >"$scratch/cut.h5mu"
refused 3 'cut.h5mu' "$scratch/cut.h5mu"
finish
