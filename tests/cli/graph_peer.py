"""graph_peer.py make FILE.h5ad: results with an embedding of planted types, written with
h5py alone. graph_peer.py check FILE.h5ad [OTHER.h5ad...]: neighbours, distances and
connectivities against numpy (written here from the equations of umap-learn's
fuzzy_simplicial_set), layout of the results, clusters and layout against the planted types;
then that each OTHER holds the same bits. Prints "ok WHAT" or "not ok WHAT" per check."""
import sys

import h5py
import numpy as np
import scipy.sparse as sp

CELLS, DIMS, TYPES, MISSING = 700, 12, 5, 33


def planted():
    rng = np.random.default_rng(8)
    kind = rng.integers(0, TYPES, CELLS)
    x = (rng.normal(size=(TYPES, DIMS))[kind] * 4 + rng.normal(size=(CELLS, DIMS))).astype("f4")
    x[10] = x[600]  # two cells that coincide
    x[MISSING] = np.nan
    return x, kind


def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def make(path):
    x, kind = planted()
    names = np.array(["cell%d" % i for i in range(CELLS)], dtype=h5py.string_dtype())
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        for table in ("obs", "var"):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            order = ["kind"] if table == "obs" else []
            g.attrs.create("column-order", order, dtype=h5py.string_dtype())
        put(f["obs"], "_index", names, "string-array")
        put(f["var"], "_index", names[:0], "string-array")
        text = np.array(["type%d" % k for k in kind], dtype=h5py.string_dtype())
        put(f["obs"], "kind", text, "string-array")
        for table in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        put(f["obsm"], "X_planted", x, "array")


def say(good, what):
    print("ok" if good else "not ok", what)


def csr(group):
    return sp.csr_matrix((group["data"][:], group["indices"][:], group["indptr"][:]),
                         shape=tuple(group.attrs["shape"]))


def nearest(x, k):
    """The k nearest of every row among the finite rows, nearest first, ties by number."""
    d = np.sqrt(((x[:, None].astype("f8") - x[None].astype("f8")) ** 2).sum(2))
    np.fill_diagonal(d, np.inf)
    d[np.isnan(d)] = np.inf
    order = np.argsort(d, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(d, order, 1)


def memberships(d):
    """Directed weights of umap-learn for distances to the k - 1 others."""
    k = d.shape[1] + 1
    rho = np.array([row[row > 0].min() if (row > 0).any() else 0 for row in d])
    beyond = d - rho[:, None]
    low, high, sigma = np.zeros(len(d)), np.full(len(d), np.inf), np.ones(len(d))
    going = np.ones(len(d), bool)
    for _ in range(64):
        total = np.where(beyond > 0, np.exp(-beyond / sigma[:, None]), 1).sum(1)
        going &= np.abs(total - np.log2(k)) >= 1e-5
        over = total > np.log2(k)
        high = np.where(going & over, sigma, high)
        low = np.where(going & ~over, sigma, low)
        half = np.where(np.isinf(high), sigma * 2, (low + np.where(np.isinf(high), 0, high)) / 2)
        sigma = np.where(going, half, sigma)
    mean_all = d.sum() / (d.size + len(d))
    floor = 1e-3 * np.where(rho > 0, d.sum(1) / k, mean_all)
    sigma = np.maximum(sigma, floor)
    return np.where(beyond <= 0, 1, np.exp(-beyond / sigma[:, None]))


def rand_index(a, b):
    t = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(t, (a, b), 1)

    def pairs(v):
        return (v * (v - 1) / 2).sum()

    rows, cols, n = pairs(t.sum(1)), pairs(t.sum(0)), pairs(np.array([float(a.size)]))
    return (pairs(t) - rows * cols / n) / ((rows + cols) / 2 - rows * cols / n)


def check_graph(f, x, k):
    real = np.flatnonzero(np.isfinite(x).all(1))
    order, d = nearest(x[real], k - 1)
    distances, weights = csr(f["obsp/distances"]), csr(f["obsp/connectivities"])
    counts = np.full(CELLS, k - 1)
    counts[MISSING] = 0
    say((np.diff(distances.indptr) == counts).all(), "every cell has n_neighbors - 1 distances")
    say(all((np.diff(m.indices[a:b]) > 0).all() for m in (distances, weights)
            for a, b in zip(m.indptr, m.indptr[1:])), "columns rise")
    row = np.repeat(real, k - 1)
    mine = np.asarray(distances[row, real[order].ravel()]).ravel()
    say(np.allclose(mine, d.ravel(), rtol=1e-5, atol=1e-5), "distances are those of numpy")
    w = sp.csr_matrix((memberships(d).ravel(), (row, real[order].ravel())), shape=(CELLS, CELLS))
    union = w + w.T - w.multiply(w.T)
    off = abs(weights - union)
    say(off.max() < 1e-5, "connectivities are those of numpy: within %.1e" % off.max())
    say(abs(weights - weights.T).max() == 0, "connectivities are symmetric")


def strings(dataset):
    return [s.decode() if isinstance(s, bytes) else s for s in np.atleast_1d(dataset[()])]


def check_layout(f, k):
    p = f["uns/neighbors/params"]
    say(strings(f["uns/neighbors/connectivities_key"]) == ["connectivities"]
        and strings(f["uns/neighbors/distances_key"]) == ["distances"]
        and strings(p["method"]) == ["umap"] and strings(p["metric"]) == ["euclidean"]
        and strings(p["use_rep"]) == ["X_planted"] and p["n_neighbors"][()] == k,
        "uns/neighbors is what scanpy expects")
    names = strings(f["obs/leiden/categories"])
    codes = f["obs/leiden/codes"][:]
    sizes = np.bincount(codes[codes >= 0])
    say(names == [str(c) for c in range(len(names))] and len(sizes) == len(names)
        and (np.diff(sizes) <= 0).all() and (codes < 0).nonzero()[0].tolist() == [MISSING],
        "obs/leiden: strings 0, 1, ... by falling size, missing where the cell is")
    say(f["uns/leiden/params/resolution"][()] == 1 and f["uns/leiden/modularity"][()] > 0.3
        and len(f["uns/leiden_colors"]) == len(names), "uns/leiden and its colours")
    xy = f["obsm/X_umap"][:]
    say(xy.shape == (CELLS, 2) and xy.dtype == np.float32
        and np.isnan(xy).all(1).nonzero()[0].tolist() == [MISSING]
        and abs(f["uns/umap/params/a"][()] - 0.58303) < 1e-3, "obsm/X_umap and uns/umap")


def check_types(f, kind):
    codes = f["obs/leiden/codes"][:]
    real = codes >= 0
    score = rand_index(codes[real].astype(int), kind[real])
    say(score > 0.85, "clusters are the planted types: adjusted Rand index %.3f" % score)
    order, _ = nearest(f["obsm/X_umap"][:][real], 10)
    purity = (kind[real][order] == kind[real][:, None]).mean()
    say(purity > 0.95, "neighbours in the layout are of one type: %.3f" % purity)


def same(a, b):
    """Bits of the two files that do not depend on when they were written."""
    there = []
    a.visititems(lambda name, item: there.append(name) if isinstance(item, h5py.Dataset) else None)
    return all(name in b and np.array_equal(a[name][()], b[name][()], equal_nan=a[name].dtype.kind == "f")
               for name in there if not name.startswith("uns/regatta"))


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    x, kind = planted()
    with h5py.File(sys.argv[2], "r") as f:
        k = int(f["uns/neighbors/params/n_neighbors"][()])
        check_graph(f, x, k)
        check_layout(f, k)
        check_types(f, kind)
        for other in sys.argv[3:]:
            with h5py.File(other, "r") as g:
                say(same(f, g) and same(g, f), "the same bits in " + other.split("/")[-1])
