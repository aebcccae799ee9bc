"""evaluate_peer.py make FILE.h5ad OTHER.h5ad: results with embeddings of planted types and
a file with their labels, written with h5py alone. evaluate_peer.py check FILE.h5ad
SCORES.json: what regatta evaluate wrote there against scikit-learn (where it is found) and
against numpy code written here from the definitions. Prints "ok WHAT", "not ok WHAT" or
"skip WHAT" per check."""
import json
import sys
from math import erfc

import h5py
import numpy as np

CELLS, DIMS, TYPES, BATCHES = 500, 8, 4, 2
DROPPED = "type3"


def planted():
    rng = np.random.default_rng(4)
    kind, batch = rng.integers(0, TYPES, CELLS), rng.integers(0, BATCHES, CELLS)
    x = rng.normal(size=(TYPES, DIMS))[kind] * 1.5 + rng.normal(size=(CELLS, DIMS))
    x[:, 0] += batch
    depth = rng.poisson(np.exp(7 + x[:, 1] / 2))
    y = x + rng.normal(size=x.shape) * 0.4
    clusters = np.where(rng.random(CELLS) < 0.2, rng.integers(0, 6, CELLS), kind)
    return x.astype("f4"), y.astype("f4"), kind, batch, depth, clusters


def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def text(values):
    return np.array(values, dtype=h5py.string_dtype())


def write(path, cells, columns, obsm):
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        for table, order in (("obs", list(columns)), ("var", [])):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            g.attrs.create("column-order", order, dtype=h5py.string_dtype())
        put(f["obs"], "_index", text(["cell%d" % i for i in cells]), "string-array")
        put(f["var"], "_index", text(["gene"]), "string-array")
        for name, value in columns.items():
            kind = "array" if value.dtype.kind in "if" else "string-array"
            put(f["obs"], name, value, kind)
        for group in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(group)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        put(f, "X", np.ones((len(cells), 1), "f4"), "array")
        for name, value in obsm.items():
            put(f["obsm"], name, value, "array")


def names_of(prefix, codes):
    return text(["%s%d" % (prefix, c) for c in codes])


def make(path, other):
    x, y, kind, batch, depth, clusters = planted()
    columns = {"kind": names_of("type", kind), "lane": names_of("lane", batch),
               "depth_rna": depth.astype("f8"), "found": names_of("", clusters)}
    write(path, range(CELLS), columns,
          {"X_model": x, "X_other": y, "X_pca": x[:, :3] * 2, "X_narrow": y[:, :2]})
    more = np.concatenate([kind, np.zeros(20, int)])  # cells that the results lack
    order = np.random.default_rng(5).permutation(len(more))
    write(other, order, {"type": names_of("type", more[order])}, {})


# ---- definitions, in numpy

def distances(a, b):
    return np.sqrt(((a[:, None].astype("f8") - b[None].astype("f8")) ** 2).sum(2))


def nearest(x, k):
    d = distances(x, x)
    np.fill_diagonal(d, np.inf)
    order = np.argsort(d, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(d, order, 1)


def silhouettes(x, g):
    d, width = distances(x, x), np.zeros(len(x))
    for i in range(len(x)):
        mean = {}
        for k in np.unique(g):
            members = (g == k) & (np.arange(len(x)) != i)
            if members.any():
                mean[k] = d[i, members].mean()
        if g[i] not in mean:
            continue
        a, b = mean.pop(g[i]), min(mean.values())
        width[i] = (b - a) / max(a, b)
    return width


def batch_widths(x, kind, batch):
    means = [np.mean(1 - abs(silhouettes(x[kind == k], batch[kind == k])))
             for k in np.unique(kind) if len(np.unique(batch[kind == k])) > 1]
    return np.mean(means)


def lisi(x, g, k=90):
    order, d = nearest(x, k)
    out = []
    for i in range(len(x)):
        low, high, beta = 0.0, np.inf, 1.0
        d2 = d[i] ** 2 - d[i, 0] ** 2
        d2 = d2 / (d[i] ** 2).mean()
        for _ in range(100):
            p = np.exp(-beta * d2)
            p /= p.sum()
            entropy = -(p * np.log(np.maximum(p, 1e-300))).sum()
            if entropy > np.log(k / 3):
                low, beta = beta, beta * 2 if np.isinf(high) else (beta + high) / 2
            else:
                high, beta = beta, (low + beta) / 2
        out.append(1 / sum(p[g[order[i]] == c].sum() ** 2 for c in np.unique(g)))
    return np.median(out)


def connected(x, kind, k=15):
    order, _ = nearest(x, k)
    shares = []
    for c in np.unique(kind):
        mine = np.flatnonzero(kind == c)
        number = np.arange(len(x))
        changed = True
        while changed:
            before = number.copy()
            for i in mine:
                for j in order[i][kind[order[i]] == c]:
                    number[i] = number[j] = min(number[i], number[j])
            changed = (before != number).any()
        shares.append(np.bincount(number[mine]).max() / len(mine))
    return np.mean(shares)


def rank(v):
    return np.searchsorted(np.sort(v), v) + (np.searchsorted(np.sort(v), v, "right") -
                                             np.searchsorted(np.sort(v), v) - 1) / 2


def foscttm(x, y):
    d = distances(x, y)
    own = np.diag(d)
    return ((d < own[:, None]).mean() + (d < own[None]).mean()) / 2


def matching(x, y):
    def unit(a):
        return a / np.linalg.norm(a.astype("f8"), axis=1, keepdims=True)

    d, n = distances(unit(x), unit(y)), len(x)
    there, back = np.zeros((n, n)), np.zeros((n, n))
    there[np.arange(n), d.argmin(1)] = 1
    back[d.argmin(0), np.arange(n)] = 1
    j = there + back
    j = j / (4 - j)
    return np.mean(np.diag(j) / j.sum(1))


def kbet(x, kind, batch):
    kept = []
    for c in np.unique(kind):
        b = batch[kind == c]
        k = min(70, max(10, int(len(b) / len(np.unique(b)) / 4)))
        order, _ = nearest(x[kind == c], k - 1)
        around = np.concatenate([b[order], b[:, None]], axis=1)
        chi2 = sum(((around == v).sum(1) - k * (b == v).mean()) ** 2 / (k * (b == v).mean())
                   for v in np.unique(b))
        # one degree of freedom: the square of a normal number
        kept.append(np.mean([erfc(np.sqrt(v / 2)) >= 0.05 for v in chi2]))
    return np.mean(kept)


def transferred(x, y, kind, k=15):
    near = np.argsort(distances(y, x), axis=1, kind="stable")[:, :k]
    found = np.array([np.bincount(kind[i]).argmax() for i in near])
    f1 = [2 * ((kind == c) & (found == c)).sum() / ((kind == c).sum() + (found == c).sum())
          for c in np.union1d(kind, found)]
    return (kind == found).mean(), np.mean(f1)


# ---- checks

def close(scores, key, expected, tolerance=1e-5):
    good = key in scores and abs(scores[key] - expected) <= tolerance
    print("ok" if good else "not ok", "%s %s, here %.6f" % (key, scores.get(key), expected))


def check_own(s, x, y, kind, batch, depth):
    order, _ = nearest(x, 15)
    same = (kind[order] == kind[:, None]).mean(1)
    close(s, "knn_purity", same.mean())
    close(s, "knn_purity_macro", np.mean([same[kind == k].mean() for k in np.unique(kind)]))
    close(s, "asw_label", (silhouettes(x, kind).mean() + 1) / 2)
    close(s, "asw_batch", batch_widths(x, kind, batch))
    close(s, "ilisi", (lisi(x, batch) - 1) / (BATCHES - 1), 1e-4)
    close(s, "clisi", (TYPES - lisi(x, kind)) / (TYPES - 1), 1e-4)
    close(s, "graph_connectivity", connected(x, kind))
    rho = [abs(np.corrcoef(rank(x[:, j]), rank(np.log1p(depth)))[0, 1]) for j in range(DIMS)]
    close(s, "depth_leakage", np.mean(rho))
    close(s, "depth_leakage_max", np.max(rho))
    close(s, "foscttm", foscttm(x, y))
    close(s, "matching_score", matching(x, y))
    close(s, "kbet", kbet(x, kind, batch))
    for key, value in zip(("label_transfer", "label_transfer_f1"), transferred(x, y, kind)):
        close(s, key, value)


def check_sklearn(s, x, kind, clusters):
    try:
        from sklearn import metrics
    except ImportError:
        print("skip scores of scikit-learn: no Python with scikit-learn")
        return
    close(s, "clusters_ari", metrics.adjusted_rand_score(kind, clusters), 1e-12)
    close(s, "clusters_nmi", metrics.normalized_mutual_info_score(kind, clusters), 1e-12)
    close(s, "clusters_ami", metrics.adjusted_mutual_info_score(kind, clusters), 1e-10)
    close(s, "asw_label", (metrics.silhouette_score(x, kind) + 1) / 2)


def check(scores):
    x, y, kind, batch, depth, clusters = planted()
    keep = kind != int(DROPPED[4:])
    with open(scores) as f:
        s = json.load(f)
    keys = ("embedding cells ari nmi ari_best_resolution nmi_best_resolution best_resolution "
            "knn_purity asw_label asw_batch ilisi graph_connectivity depth_leakage foscttm "
            "matching_score kbet label_transfer label_transfer_f1 controls").split()
    missing = [k for k in keys if k not in s]
    print("not ok keys missing: %s" % missing if missing else "ok the keys are there")
    print("ok" if s["cells"] == keep.sum() else "not ok", "dropped cells are left out")
    print("ok" if sorted(s["controls"]) == ["X_pca", "random", "zeros"] else "not ok",
          "controls: %s" % sorted(s["controls"]))
    check_own(s, x[keep], y[keep], kind[keep], batch[keep], depth[keep])
    check_sklearn(s, x[keep], kind[keep], clusters[keep])
    zeros, random = s["controls"]["zeros"], s["controls"]["random"]
    close(zeros, "depth_leakage", 0)
    close(zeros, "nmi_best_resolution", 0)
    close(zeros, "foscttm", 0.5, 0.01)
    close(random, "foscttm", 0.5, 0.05)
    close(random, "kbet", 0.95, 0.05)
    print("ok" if random["label_transfer"] < 0.5 < s["label_transfer"] else "not ok",
          "random numbers transfer no labels")
    close(random, "ari_best_resolution", 0, 0.05)
    print("ok" if s["ari_best_resolution"] > 0.5 else "not ok", "planted types are found")


if sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3])
else:
    check(sys.argv[2])
