#!/bin/sh
# Every folder of examples: it has its four files, runs on simulated cells and passes its own
# check; every recipe of the list has one. With REGATTA_DATA they run on real cells too, few
# of them, for twenty epochs: the labels are neighbours more often than by chance.
. "$top_srcdir/tests/cli/lib.sh"
RANKS=2
export RANKS REGATTA
for recipe in $("$regatta" list recipes --as json | tr '{' '\n' |
  sed -n 's/^"name":"\([a-z0-9_]*\)","help":.*"facts":.*/\1/p'); do
  test -d "$top_srcdir/examples/$recipe"
  ok $? "$recipe has an example"
done
# real NAME: the example on cells of bone marrow
real() {
  case $1 in
  babel | multivi | sailer | sailerx) cells=bmmc_multiome_small ;;
  *) cells=bmmc_cite_small ;;
  esac
  if test -z "${REGATTA_DATA:-}"; then
    skip "$1 on real cells" "REGATTA_DATA is not set"
    return
  fi
  cells=$REGATTA_DATA/$cells.h5mu
  if ! test -f "$cells"; then
    skip "$1 on real cells" "REGATTA_DATA has no ${cells##*/}"
    return
  fi
  # sailer and sailerx have seen too few cells after twenty epochs
  short="--set $1.epochs=20"
  case $1 in sailer*) short= ;; esac
  # shellcheck disable=SC2086 # words
  timeout -k 5 400 sh "$top_srcdir/examples/$1/run.sh" "$scratch/$1-real" "$cells" \
    --batch batch --until evaluate $short >"$scratch/log" 2>&1
  ok $? "$1 runs on real cells"
  scores=$scratch/$1-real/run/scores.json
  purity=$(sed -n 's/.*"cells"[^{]*"knn_purity":\([0-9.]*\),.*/\1/p' "$scores")
  chance=$(sed -n 's/.*"random":{[^}]*"knn_purity":\([0-9.]*\).*/\1/p' "$scores")
  awk -v purity="$purity" -v chance="$chance" \
    'BEGIN { exit !(chance > 0 && purity > 1.05 * chance) }'
  ok $? "$1: neighbours of the same real type: $purity (at random $chance)"
}

for folder in "$top_srcdir"/examples/*/; do
  folder=${folder%/}
  name=${folder##*/}
  test -s "$folder/README.md" && test -s "$folder/config.yaml"
  ok $? "$name has a README and a configuration"
  timeout -k 5 400 sh "$folder/run.sh" "$scratch/$name" >"$scratch/log" 2>&1
  ok $? "$name runs"
  test $? -eq 0 || tail -n 5 "$scratch/log" | sed 's/^/# /'
  timeout 60 sh "$folder/check.sh" "$scratch/$name" >"$scratch/log" 2>&1
  status=$?
  sed 's/^/# /' "$scratch/log"
  ok $status "$name passes its check"
  real $name
done
finish
