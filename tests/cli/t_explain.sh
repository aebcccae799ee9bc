#!/bin/sh
# Labels learned by unitednet, and explained: features planted in the data come out first,
# sums of the explanation are what was predicted, ranks do not matter.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
if ! python_with 'anndata, h5py, scipy'; then
  echo '1..0 # SKIP no anndata'
  exit 0
fi

# four types, each with four genes and one protein that are its own
"$python" -W ignore - "$scratch" >"$scratch/out" 2>"$scratch/err" <<'END'
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

rng = np.random.default_rng(5)
n, kind = 400, np.repeat(np.arange(4), 100)
levels = {"rna": np.full((4, 80), 3.0), "adt": np.full((4, 10), 20.0)}
for t in range(4):
    levels["rna"][t, 4 * t : 4 * t + 4] = 15
    levels["adt"][t, t] = 120
labels = pd.Categorical.from_codes(kind, ["a", "b", "c", "d"])
names = [f"cell{i}" for i in range(n)]
with h5py.File(f"{sys.argv[1]}/a.h5mu", "w") as out:
    for name, level in levels.items():
        x = sp.csr_matrix(rng.poisson(level[kind]).astype("f4"))
        data = anndata.AnnData(x, obs=pd.DataFrame({"type": labels}, index=names),
                               var=pd.DataFrame(index=[f"{name.upper()}{j}" for j in
                                                       range(x.shape[1])]))
        data.write_h5ad(f"{sys.argv[1]}/{name}.h5ad")
        with h5py.File(f"{sys.argv[1]}/{name}.h5ad") as part:
            group = out.require_group("mod").create_group(name)
            for key in part:
                part.copy(key, group)
            group.attrs.update(part.attrs)
    with h5py.File(f"{sys.argv[1]}/rna.h5ad") as part:
        part.copy("obs", out)
        for key in ("obsm", "obsp", "uns", "varm", "varp"):
            out.create_group(key)
    out.attrs.update({"encoding-type": "MuData", "encoding-version": "0.1.0", "axis": 0})
    for name in levels:
        out.require_group("obsmap")[name] = np.arange(1, n + 1, dtype="u4")
END
ok $? "data with planted features are written"

train() { # NAME OPTIONS...
  name=$1
  shift
  on 1 train "$scratch/a.h5mu" -o "$scratch/$name" --recipe unitednet \
    --set train.batch=128 --set unitednet.finetune=0 --set unitednet.rate=1e-2 "$@"
}
train run --labels type --set unitednet.mode=supervised --set unitednet.epochs=12
ok $? "unitednet learns labels"
on 1 embed "$scratch/run" "$scratch/a.h5mu" -o "$scratch/e.h5ad"
"$python" -W ignore - "$scratch/e.h5ad" >"$scratch/out" 2>&1 <<'END'
import sys

import anndata

obs = anndata.read_h5ad(sys.argv[1]).obs
right = (obs["unitednet_label"].astype(str) == obs["type"].astype(str)).mean()
assert right > 0.97, right
assert obs["unitednet_label_probability"].between(0.25, 1).all()
END
ok $? "embed writes the labels with their probabilities"

explain() { # RANKS NAME OPTIONS...
  ranks=$1 name=$2
  shift 2
  on "$ranks" explain "$scratch/run" "$scratch/a.h5mu" -o "$scratch/$name.h5ad" \
    --cells 128 --draws 16 "$@"
}
# planted TARGET MODALITY NAMES: the first features of that modality are these
planted() {
  wanted=$(echo "$3" | tr ' ' '\n' | sort | tr '\n' ' ')
  set -- "$1" "$2" "$wanted" "$(echo "$3" | wc -w)" "$4"
  found=$(awk -F '\t' -v t="$1" -v m="$2" '$1 == t && $3 == m { print $4 }' "$5" |
    head -n "$4" | sort | tr '\n' ' ')
  same "$found" "$wanted" "$1: the planted features of $2 come first"
}
explain 1 groups
ok $? "labels are explained"
grep 'sums of phi are off by at most 0' "$scratch/out" >/dev/null
ok $? "sums over features are what was predicted"
t=0
for type in a b c d; do
  genes="RNA$((4 * t)) RNA$((4 * t + 1)) RNA$((4 * t + 2)) RNA$((4 * t + 3))"
  planted $type rna "$genes" "$scratch/groups.tsv"
  planted $type adt "ADT$t" "$scratch/groups.tsv"
  t=$((t + 1))
done
explain 1 proteins --from rna --to adt --targets ADT0,ADT2
ok $? "a translation is explained"
planted ADT0 rna "RNA0 RNA1 RNA2 RNA3" "$scratch/proteins.tsv"
planted ADT2 rna "RNA8 RNA9 RNA10 RNA11" "$scratch/proteins.tsv"

for ranks in 2 3; do
  explain $ranks groups-$ranks
  cmp "$scratch/groups.tsv" "$scratch/groups-$ranks.tsv" >/dev/null
  ok $? "$ranks ranks explain alike"
  "$python" -W ignore -c 'import sys, anndata
a, b = (anndata.read_h5ad(path) for path in sys.argv[1:])
assert a.shape == (90, 4) and (a.X == b.X).all()
assert (a.uns["explain"]["error"] == b.uns["explain"]["error"]).all()' \
    "$scratch/groups.h5ad" "$scratch/groups-$ranks.h5ad" >"$scratch/out" 2>&1
  ok $? "$ranks ranks give the same bits"
done
RG_FAULT=explain.sum
export RG_FAULT
explain 1 spoiled
test $? -ne 0 && grep 'the sums over features are off by' "$scratch/err" >/dev/null
ok $? "a sum that is off is an error"
test ! -f "$scratch/spoiled.h5ad"
ok $? "and nothing is written"
unset RG_FAULT
explain 1 none --to rna --from nothing
same $? 2 "a modality that is not there is a usage error"

# labels are looked at when asked for, and only then
train blind --set unitednet.epochs=1
train named --labels type --set unitednet.epochs=1
same "$(hash_of "$scratch/named")" "$(hash_of "$scratch/blind")" \
  "unsupervised, labels change nothing"
train none --set unitednet.mode=supervised --set unitednet.epochs=1
same $? 2 "supervised without labels is a usage error"
finish
