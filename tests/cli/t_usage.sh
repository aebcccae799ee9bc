#!/bin/sh
# t_usage.sh: exit codes and messages of the program itself, alone and on two ranks.
: "${REGATTA:=./regatta}" "${MPIEXEC:=mpirun}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0

ok() { # STATUS WHAT: one line of TAP
  count=$((count + 1))
  if test "$1" = 0; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    sed 's/^/# /' "$dir/err"
  fi
}

# LAUNCH CODE TEXT ARGUMENT...: exactly one error line, with the text, and the exit code
refused() {
  launch=$1 code=$2 text=$3
  shift 3
  $launch "$REGATTA" "$@" >"$dir/out" 2>"$dir/err"
  got=$?
  lines=$(grep -c '^regatta: error: ' "$dir/err")
  test "$got" = "$code" && test "$lines" = 1 && grep -qF -- "$text" "$dir/err"
  ok $? "${launch:+2 ranks: }regatta $* ends with $code: $text"
}

# TEXT ARGUMENT...: success, with the text on stdout and nothing on stderr
shown() {
  text=$1
  shift
  "$REGATTA" "$@" >"$dir/out" 2>"$dir/err" && grep -qF -- "$text" "$dir/out" &&
    test ! -s "$dir/err"
  ok $? "regatta $* shows '$text'"
}

for launch in '' "$MPIEXEC -n 2"; do
  refused "$launch" 2 'no command given'
  refused "$launch" 2 "did you mean 'simulate'?" simulat
  refused "$launch" 2 'did you mean --cells?' simulate --cell 3 -o "$dir/x.h5mu"
  refused "$launch" 2 'the output is missing' simulate
  refused "$launch" 2 'does not exist' simulate -o "$dir/no/x.h5mu"
  refused "$launch" 3 'cannot be opened' inspect "$dir/no.h5ad"
done
refused '' 2 'cells' simulate --cells 0 -o "$dir/x.h5mu"
refused '' 2 'cells' simulate --cells many -o "$dir/x.h5mu"
refused '' 2 'needs a value' simulate -o
refused '' 2 'one argument too many' simulate -o "$dir/x.h5mu" more
refused '' 2 'nothing to do' simulate --genes 0 --peaks 0 -o "$dir/x.h5mu"
refused '' 2 'there is no adt' simulate --private adt -o "$dir/x.h5mu"
refused '' 2 "did you mean 'recipes'?" list recipe
refused '' 2 'error, warn, info, debug' simulate -o "$dir/x.h5mu" --log loud

echo 'no HDF5 at all' >"$dir/text.h5ad"
refused '' 3 'text.h5ad' inspect "$dir/text.h5ad"
test -z "$(ls -A "$dir" | grep -v '^out$\|^err$\|^text.h5ad$')"
ok $? 'nothing is left behind by a failed command'

shown 'HDF5' --version
shown 'MPI' --version
shown 'BLAS' --version
shown 'Exit codes' --help
shown '--cells N' simulate --help
shown '--cells N' help simulate
shown 'simulate' list commands
shown '"name":"simulate"' list commands --as json

"$REGATTA" list commands --as bash >"$dir/completion" && bash -n "$dir/completion" &&
  bash -c '. "$1"; COMP_WORDS=(regatta simulate --chrom) COMP_CWORD=2; _regatta
    test "${COMPREPLY[*]}" = --chromosomes' bash "$dir/completion"
ok $? 'bash completes options'
bash -c '. "$1"; COMP_WORDS=(regatta run --set sailerx.lat) COMP_CWORD=3; _regatta
  test "${COMPREPLY[*]}" = sailerx.latent=' bash "$dir/completion"
ok $? 'bash completes the keys of --set'
"$REGATTA" list commands simulate --as man | grep -q '^.TH REGATTA.-SIMULATE '
ok $? 'a command has a man page'
for kind in recipes losses operations metrics; do
  shown '## ' list $kind --as markdown
done
refused '' 2 'for commands' list recipes --as man

for command in prepare train run; do
  shown 'min_cells_per_feature: 3' $command --print-config
done

# every command explains itself, with an example that names it
for name in $("$REGATTA" list commands --as json | tr '{' '\n' |
  sed -n 's/^"name":"\([a-z]*\)","help":"[^"]*","arguments".*/\1/p'); do
  shown "regatta $name" "$name" --help
done

# the line of an error is one line, whatever is in a name
"$REGATTA" "$(printf 'a\nregatta: error: b')" 2>"$dir/err"
test $? = 2 && test "$(wc -l <"$dir/err")" = 1
ok $? 'a line break in a name does not make two lines'
echo "1..$count"
