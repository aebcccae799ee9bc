#!/bin/sh
# Every folder of examples: it has its four files, runs on simulated cells and passes its own
# check; every recipe of the list has one.
. "$top_srcdir/tests/cli/lib.sh"
RANKS=2
export RANKS REGATTA
for recipe in $("$regatta" list recipes --as json | tr '{' '\n' |
  sed -n 's/^"name":"\([a-z0-9_]*\)","help":.*"facts":.*/\1/p'); do
  test -d "$top_srcdir/examples/$recipe"
  ok $? "$recipe has an example"
done
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
done
finish
