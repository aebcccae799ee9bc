"""init_peer.py obsm|X A.h5ad B.h5ad: "same" where the arrays hold the same numbers to the
last bit of a float, else "other". rename A.h5mu: give the features other names."""
import sys

import h5py
import numpy as np


def read(path, what):
    with h5py.File(path) as h:
        if what == "X":
            return {"X": h["X"][:]}
        return {k: h["obsm"][k][:] for k in h["obsm"] if k == "X_sailer"}


def rename(path):
    with h5py.File(path, "r+") as h:
        for m in h["mod"]:
            var = h["mod"][m]["var"]
            index = var.attrs["_index"]
            names = var[index][:]
            del var[index]
            var[index] = [b"other " + n for n in names]


if sys.argv[1] == "rename":
    rename(sys.argv[2])
else:
    a, b = read(sys.argv[2], sys.argv[1]), read(sys.argv[3], sys.argv[1])
    equal = a.keys() == b.keys() and all(
        np.array_equal(a[k], b[k], equal_nan=True) for k in a)
    print("same" if a and equal else "other")
