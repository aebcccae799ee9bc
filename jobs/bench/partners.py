"""partners.py EMBEDDED.h5ad KEY_A KEY_B: how near the two rows of a cell are among all cells
that have both, rows at unit length: FOSCTTM (share of cells nearer than the own, mean of both
directions) and how often the own is among the ten nearest. Needs h5py, numpy."""
import sys

import h5py
import numpy as np


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def nearer(a, b):
    """For each row of a the number of rows of b that are nearer than its own."""
    d = (a ** 2).sum(1)[:, None] - 2 * a @ b.T + (b ** 2).sum(1)[None, :]
    return (d < np.diag(d)[:, None]).sum(1)


def foscttm(a, b):
    return (nearer(a, b).mean() + nearer(b, a).mean()) / (2 * (len(a) - 1))


def top(a, b, k):
    return (np.mean(nearer(a, b) < k) + np.mean(nearer(b, a) < k)) / 2


if __name__ == "__main__":
    with h5py.File(sys.argv[1], "r") as f:
        a, b = (f["obsm"][key][()].astype("f8") for key in sys.argv[2:4])
    known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    a, b = unit(a[known]), unit(b[known])
    print("%d cells, FOSCTTM %.4f, top 10 %.3f" % (len(a), foscttm(a, b), top(a, b, 10)))
