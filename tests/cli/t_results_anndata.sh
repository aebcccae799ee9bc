#!/bin/sh
# t_results_anndata.sh: anndata reads the results that regatta writes, and regatta merges
# results that anndata wrote.
: "${REGATTA:=./regatta}" "${MPIEXEC:=mpirun}" "${top_builddir:=.}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0

ok() { # STATUS WHAT
  count=$((count + 1))
  if test "$1" = 0; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
  test ! -s "$dir/said" || sed 's/^/# /' "$dir/said"
}

. "${top_srcdir:-.}/tests/cli/python.sh"
if ! python_with 'anndata, h5py'; then
  echo '1..0 # SKIP no anndata'
  exit 0
fi

# the results of tests/ranks/case_annot.c, written by three ranks
mkdir "$dir/3"
RG_RANKS_FOLDER=$dir/3 $MPIEXEC -n 3 "$top_builddir/tests/ranks/rankcases" annot \
  >"$dir/said" 2>&1
ok $? 'results are written by three ranks'
"$python" -W ignore - "$dir/3/results.h5ad" "$dir/again.h5ad" >"$dir/said" 2>&1 <<'END'
import sys

import anndata
import numpy as np

data = anndata.read_h5ad(sys.argv[1])
n = data.n_obs
assert n == 103 and data.n_vars == 0 and list(data.obs.columns) == ["leiden", "depth", "donor"]
assert list(data.obs_names[:2]) == ["cell-0", "cell-1"]
i = np.arange(n)
assert list(data.obs["leiden"].cat.categories) == ["B cell", "NK", "γδ T"]
assert (data.obs["leiden"].cat.codes == i % 4 - 1).all()
depth = np.where(i % 5 == 0, np.nan, i / 3)
np.testing.assert_array_equal(data.obs["depth"], depth)
assert data.obs["donor"][0] == "" and data.obs["donor"][1] == "gène 1"
mat = data.obsm["X_regatta"]
assert mat.dtype == np.float32 and mat.shape == (n, 3)
assert np.isnan(mat[6]).all() and mat[7, 1] == np.float32(3.5)
graph = data.obsp["connectivities"]
assert graph.shape == (n, n) and graph.nnz == (i % 4).sum() and graph[3, 5] == 2
assert data.uns["neighbors"]["params"] == {"metric": "euclidean", "n_neighbors": 15}
assert data.uns["leiden"]["params"]["resolution"] == 0.7
assert data.uns["hvg"]["flag"] is np.True_ or data.uns["hvg"]["flag"] is True
assert list(data.uns["leiden_colors"]) == ["#1f77b4", "é"]
names = data.uns["rank_genes_groups"]["names"]
assert names.dtype.names == ("0", "1") and list(names["0"]) == ["MS4A1", "MS4A1"]
assert list(data.uns["rank_genes_groups"]["scores"]["1"]) == [-2.5, 0]
assert data.uns["rank_genes_groups"]["scores"]["1"].dtype == "f4"
assert data.uns["rank_genes_groups"]["pvals"]["1"].dtype == "f8"
assert list(data.uns["regatta"]["history"]["loss"]) == [1, -2.5, 1e300, 0]
data.write_h5ad(sys.argv[2])
END
ok $? 'anndata reads columns, matrices, graphs and notes as they were'

# results of some of the cells, in another order, written by anndata
"$REGATTA" simulate -o "$dir/data.h5mu" --cells 200 --genes 50 --peaks 100 --log warn \
  >"$dir/said" 2>&1
ok $? 'data are simulated'
"$python" -W ignore - "$dir" >"$dir/said" 2>&1 <<'END'
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata._io.specs import read_elem

folder = sys.argv[1]
obs = read_elem(h5py.File(folder + "/data.h5mu", "r")["obs"])
rng = np.random.default_rng(0)
names = obs.index[rng.permutation(len(obs))[:150]]
table = pd.DataFrame(index=names)
table["leiden"] = pd.Categorical(rng.integers(0, 4, 150).astype(str))
table["score"] = rng.normal(size=150)
table["note"] = [f"cell {i}" for i in range(150)]
table["batch"] = pd.Categorical(["new"] * 150)
data = anndata.AnnData(obs=table)
data.obsm["X_regatta"] = rng.normal(size=(150, 8)).astype("f4")
data.obsp["distances"] = sp.random(150, 150, 0.05, "csr", np.float32, random_state=0)
data.uns["neighbors"] = {"params": {"n_neighbors": 15}, "distances_key": "distances"}
data.write_h5ad(folder + "/results.h5ad")
END
ok $? 'anndata writes results of 150 of 200 cells in another order'
for ranks in 1 3; do
  $MPIEXEC -n $ranks "$REGATTA" merge "$dir/data.h5mu" "$dir/results.h5ad" \
    -o "$dir/merged$ranks.h5mu" >"$dir/said" 2>&1 && rm "$dir/said"
  ok $? "$ranks ranks merge them"
done
cmp "$dir/merged1.h5mu" "$dir/merged3.h5mu"
ok $? 'merged files are the same at 1 and 3 ranks'
"$python" -W ignore - "$dir" >"$dir/said" 2>&1 <<'END'
import sys

import anndata
import h5py
import numpy as np
from anndata._io.specs import read_elem

folder = sys.argv[1]
want = anndata.read_h5ad(folder + "/results.h5ad")
file = h5py.File(folder + "/merged3.h5mu", "r")
obs = read_elem(file["obs"])
at = obs.index.get_indexer(want.obs_names)
rest = np.setdiff1d(np.arange(len(obs)), at)
assert list(obs.columns) == ["cell_type", "batch", "depth", "leiden", "score", "note"]
for name in ("leiden", "note", "batch"):
    assert (obs[name][at].astype(str).values == want.obs[name].astype(str).values).all()
assert (obs["score"][at].values == want.obs["score"].values).all()
assert obs["leiden"][rest].isna().all() and obs["score"][rest].isna().all()
mat = read_elem(file["obsm/X_regatta"])
assert (mat[at] == want.obsm["X_regatta"]).all() and np.isnan(mat[rest]).all()
graph = read_elem(file["obsp/distances"])
assert (graph[at][:, at] != want.obsp["distances"]).nnz == 0
assert graph.nnz == want.obsp["distances"].nnz
assert read_elem(file["uns"])["neighbors"]["params"]["n_neighbors"] == 15
assert read_elem(file["mod/rna"]).n_obs == len(obs)
END
ok $? 'every value is with its cell; the others are missing'

"$REGATTA" merge "$dir/data.h5mu" "$dir/results.h5ad" -o "$dir/data.h5mu" 2>"$dir/said"
test $? = 2 && grep -q 'never modified' "$dir/said" && rm "$dir/said"
ok $? 'the input is never the output'
echo "1..$count"
