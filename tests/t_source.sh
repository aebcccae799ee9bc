#!/bin/sh
# The rules of the sources (build-aux/check-*.sh): the sources keep them, and each rule
# notices when it is broken in a small tree made for that.
bad=$(mktemp -d) || exit 99
trap 'rm -rf "$bad"' EXIT
n=0

say() { # STATUS TEXT
  n=$((n + 1))
  if test "$1" = 0; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

keeps() { # RULE: the sources keep it
  output=$(sh "$top_srcdir/build-aux/check-$1.sh" "$top_srcdir")
  say $? "the sources keep the rules of check-$1"
  test -z "$output" || echo "$output" | sed 's/^/# /'
}

notices() { # RULE FILE TEXT MESSAGE: a tree with that one file breaks the rule
  rm -rf "$bad/src" "$bad/include" "$bad/tests"
  mkdir -p "$bad/include/regatta" "$bad/src" "$bad/${2%/*}"
  echo '/** Nothing here is collective. */' >"$bad/include/regatta/none.h"
  printf '%b\n' "$3" >"$bad/$2"
  sh "$top_srcdir/build-aux/check-$1.sh" "$bad" | grep -q "$2.*$4"
  say $? "check-$1 notices: $4"
}

echo 1..20
for rule in layers size docs text; do
  keeps $rule
done

notices layers src/nn/op_x.c '#include <mpi.h>' '<mpi.h> is not for nn'
notices layers src/io/vault.c '#include <mpi.h>' '<mpi.h> is not for io'
notices layers src/comm/x.c '#include "regatta/io.h"' 'comm must not know io'
notices layers include/regatta/base.h '#include "regatta/comm.h"' 'base must not know comm'
notices layers src/train/x.c '#include "io/h5.h"' 'header io/h5.h of another module'
notices layers src/what/x.c '#include "regatta/base.h"' 'module what is not in'

notices size src/io/x.c "$(awk 'BEGIN { for (i = 0; i < 501; i++) print "int x;" }')" \
  '501 lines, over 500'
notices size src/io/x.c "$(awk 'BEGIN { print "void f(void)\n{"
  for (i = 0; i < 99; i++) print "  g();"; print "}" }')" 'of 101 lines, over 100'

notices docs include/regatta/x.h '/** Counts. */\nint rg_count(void);' 'not said whether'

unfinished=TO''DO
machine=/wor''k
notices text src/io/Makefile.am 'a += src/io/b.c\na += src/io/b.c' 'twice'
notices text src/io/x.c "/* $unfinished */" 'unfinished'
notices text src/io/x.c "char *p = \"$machine/a\";" 'path of one machine'
notices text src/io/x.c "$(awk 'BEGIN { printf "%93s", "/* */" }')" 'over 92 columns'
notices text src/io/x.c 'int x; ' 'blanks at the end'
notices text src/io/x.c '\tint x;' 'tab'
notices text src/io/x.c 'int x;' 'in no list'
