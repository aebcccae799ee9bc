#!/bin/sh
# installed.sh BINDIR MANDIR DATADIR MODULEFILES VERSION: is the program that make install
# put there whole, and does it work? `make installcheck` runs it; TAP. MODULEFILES may be
# empty.
# shellcheck disable=SC1091,SC2154 # of lib.sh
. "${0%/*}/cli/lib.sh"
regatta=$1/regatta man=$2/man1 completions=$3/bash-completion/completions
modules=$4 version=$5

same "$("$regatta" --version | head -n 1)" "regatta $version" 'the program starts'
missing=
for name in $("$regatta" list commands | sed -n 's/^\([a-z][a-z]*\) .*/\1/p'); do
  test -s "$man/regatta-$name.1" || missing="$missing $name"
done
test -s "$man/regatta.1" || missing="$missing regatta"
same "$missing" '' 'the program and each command have a man page'

# offered WORD...: what bash offers for the last word
offered() {
  bash -c '. "$1" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _regatta
    echo "${COMPREPLY[*]}"' bash "$completions/regatta" "$@"
}
if command -v bash >/dev/null; then
  same "$(offered regatta simu)" simulate 'bash completes a command'
  same "$(offered regatta simulate --chrom)" --chromosomes 'bash completes an option'
  same "$(offered regatta train x.h5mu --recipe sailerx)" sailerx \
    'bash completes a recipe'
  same "$(offered regatta list rec)" recipes 'bash completes what there is to list'
  same "$(offered regatta list metrics pa)" partition \
    'bash completes the names of a list'
  same "$(offered regatta help gene)" generate 'bash completes what there is help for'
else
  skip 'bash completes commands and options' 'there is no bash'
fi
if test -n "$modules"; then
  test -s "$modules/regatta/$version" && test -s "$modules/regatta/$version.lua"
  ok $? 'modulefiles are there'
fi

on 1 simulate -o "$scratch/x.h5mu" --cells 120 --genes 60 --peaks 200 --seed 1
ok $? 'it simulates cells'
for ranks in 1 2; do
  on $ranks train "$scratch/x.h5mu" -o "$scratch/run$ranks" --recipe sailerx \
    --set sailerx.epochs=2
  ok $? "it trains on $ranks ranks"
done
test -n "$(hash_of "$scratch/run1")"
ok $? 'there is a model'
same "$(hash_of "$scratch/run1")" "$(hash_of "$scratch/run2")" 'the same on 2 ranks'
finish
