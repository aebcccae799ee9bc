#!/bin/sh
# t_placement.sh: where the ranks are is said once, and so is what will make them slow.
. "${top_srcdir:-.}/tests/cli/lib.sh"
export OMP_NUM_THREADS=1
unset OPENBLAS_NUM_THREADS OMP_PLACES OMP_PROC_BIND

file=$scratch/cells.h5mu
"$regatta" simulate -o "$file" --cells 200 --genes 60 --peaks 200 --proteins 5 \
  --log warn >/dev/null 2>&1 || exit 1
cores=$(env -u OMP_NUM_THREADS nproc)

# warned PATTERN: one warning with it, and none beside; "none": no warning
warned() {
  count=$(grep -c '^regatta: warning: ' "$scratch/err")
  if test "$1" = none; then
    test "$count" = 0
  else
    test "$count" = 1 && grep -q "^regatta: warning: .*$1" "$scratch/err"
  fi
}
prepare="prepare $file -o $scratch/run"

# shellcheck disable=SC2086 # words
on 1 $prepare && warned none
ok $? 'one rank of one thread: no warning'
if test "$cores" -ge 2; then
  # shellcheck disable=SC2086
  on 2 $prepare && warned none &&
    test "$(grep -c '^2 ranks x 1 thread on 1 host of ' "$scratch/err")" = 1
  ok $? 'two ranks: one line of where they are, no warning'
else
  skip 'two ranks without a warning' 'there is one core'
fi
# shellcheck disable=SC2086
on $((cores + 2)) $prepare && warned 'exceed its cores by 2 '
ok $? 'more ranks than cores: one warning, from one rank'
on $((cores + 2)) inspect "$file" && warned none
ok $? 'no word of it where little is computed'
export OMP_NUM_THREADS=$((cores + 1))
# shellcheck disable=SC2086
on 1 $prepare && warned 'exceed its cores by 1 '
ok $? 'more threads than cores: one warning'
if command -v taskset >/dev/null && test "$cores" -ge 2; then
  export OMP_NUM_THREADS=2
  # shellcheck disable=SC2086
  taskset -c 0 "$regatta" $prepare >"$scratch/out" 2>"$scratch/err"
  warned 'exceed its cores by 1 (ranks x threads: 1 x 2 on 1 cores)'
  ok $? 'the binding of a process counts, not the cores of the host'
  # shellcheck disable=SC2086
  OMP_PLACES='{0}' OMP_PROC_BIND=true on 1 $prepare
  warned 'exceed its cores\|share 1 core'
  ok $? 'threads bound to one core'
else
  skip 'bindings' 'taskset or a second core is missing'
fi
export OMP_NUM_THREADS=1
# shellcheck disable=SC2086
OPENBLAS_NUM_THREADS=2 on 1 $prepare && warned 'OPENBLAS_NUM_THREADS=2 contradicts'
ok $? 'OPENBLAS_NUM_THREADS that contradicts'
reference=$(ls -d /usr/lib/*/blas 2>/dev/null | head -n 1)
if test -e "$reference/libblas.so.3" && "$regatta" --version | grep -q OpenBLAS; then
  # shellcheck disable=SC2086
  LD_PRELOAD="$reference/libblas.so.3" on 1 $prepare && warned 'reference'
  ok $? 'the reference BLAS'
else
  skip 'the reference BLAS' 'it is not installed'
fi

# memory that will not do, as Slurm says
SLURM_MEM_PER_NODE=20 on 1 train "$file" -o "$scratch/few" --recipe sailerx \
  --set sailerx.epochs=1 && warned 'Slurm has 0.02'
ok $? 'train warns of memory that will not do'
on 1 train "$file" -o "$scratch/enough" --recipe sailerx --set sailerx.epochs=1 &&
  warned none
ok $? 'and does not where there is enough'
grep -q '^phase .*calls .*seconds' "$scratch/out" &&
  grep -q '^  train  *1 ' "$scratch/out" && grep -q '^    step  *[0-9]' "$scratch/out"
ok $? 'a table of phases at the end of train'
finish
