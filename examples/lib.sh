# What the examples share. A script is called as
#   sh examples/METHOD/run.sh OUT [FILE [OPTION...]]
# OUT: folder for everything; FILE: cells of your own instead of simulated ones; options go
# to `regatta run`. REGATTA is the program (default: regatta), RANKS how many ranks (default
# 2), MPIEXEC the launcher (default mpirun).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?say where the results go: $0 OUT [FILE]}
file=${2:-}
test $# -lt 2 || shift
shift
mkdir -p "$out"

regatta() {
  if test "${RANKS:-2}" = 1; then
    "${REGATTA:-regatta}" "$@"
  else
    ${MPIEXEC:-mpirun} -n "${RANKS:-2}" "${REGATTA:-regatta}" "$@"
  fi
}

# simulated OPTION...: the file is simulated where none was given
simulated() {
  test -z "$file" || return 0
  file=$out/cells.h5mu
  regatta simulate -o "$file" "$@"
}

# score KEY FILE.json: the number of a key, the first where it is there more than once
score() {
  tr ',{' '\n\n' <"$2" | sed -n "s/^\"$1\": *\([-0-9.e+]*\).*/\1/p" | head -n 1
}

# at_least KEY FILE.json BOUND WHAT
at_least() {
  value=$(score "$1" "$2")
  test -n "$value" || { echo "no $1 in $2" >&2; exit 1; }
  awk -v value="$value" -v bound="$3" 'BEGIN { exit !(value >= bound) }' || {
    echo "$4: $1 is $value, below $3" >&2
    exit 1
  }
  echo "$4: $1 $value (at least $3)"
}

# at_most KEY FILE.json BOUND WHAT
at_most() {
  value=$(score "$1" "$2")
  test -n "$value" || { echo "no $1 in $2" >&2; exit 1; }
  awk -v value="$value" -v bound="$3" 'BEGIN { exit !(value <= bound) }' || {
    echo "$4: $1 is $value, above $3" >&2
    exit 1
  }
  echo "$4: $1 $value (at most $3)"
}
