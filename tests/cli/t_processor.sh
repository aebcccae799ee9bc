#!/bin/sh
# A processor without the instructions that the program was compiled for: one line, exit
# code 1, instead of "Illegal instruction".
. "$top_srcdir/tests/cli/lib.sh"
line='regatta: error: the program was compiled for processors with'

"$regatta" --version | grep -q '^flags .*-ffp-contract=off'
ok $? '--version tells the flags of the compiler'

RG_FAULT=processor "$regatta" list recipes >"$scratch/out" 2>"$scratch/err"
same $? 1 'exit code of a processor that does not fit'
grep -q "^$line .* lacks; configure it with --with-march=" "$scratch/err"
ok $? 'the line says what to do'
test ! -s "$scratch/out"
ok $? 'and nothing else is done'
RG_FAULT=processor on 2 list recipes
same "$(grep -c "^$line" "$scratch/err")" 1 'on 2 ranks of one host it is said once'

# valgrind is a processor with AVX2, and without AVX-512
if ! command -v valgrind >/dev/null; then
  skip 'a processor without AVX-512' 'valgrind is not installed'
elif ! "$regatta" --version | grep -q 'march=native' || ! grep -q avx512f /proc/cpuinfo; then
  skip 'a processor without AVX-512' 'the program was not compiled for AVX-512'
else
  timeout 60 valgrind -q "$regatta" list recipes >"$scratch/out" 2>"$scratch/err"
  same $? 1 'a processor without AVX-512 is refused'
  grep -q "$line avx512f" "$scratch/err"
  ok $? 'and what it lacks is named'
fi
finish
