#!/bin/sh
# Damaged and hostile files: each is refused in one line that says what is wrong, with exit
# code 3, in the same words on one rank and on four; nothing crashes and nothing hangs.
# RG_MUTANTS is the number of random mutants, RG_SEED chooses them.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"

if ! python_with 'h5py, scipy'; then
  skip "hostile files" "no Python with h5py and scipy"
  finish
  exit 0
fi

"$python" "$top_srcdir/tests/cli/mutate_files.py" "$scratch/files" "${RG_SEED:-1}" \
  "${RG_MUTANTS:-60}" >"$scratch/list"
ok $? "the files are made"

# errors FILE: what was said, one line per problem, without the rank
errors() {
  grep -a '^regatta: error: ' "$1" | sed 's/ (rank [0-9]*)$//'
}

cd "$scratch/files/known" || exit 1
# shellcheck disable=SC2046 # names have no blanks
for n in 1 4; do
  on $n check $(cut -f1 "$scratch/list") --log error
  same $? 3 "known faults on $n ranks: exit code 3"
  errors "$scratch/err" >"$scratch/known$n"
done
while IFS='	' read -r name says; do
  lines=$(grep -a -c "^regatta: error: $name[:[]" "$scratch/known1")
  same "$lines" 1 "$name: one line"
  sed -n "s/^regatta: error: $name\([:[]\)/\1/p" "$scratch/known1" | grep -a -E -q "$says"
  ok $? "$name: it says '$says'"
done <"$scratch/list"
cmp "$scratch/known1" "$scratch/known4"
ok $? "known faults: the same words on 1 and 4 ranks"
grep -a -q "$(printf '\033')" "$scratch/known1"
same $? 1 "no control character reaches the terminal"

cd "$scratch/files/random" || exit 1
for n in 1 4; do
  on $n check ./* --log error
  case $? in 0 | 3) ok 0 "random mutants on $n ranks: an orderly end" ;;
  *) ok 1 "random mutants on $n ranks: an orderly end" ;; esac
  errors "$scratch/err" >"$scratch/random$n"
  grep -a -E '^\./.*: (ok|not ok)$' "$scratch/out" >"$scratch/answers$n"
  # shellcheck disable=SC2012 # names have no line ends
  same "$(wc -l <"$scratch/answers$n")" "$(ls | wc -l)" \
    "random mutants on $n ranks: an answer for each"
done
cmp "$scratch/random1" "$scratch/random4" && cmp "$scratch/answers1" "$scratch/answers4"
ok $? "random mutants: the same words on 1 and 4 ranks"

# what has to pass does: the files that were spoilt
cd "$scratch/files/valid" || exit 1
on 2 check h5ad csc dense h5mu tenx v2.h5 --log error
same $? 0 "the valid files pass"
finish
