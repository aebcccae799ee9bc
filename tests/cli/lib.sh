# Helpers of the scripts: plan, ok, skip, and a scratch folder in $scratch.
tests=0 failed=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
regatta=${REGATTA:-regatta}

# ok CONDITION-STATUS WHAT
ok() {
  tests=$((tests + 1))
  if test "$1" -eq 0; then
    echo "ok $tests - $2"
  else
    echo "not ok $tests - $2"
    failed=1
  fi
}
skip() {
  tests=$((tests + 1))
  echo "ok $tests - $1 # SKIP $2"
}
# same A B WHAT
same() {
  if test "$1" = "$2"; then
    ok 0 "$3"
  else
    ok 1 "$3: '$1' is not '$2'"
  fi
}
finish() {
  echo "1..$tests"
  exit $failed
}
# on RANKS COMMAND...: run under MPI, output to $scratch/out and $scratch/err; one rank
# needs no launcher
on() {
  ranks=$1 launch="$MPIEXEC -n $1"
  shift
  test "$ranks" != 1 || launch=
  # shellcheck disable=SC2086 # words
  timeout -k 5 120 $launch "$regatta" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
}
# hash of the parameters of a run
hash_of() {
  "$regatta" inspect "$1" 2>/dev/null | sed -n 's/^ *parameters *//p'
}
