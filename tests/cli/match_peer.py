"""match_peer.py make FILE.h5ad OTHER.h5ad: results with embeddings of two modalities in
one space, and the second of them once more for other cells in another order, written with
h5py alone. match_peer.py check FILE METHOD K BATCH PAIRS.tsv [MATRIX.h5ad [OTHER]]: the
pairs and the matrix that regatta match wrote against scipy's sparse products, as CLUE
makes them; with said lines on standard input, the scores too. Prints "ok WHAT" or
"not ok WHAT" per check."""
import sys

import h5py
import numpy as np
import scipy.sparse as sp

CELLS, DIMS = 240, 6
TEXT = h5py.string_dtype()


def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def write(path, names, lane, obsm):
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        for table, index, order in (("obs", names, ["lane"]), ("var", ["gene"], [])):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            g.attrs.create("column-order", order, dtype=TEXT)
            put(g, "_index", np.array(index, TEXT), "string-array")
        put(f["obs"], "lane", np.array(lane, TEXT), "string-array")
        for group in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(group)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        put(f, "X", np.ones((len(names), 1), "f4"), "array")
        for name, value in obsm.items():
            put(f["obsm"], name, value.astype("f4"), "array")


def make(path, other):
    rng = np.random.default_rng(8)
    x = rng.normal(size=(CELLS, DIMS))
    y = 2 * (x + 0.4 * rng.normal(size=x.shape))
    x[7] = y[11] = y[100] = np.nan
    lane = np.array(["one", "two", "three"])[rng.integers(0, 3, CELLS)]
    names = np.array(["cell%d" % i for i in range(CELLS)])
    write(path, names, lane, {"X_m_rna": x, "X_m_adt": y, "X_narrow": x[:, :2]})
    order = rng.permutation(CELLS)[:150]
    lane[order[:5]] = "four"
    write(other, names[order], lane[order], {"X_m_adt": y[order]})
    bad = names.copy()
    bad[3] = "a\tb"
    write(path.replace(".h5ad", "_bad.h5ad"), bad, lane, {"X_m_rna": x, "X_m_adt": y})


def read(path, key):
    with h5py.File(path, "r") as f:
        strings = lambda d: np.array([s.decode() for s in d[:]])
        return strings(f["obs/_index"]), strings(f["obs/lane"]), f["obsm"][key][:]


def distances(a, b):
    return np.sqrt(np.maximum(0, 2 - 2 * a.astype("f8") @ b.astype("f8").T))


def nearest(d, k):
    k = min(k, d.shape[1])
    columns = np.argsort(d, axis=1, kind="stable")[:, :k]
    rows = np.repeat(np.arange(len(d)), k)
    return sp.csr_matrix((np.ones(rows.size), (rows, columns.ravel())), d.shape)


def weights(x, y, method, k):
    xy, yx, xx, yy = distances(x, y), distances(y, x), distances(x, x), distances(y, y)
    a_xy = nearest(xy, k)
    if method == "knn":
        sigma = np.sort(xy, axis=1)[:, :10].mean() / 10
        d = np.asarray(a_xy.multiply(xy).todense())
        least = xy.min(axis=1, keepdims=True)
        m = a_xy.toarray() * np.exp((least**2 - d**2) / sigma**2)
    elif method == "mnn":
        m = a_xy.multiply(nearest(yx, k).T).toarray()
    else:
        j = a_xy @ nearest(yy, k).T + (nearest(yx, k) @ nearest(xx, k).T).T
        j = j.toarray()
        m = j / (2 * min(k, len(x)) + 2 * min(k, len(y)) - j)
    total = m.sum(axis=1, keepdims=True)
    return np.divide(m, total, out=np.zeros_like(m), where=total > 0)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def expected(a, b, method, k, by_lane):
    (_, lane_a, x), (_, lane_b, y) = a, b
    m = np.zeros((len(x), len(y)))
    for lane in sorted(set(lane_a)) if by_lane else [None]:
        rows = np.flatnonzero(np.isfinite(x).all(1) & ((lane_a == lane) | (not by_lane)))
        cols = np.flatnonzero(np.isfinite(y).all(1) & ((lane_b == lane) | (not by_lane)))
        if rows.size and cols.size:
            m[np.ix_(rows, cols)] = weights(unit(x[rows]), unit(y[cols]), method, k)
    return m


def foscttm(x, y):
    d = distances(unit(x), unit(y))
    own = np.diag(d)
    return ((d < own[:, None]).mean() + (d < own[None, :]).mean()) / 2


def check(path, method, k, batch, pairs, matrix=None, other=None):
    a, b = read(path, "X_m_rna"), read(other or path, "X_m_adt")
    by_lane = batch == "lane"
    m = expected(a, b, method, int(k), by_lane)
    place_a = {name: i for i, name in enumerate(a[0])}
    place_b = {name: i for i, name in enumerate(b[0])}
    got, order, last = np.zeros_like(m), True, (-1, 2)
    lines = open(pairs).read().splitlines()
    yield "the table has a head", lines[0] == "cell_a\tcell_b\tweight"
    for line in lines[1:]:
        left, right, weight = line.split("\t")
        i, weight = place_a[left], float(weight)
        order &= i > last[0] or (i == last[0] and weight <= last[1])
        last = (i, weight)
        got[i, place_b[right]] = weight
    yield "rows are in the order of the file, the heaviest first", order
    yield "weights as scipy makes them", np.abs(got - m).max() < 2e-5
    yield "and pairs", (got[m > 1e-6] > 0).all() and (m[got > 1e-6] > 0).all()
    if matrix:
        with h5py.File(matrix, "r") as f:
            x = sp.csr_matrix((f["X/data"][:], f["X/indices"][:], f["X/indptr"][:]),
                              shape=f["X"].attrs["shape"])
            same = x.shape == m.shape and np.array_equal(
                x.toarray().astype("f8"), got.astype("f4").astype("f8"))
            var = [s.decode() for s in f["var/_index"][:]]
        yield "the matrix holds what the table does", same
        yield "its columns are the cells of b", var == list(b[0])
    said = {line.split()[0]: line.split()[1:] for line in sys.stdin if line.split()}
    both = [(i, place_b[n]) for i, n in enumerate(a[0]) if n in place_b]
    lanes = [set(a[1]) >= {b[1][j]} or not by_lane for i, j in both]
    both = [p for p, lane in zip(both, lanes)
            if lane and np.isfinite(a[2][p[0]]).all() and np.isfinite(b[2][p[1]]).all()]
    i, j = np.array(both).T
    most = got.max(axis=1)[i]
    top = ((got[i, j] == most) & (most > 0)) / np.maximum(
        1, (got[i] == most[:, None]).sum(axis=1))
    able = np.isfinite(b[2]).all(1)
    size = [(able & ((b[1] == a[1][p]) | (not by_lane))).sum() for p in i]
    near = lambda name, column, value: abs(float(said[name][column]) - value) < 3e-6
    yield "matching_score", near("matching_score", 0, got[i, j].mean())
    yield "and by chance", near("matching_score", 1, np.mean(1 / np.array(size)))
    yield "top1", near("top1", 0, top.mean())
    yield "foscttm", abs(float(said["foscttm"][0]) - foscttm(a[2][i], b[2][j])) < 1e-4


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        for what, good in check(*sys.argv[2:]):
            print("ok" if good else "not ok", what)
