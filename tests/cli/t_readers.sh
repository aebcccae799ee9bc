#!/bin/sh
# Every reader against readers of its own in Python, on files in all encodings that
# make_files.py writes and on the real ones of REGATTA_DATA, at 1 and 3 ranks.
here=${top_srcdir:-.}/tests/cli
: "${REGATTA:=${top_builddir:-.}/regatta}" "${MPIEXEC:=mpirun}" "${REGATTA_DATA:=}"
count=0

say() { # 0 or not, what
  count=$((count + 1))
  if test "$1" = 0; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

. "$here/python.sh"
if ! python_with 'h5py, scipy'; then
  echo "1..1"
  echo "ok 1 - readers # SKIP no Python with h5py and scipy"
  exit 0
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$python" "$here/make_files.py" "$work/files"
say $? "files in every encoding are made"

# compare NAME FILE...: the same lines at 1 and 3 ranks as from Python
compare() {
  name=$1
  shift
  "$python" "$here/readers_digest.py" "$@" >"$work/expected" 2>"$work/refused"
  for ranks in 1 3; do
    timeout 280 $MPIEXEC -n $ranks "$REGATTA" inspect --digest --log error "$@" \
      >"$work/found" 2>"$work/errors"
    diff "$work/expected" "$work/found" >"$work/diff"
    say $? "$name: $(wc -l <"$work/found") matrices at $ranks ranks are as in Python"
    sed 's/^/# /' "$work/diff"
    grep 'regatta: error' "$work/errors" | sed 's/ (rank [0-9]*)$//' >"$work/errors$ranks"
  done
  cmp -s "$work/errors1" "$work/errors3"
  say $? "$name: the same files are refused at 1 and 3 ranks, in the same words"
  test "$(wc -l <"$work/errors1")" = "$(wc -l <"$work/refused")"
  say $? "$name: $(wc -l <"$work/refused") files are refused, each in one line"
}

compare made "$work/files"/*
compare h5mu/modality "$work/files/maps.h5mu"

for layer in X raw spliced; do
  "$python" "$here/readers_digest.py" --layer $layer "$work/files/layers.h5ad" \
    >"$work/expected"
  "$REGATTA" inspect --digest --log error --layer $layer "$work/files/layers.h5ad" \
    >"$work/found"
  cmp -s "$work/expected" "$work/found"
  say $? "--layer $layer is read"
done
"$REGATTA" inspect --layer splice "$work/files/layers.h5ad" >"$work/found" 2>&1
test $? = 3 && grep -q 'there are: spliced, raw, X' "$work/found"
say $? "an unknown layer is refused with those that there are"
"$python" "$here/readers_digest.py" --genome mm10 "$work/files/v2_two.h5" >"$work/expected"
"$REGATTA" inspect --digest --log error --genome mm10 "$work/files/v2_two.h5" >"$work/found"
cmp -s "$work/expected" "$work/found"
say $? "--genome names one of two"
"$REGATTA" inspect --digest --log error "$work/files/maps.h5mu/atac" >"$work/found" &&
  "$REGATTA" inspect --digest --log error "$work/files/maps.h5mu/mod/atac" >"$work/again" &&
  cmp -s "$work/found" "$work/again" && grep -q '^atac 28 41 ' "$work/found"
say $? "FILE/atac and FILE/mod/atac are one modality with its own cells"

for ranks in 1 3; do
  timeout 100 $MPIEXEC -n $ranks "$REGATTA" inspect "$work/files/shuffled.h5mu" \
    --log error | grep -v '^/' >"$work/inspect$ranks"
done
cmp -s "$work/inspect1" "$work/inspect3" &&
  grep -q 'rna:row *number *6 to 36, 6 missing' "$work/inspect1" &&
  grep -q 'dead *category *2: False, True' "$work/inspect1"
say $? "inspect says the same at 1 and 3 ranks"

$MPIEXEC -n 2 "$REGATTA" check --json "$work/files/maps.h5mu" --log error >"$work/json" &&
  "$python" - "$work/json" <<'END'
import json, sys
file = json.load(open(sys.argv[1]))["files"][0]
assert file["ok"] and file["cells"] == 37 and not file["errors"]
assert [m["name"] for m in file["modalities"]] == ["rna", "adt", "atac"]
assert [m["cells"] for m in file["modalities"]] == [31, 37, 28]
END
say $? "check --json tells cells and modalities"

if test -d "$REGATTA_DATA"; then
  cd "$REGATTA_DATA" || exit 1
  # shellcheck disable=SC2046 # names have no blanks
  compare real *.h5* $(find formats -name '*.h5*' -o -name '*.loom' -o -name '*.mtx*')
else
  count=$((count + 1))
  echo "ok $count - real files # SKIP REGATTA_DATA is not set"
fi
echo "1..$count"
