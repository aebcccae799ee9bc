"""Cells that have some of the modalities only, seen with h5py alone.
mosaic_peer.py shuffle IN.h5mu OUT.h5mu: a copy whose rna has its rows in another order.
mosaic_peer.py check DATA.h5mu RESULTS.h5ad MERGED.h5mu: rows, gaps and depths of results
against the maps of the data. mosaic_peer.py gaps DATA.h5mu RESULTS.h5ad: which cells have
the latents of CLUE. Both print "ok WHAT" or "not ok WHAT" per check."""
import shutil
import sys

import h5py
import numpy as np
import scipy.sparse as sp


def counts(mod):
    x = mod["X"]
    return sp.csr_matrix((x["data"][:], x["indices"][:], x["indptr"][:]), x.attrs["shape"])


def replace(group, name, value):
    kept = dict(group[name].attrs)
    kind = group[name].dtype
    del group[name]
    group.create_dataset(name, data=value.astype(kind))
    group[name].attrs.update(kept)


def shuffle(path, out):
    shutil.copy(path, out)
    with h5py.File(out, "r+") as f:
        mod, places = f["mod/rna"], f["obsmap/rna"][:].astype(int)
        n = (places > 0).sum()
        order = np.random.default_rng(3).permutation(n)
        new_of_old = np.argsort(order)
        x = counts(mod)[order]
        for name, value in (("data", x.data), ("indices", x.indices), ("indptr", x.indptr)):
            replace(mod["X"], name, value)
        for name, column in mod["obs"].items():
            where = column if isinstance(column, h5py.Group) else mod["obs"]
            name = "codes" if isinstance(column, h5py.Group) else name
            replace(where, name, where[name][:][order])
        moved = np.where(places > 0, new_of_old[np.maximum(places - 1, 0)] + 1, 0)
        replace(f["obsmap"], "rna", moved)


def check(data, results, merged):
    with h5py.File(data) as f, h5py.File(results) as r, h5py.File(merged) as m:
        same = (f["obs/_index"][:] == r["obs/_index"][:]).all()
        yield "results are in the order of the union", same
        has = {}
        for name in ("rna", "atac", "adt"):
            places = f["obsmap"][name][:].astype(int)
            has[name] = places > 0
            sums = np.full(len(places), np.nan)
            total = np.asarray(counts(f["mod"][name]).sum(axis=1)).ravel()
            sums[places > 0] = total[places[places > 0] - 1]
            told = r["obs/depth_" + name][:]
            yield "depths of " + name, np.array_equal(told, sums, equal_nan=True)
        gaps = {k: np.isnan(v[:]) for k, v in r["obsm"].items()}
        yield "rows are whole or absent", all(
            (g.all(axis=1) == g.any(axis=1)).all() for g in gaps.values())
        empty = {k: g.all(axis=1) for k, g in gaps.items()}
        yield "X_sailerx is where atac is", (empty["X_sailerx"] == ~has["atac"]).all()
        for key, name in (("X_pca", "rna"), ("X_pca_adt", "adt"), ("X_lsi", "atac")):
            # cells without a count in some modality are left out of the preparation
            yield key + " is absent where %s is" % name, empty[key][~has[name]].all()
            yield key + " is there where %s is" % name, empty[key][has[name]].mean() < 0.1
        for key in gaps:
            same = np.array_equal(m["obsm"][key][:], r["obsm"][key][:], equal_nan=True)
            yield "merged: %s is in the order of the union" % key, same
        yield "merged: the maps are kept", all(
            (m["obsmap"][k][:] == f["obsmap"][k][:]).all() for k in has)


def gaps(data, results):
    with h5py.File(data) as f, h5py.File(results) as r:
        there = {k: ~np.isnan(v[:]).all(axis=1) for k, v in r["obsm"].items()}
        yield "every cell has a latent", there["X_clue"].all()
        for name in ("rna", "atac", "adt"):
            has = f["obsmap"][name][:].astype(int) > 0
            yield "the latent of %s is where it was measured" % name, (
                there["X_clue_" + name] == has).all()


if __name__ == "__main__":
    if sys.argv[1] == "shuffle":
        shuffle(*sys.argv[2:])
    elif sys.argv[1] == "gaps":
        for what, good in gaps(*sys.argv[2:]):
            print("ok" if good else "not ok", what)
    else:
        for what, good in check(*sys.argv[2:]):
            print("ok" if good else "not ok", what)
