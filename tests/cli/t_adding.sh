#!/bin/sh
# The developer guide holds: a loss, a recipe, an operation, a metric and a command are a file
# each and the line that names it, and the tests of gradients, ranks and recipes find them by
# themselves.
. "$top_srcdir/tests/cli/lib.sh"
guide=$top_srcdir/docs/develop/adding.md

if ! autoreconf --version >/dev/null 2>&1; then
  skip "the developer guide's loss and recipe" "autoreconf is not installed"
  finish
fi
if ! test -f "$top_builddir/tests/unit/test_gradients" ||
  ! test -f "$top_builddir/tests/ranks/rankcases"; then
  skip "the developer guide's loss and recipe" "the tests are not built"
  finish
fi

copy() {
  mkdir "$scratch/tree" &&
    (cd "$top_srcdir" && tar cf - Makefile.am configure.ac m4 build-aux include src tests \
      docs examples jobs modules README.md CHANGELOG.md CONTRIBUTING.md CITATION.cff \
      COPYING) | (cd "$scratch/tree" && tar xf -) && chmod -R u+w "$scratch/tree"
}

# take LANGUAGE FILE: the block of the guide headed "```LANGUAGE FILE"
take() {
  awk -v head="\`\`\`$1 $2" '$0 == head { on = 1; next } /^```$/ { on = 0 } on' "$guide"
}

copy
ok $? "the sources are copied"
before=$(cd "$scratch/tree" && find src -type f | sort)
new="src/cli/cmd_cells.c src/eval/metric_reach.c src/loss/loss_huber.c src/model/recipe_robust.c \
src/nn/op_square.c"
for file in $new; do
  take c $file >"$scratch/tree/$file"
done
for list in src/cli/Makefile.am src/eval/Makefile.am src/loss/Makefile.am \
  src/model/Makefile.am src/nn/Makefile.am; do
  take make $list >"$scratch/line"
  same "$(wc -l <"$scratch/line")" 1 "one line names what is added to $list"
  cat "$scratch/line" >>"$scratch/tree/$list"
done
after=$(cd "$scratch/tree" && find src -type f | sort)
same "$(printf '%s\n%s\n' "$before" "$after" | sort | uniq -u | tr '\n' ' ')" \
  "$new " "five files are new"
# Configured as the build under test, whose objects are taken over: only what is new is
# compiled.
(cd "$scratch/tree" && autoreconf -fi && mkdir made && cd made &&
  eval "../configure $("$top_builddir/config.status" --config)" &&
  (cd "$top_builddir" && find src tests '(' -name '*.o' -o -name .dirstamp ')' \
    ! -name registry.o | tar cf - -T -) | tar xf - &&
  find . -name .dirstamp -exec touch {} + && find src tests -name '*.o' -exec touch {} + &&
  make src/cli/commit.h && make -j2 regatta tests/unit/test_gradients tests/ranks/rankcases) \
  >"$scratch/log" 2>&1
ok $? "the program is built with them"
compiled=$(grep -c '^ *CC ' "$scratch/log")
echo "# $compiled files compiled"
test -x "$scratch/tree/made/regatta" || { tail -5 "$scratch/log" | sed 's/^/# /'; finish; }

cd "$scratch/tree/made" || exit 1
regatta=$scratch/tree/made/regatta
"$regatta" list losses | grep -q '^huber '
ok $? "the loss is in the list"
"$regatta" list recipes | grep -q '^robust '
ok $? "the recipe is in the list"
"$regatta" list operations | grep -q '^square '
ok $? "the operation is in the list"
"$regatta" simulate -o a.h5mu --cells 100 --genes 60 --peaks 0 >/dev/null 2>&1 &&
  "$regatta" cells a.h5mu --each >"$scratch/log" 2>/dev/null
same "$(tr '\n' ' ' <"$scratch/log")" "100 rna 100 " "the command counts cells"
"$regatta" cells --help | grep -q -- --each && "$regatta" list commands --as man |
  grep -q 'regatta.*cells'
ok $? "the command explains itself"
"$regatta" prepare a.h5mu -o prepared >/dev/null 2>&1
for ranks in 1 2; do
  $MPIEXEC -n $ranks "$regatta" evaluate prepared/results.h5ad \
    --labels a.h5mu:cell_type 2>/dev/null | grep '^reach ' >"$scratch/reach.$ranks"
done
test -s "$scratch/reach.1" && cmp "$scratch/reach.1" "$scratch/reach.2"
ok $? "the metric has the same value on 1 and 2 ranks"

./tests/unit/test_gradients --filter 'gradients/*' >"$scratch/log" 2>&1
ok $? "the gradient check passes"
for ranks in 2 3; do
  timeout 100 $MPIEXEC -n $ranks ./tests/ranks/rankcases ops >"$scratch/log" 2>&1
  ok $? "loss and operation have the same bits on $ranks ranks"
done
REGATTA=$regatta RG_RECIPES=robust sh "$top_srcdir/tests/cli/t_recipes.sh" >"$scratch/log"
ok $? "the recipe has the same parameters on 1 to 4 ranks"
grep -q 'robust: 4 ranks' "$scratch/log"
ok $? "the test of the recipes has found it"
sed -i 's/fminf(fmaxf(e, -knee), knee)/fminf(fmaxf(e, -knee), 1.1F * knee)/' \
  ../src/loss/loss_huber.c
make tests/unit/test_gradients >/dev/null 2>&1
./tests/unit/test_gradients --filter 'gradients/*' >"$scratch/log" 2>&1
test $? -ne 0 && grep -q 'huber' "$scratch/log"
ok $? "the gradient check finds a wrong slope of the new loss"
finish
