"""markers_peer.py make FILE.h5ad RESULTS.h5ad WHOLE.h5ad: counts, results of some of the
cells in another order, and both in one file, written with h5py alone. markers_peer.py check
RESULTS.h5ad METHOD REFERENCE: what regatta markers wrote there against scipy; METHOD is
wilcoxon, tied (wilcoxon with --tie-correct) or t-test. markers_peer.py same A B: the same
records. Prints "ok WHAT" or "not ok WHAT" per check."""
import sys

import h5py
import numpy as np
from scipy import stats

CELLS, GENES, GROUPS = 240, 60, 4


def planted():
    rng = np.random.default_rng(11)
    group = rng.integers(0, GROUPS, CELLS)
    mean = rng.gamma(1, 1, GENES) * np.ones((CELLS, 1))
    for g in range(GROUPS):
        mean[group == g, g::7] *= 2.5
    counts = rng.poisson(mean)
    counts[:, 5] = 0  # a gene without counts
    counts[:, 6] = 1  # in every cell
    kept = rng.permutation(CELLS)[:200]
    names = np.array(["c%d" % g for g in group], dtype=object)
    names[kept[0]], names[kept[1]] = "single", ""
    return counts.astype("f4"), names, kept


def normalised(counts):
    return np.log1p((counts.astype("f8") / counts.sum(1, keepdims=True) * 1e4)
                    ).astype("f4").astype("f8")


# ---- files

def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def text(values):
    return np.array(list(values), dtype=h5py.string_dtype())


def write(path, cells, columns, counts):
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        genes = ["gene%d" % j for j in range(GENES)] if counts is not None else []
        for table, index, order in (("obs", cells, list(columns)), ("var", genes, [])):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            g.attrs.create("column-order", order, dtype=h5py.string_dtype())
            put(g, "_index", text(index), "string-array")
        for name, value in columns.items():
            put(f["obs"], name, text(value), "string-array")
        for group in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(group)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        if counts is not None:
            put(f, "X", counts, "array")


def make(path, results, whole):
    counts, group, kept = planted()
    cells = np.array(["cell%d" % i for i in range(CELLS)], dtype=object)
    write(path, cells, {}, counts)
    write(results, cells[kept], {"leiden": group[kept]}, None)
    write(whole, cells[kept], {"leiden": group[kept]}, counts[kept])


# ---- checks

def say(good, what):
    print("ok" if good else "not ok", what)


def compare(method, a, b):
    """Score and p of a gene; a gene that does not vary says nothing."""
    if len(np.unique(np.concatenate([a, b]))) == 1:
        return 0.0, 1.0
    if method == "t-test":
        t = stats.ttest_ind(a, b, equal_var=False)
        return t.statistic, t.pvalue
    u = stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=False)
    n, m = len(a), len(b)
    ranks = stats.rankdata(np.concatenate([a, b]))
    z = (u.statistic - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)
    if method == "wilcoxon":
        return z, 2 * stats.norm.sf(abs(z))
    return z / np.sqrt(stats.tiecorrect(ranks)), u.pvalue


def adjusted(p):
    order = np.argsort(p)[::-1]
    least = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(least, 1)
    return out


def layout(g, method, reference, names):
    kinds = [("names", "O"), ("scores", "<f4"), ("pvals", "<f8"), ("pvals_adj", "<f8"),
             ("logfoldchanges", "<f4")]
    good = all(g[k].attrs["encoding-type"] == "rec-array" and g[k].dtype.names == names
               and all(g[k].dtype[i] == t for i in range(len(names))) for k, t in kinds)
    say(good, "rec-arrays of %s" % ", ".join(names))
    p = {k: g["params"][k][()] for k in g["params"]}
    say(p["method"].decode() == method.replace("tied", "wilcoxon") and
        p["groupby"] == b"leiden" and p["reference"].decode() == reference and
        p["corr_method"] == b"benjamini-hochberg" and not p["use_raw"], "params")


def check(path, method, reference):
    counts, group, kept = planted()
    x, group = normalised(counts)[kept], group[kept]
    with h5py.File(path) as f:
        g = f["uns/rank_genes_groups"]
        names = tuple(c for c in sorted(set(group)) if c not in ("single", "", reference))
        layout(g, method, reference, names)
        found = {k: g[k][()] for k in g if k != "params"}
    for c in names:
        own = group == c
        other = group == reference if reference != "rest" else ~own & (group != "")
        got = np.array([compare(method, x[own, j], x[other, j]) for j in range(GENES)])
        fold = np.log2((np.expm1(x[own].mean(0)) + 1e-9) /
                       (np.expm1(x[other].mean(0)) + 1e-9))
        order = np.array([int(s[4:]) for s in found["names"][c]])
        score = found["scores"][c]
        say(sorted(order) == list(range(GENES)) and (np.diff(score) <= 0).all(),
            "group %s: genes by falling score" % c)
        for what, value, expected, tolerance in (
                ("scores", score, got[order, 0], 1e-5),
                ("pvals", found["pvals"][c], got[order, 1], 1e-6),
                ("pvals_adj", found["pvals_adj"][c], adjusted(got[:, 1])[order], 1e-6),
                ("logfoldchanges", found["logfoldchanges"][c], fold[order], 1e-4)):
            off = np.abs(value - expected) / np.maximum(np.abs(expected), 1e-12)
            off[value == expected] = 0
            say(off.max() < tolerance or np.abs(value - expected).max() < 1e-12,
                "group %s: %s, off by %.1e" % (c, what, off.max()))


def same(a, b):
    with h5py.File(a) as f, h5py.File(b) as g:
        f, g = f["uns/rank_genes_groups"], g["uns/rank_genes_groups"]
        say(all((f[k][()] == g[k][()]).all() for k in f if k != "params"),
            "the same records")


if sys.argv[1] == "make":
    make(*sys.argv[2:])
elif sys.argv[1] == "check":
    check(*sys.argv[2:])
else:
    same(*sys.argv[2:])
