#!/bin/sh
# t_simulate.sh: simulated data are the same at any number of ranks, follow the seed, and
# are read by other programs.
: "${REGATTA:=./regatta}" "${MPIEXEC:=mpirun}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0

ok() { # STATUS WHAT
  count=$((count + 1))
  if test "$1" = 0; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

simulate() { # RANKS FILE OPTION...
  ranks=$1 file=$2
  shift 2
  $MPIEXEC -n "$ranks" "$REGATTA" simulate -o "$dir/$file" --cells 301 --genes 80 \
    --peaks 300 --proteins 7 --paired 0.7 --log warn "$@" >"$dir/said"
}

for ranks in 1 2 3; do
  simulate $ranks $ranks.h5mu && tail -n 1 "$dir/said" | grep -q "^results: $dir/$ranks"
  ok $? "on $ranks ranks: the last line says where the results are"
done
cmp "$dir/1.h5mu" "$dir/2.h5mu" && cmp "$dir/1.h5mu" "$dir/3.h5mu"
ok $? 'the same bytes at 1, 2 and 3 ranks'
simulate 5 5.h5mu --cells 3 && simulate 1 1b.h5mu --cells 3 &&
  cmp "$dir/1b.h5mu" "$dir/5.h5mu"
ok $? 'the same bytes with ranks that have no cell'
OMP_NUM_THREADS=3 simulate 1 threads.h5mu && cmp "$dir/1.h5mu" "$dir/threads.h5mu"
ok $? 'the same bytes with 3 threads'
simulate 2 unpaired.h5mu --paired 0 --single &&
  "$REGATTA" inspect "$dir/unpaired.h5mu" 2>/dev/null |
  awk '$1 == "cells" && $3 == "of" { n += $2 } END { exit n != 301 }'
ok $? 'without pairs: every cell is in one modality'
simulate 1 other.h5mu --seed 1 && ! cmp -s "$dir/1.h5mu" "$dir/other.h5mu"
ok $? 'other bytes with another seed'

head -c 512 "$dir/1.h5mu" | tr -d '\000' | grep -q '^MuData (format-version=0.1.0;'
ok $? 'the file opens with the user block of MuData'
"$REGATTA" check "$dir/1.h5mu" >"$dir/said" 2>&1 && grep -q ': ok$' "$dir/said"
ok $? 'regatta check finds nothing wrong'

RG_FAULT=h5.write:3 simulate 2 fault.h5mu 2>"$dir/err"
test $? = 1 && test "$(grep -c '^regatta: error: .*injected' "$dir/err")" = 1 &&
  ! ls -A "$dir" | grep -q fault
ok $? 'a failed write is told once and leaves nothing'
cp "$dir/other.h5mu" "$dir/kept.h5mu"
RG_FAULT=h5.rename simulate 2 kept.h5mu 2>"$dir/err"
test $? = 1 && cmp "$dir/other.h5mu" "$dir/kept.h5mu" && ! ls -A "$dir" | grep -q tmp
ok $? 'a failed rename keeps the file that was there'

. "${top_srcdir:-.}/tests/cli/python.sh"
what='anndata reads every modality, maps and places agree'
if ! python_with 'anndata, h5py'; then
  count=$((count + 1))
  echo "ok $count - $what # SKIP no anndata"
else
  "$python" -W ignore - "$dir/1.h5mu" >"$dir/said" 2>&1 <<'END'
import sys

import h5py
import numpy as np
from anndata._io.specs import read_elem

file = h5py.File(sys.argv[1], "r")
assert file.userblock_size == 512 and file.attrs["encoding-type"] == "MuData"
obs = read_elem(file["obs"])
assert list(obs.columns) == ["cell_type", "batch", "depth"] and obs.index.is_unique
lacking = np.zeros(len(obs), int)
assert list(file["mod"].attrs["mod-order"]) == ["rna", "atac", "adt"]
first = 0
for name in file["mod"].attrs["mod-order"]:
    data = read_elem(file["mod"][name])
    rows = file["obsmap"][name][:].astype(int)
    assert (rows[rows > 0] == np.arange(1, data.n_obs + 1)).all()
    assert (data.obs_names == obs.index[rows > 0]).all()
    assert (data.obs["cell_type"].values == obs["cell_type"][rows > 0].values).all()
    assert ((rows > 0) == read_elem(file["obsm"][name])).all()
    values = data.X.data
    assert (values >= 1).all() and (values == np.round(values)).all()
    columns = file["varmap"][name][:].astype(int)
    assert (np.nonzero(columns)[0] == first + np.arange(data.n_vars)).all()
    first += data.n_vars
    lacking += rows == 0
    if name == "atac":
        assert (values == 1).all()
        var = data.var
        place = [f"{c}:{s}-{e}" for c, s, e in zip(var.chrom, var.start, var.end)]
        assert place == list(data.var_names)
        for _, peaks in var.groupby("chrom", observed=True):
            assert (peaks.start.values[1:] > peaks.end.values[:-1]).all()
        number = var.chrom.astype(str).str[3:].astype(int).values
        assert (np.diff(number) >= 0).all() and number[-1] == 22
        sizes = np.bincount(number)[1:]
        assert sizes[0] > 2 * sizes[-1]
assert lacking.max() == 1 and 0.2 < lacking.mean() < 0.4
END
  ok $? "$what"
  sed 's/^/# /' "$dir/said"
fi
echo "1..$count"
