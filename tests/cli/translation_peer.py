"""translation_peer.py make FOLDER: cells with genes, peaks and proteins, in training and
test files with feature types, and predictions of each, of other cells in another order
(some NaN), written with h5py alone. translation_peer.py check FOLDER TO FROM VALUES
SCORES.json TABLE.tsv: what regatta evaluate --truth wrote there against numpy and, for the
area under the curve and ridge regression, scikit-learn. Prints "ok WHAT" or "not ok WHAT"
per check."""
import json
import sys

import h5py
import numpy as np

TYPES, GENES, PEAKS, PROTEINS = 4, 70, 90, 9
NAMED = {"rna": "Gene Expression", "atac": "Peaks", "adt": "Antibody Capture"}
TEXT = h5py.string_dtype()


def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def write(path, x, cells, features, columns, kinds):
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        for table, index, more in (("obs", cells, columns), ("var", features, kinds)):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            g.attrs.create("column-order", list(more), dtype=TEXT)
            put(g, "_index", np.array(index, TEXT), "string-array")
            for name, value in more.items():
                put(g, name, np.array(value, TEXT), "string-array")
        for group in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(group)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        put(f, "X", x.astype("f4"), "array")


def names_of(modality):
    return {"rna": ["gene%d" % i for i in range(GENES)],
            "atac": ["chr1:%d-%d" % (i * 1000, i * 1000 + 500) for i in range(PEAKS)],
            "adt": ["protein%d" % i for i in range(PROTEINS)]}[modality]


def make(folder):
    rng = np.random.default_rng(2)
    n = {"train": 260, "test": 120}
    mean = {"rna": rng.lognormal(0.5, 1, (TYPES, GENES)),
            "atac": rng.beta(0.6, 3, (TYPES, PEAKS)),
            "adt": rng.lognormal(2.5, 0.8, (TYPES, PROTEINS))}
    for name, cells in n.items():
        kind, depth = rng.integers(0, TYPES, cells), rng.lognormal(0, 0.4, (cells, 1))
        counts = {"rna": rng.poisson(mean["rna"][kind] * depth),
                  "atac": rng.random((cells, PEAKS)) < mean["atac"][kind] * depth / 2,
                  "adt": rng.poisson(mean["adt"][kind] * depth ** 0.5)}
        order = ["rna", "atac", "adt"]
        if name == "train":  # other order of features, and one gene is missing
            order = order[::-1]
        features = sum((names_of(m) for m in order), [])
        types = sum(([NAMED[m]] * len(names_of(m)) for m in order), [])
        x = np.hstack([counts[m] for m in order]).astype("f4")
        keep = np.array([not (name == "train" and f == "gene3") for f in features])
        barcodes = ["%s%d" % (name, i) for i in range(cells)]
        labels = np.array(["type%d" % k for k in kind])
        labels[5] = ""
        write("%s/%s.h5ad" % (folder, name), x[:, keep], barcodes,
              np.array(features)[keep], {"kind": labels},
              {"feature_types": np.array(types)[keep]})
    shuffled = rng.permutation(n["test"])[:110]
    for m in NAMED:
        guess = mean[m][kind] * rng.lognormal(0, 0.6, (cells, len(names_of(m))))
        guess[[3, 17]] = np.nan
        turned = rng.permutation(len(names_of(m)))[2:]
        for what, value in (("", guess), ("_scores", np.log(guess))):
            write("%s/%s%s.h5ad" % (folder, m, what), value[shuffled][:, turned],
                  np.array(barcodes)[shuffled], np.array(names_of(m))[turned], {}, {})


def read(path):
    with h5py.File(path) as f:
        texts = lambda d: np.array([s.decode() for s in d[:]])
        out = {"x": f["X"][:].astype("f8"), "cells": texts(f["obs/_index"]),
               "features": texts(f["var/_index"])}
        if "kind" in f["obs"]:
            out["kind"] = texts(f["obs/kind"])
            out["types"] = texts(f["var/feature_types"])
        return out


def take(data, modality):
    columns = data["types"] == NAMED[modality]
    return data["x"][:, columns], list(data["features"][columns])


def scale_of(x, modality):
    return np.log1p(x).mean(1) if modality == "adt" else x.sum(1) / 1e4


def transform(x, scale, modality):
    if modality == "atac":
        return (x > 0).astype(float)
    if modality == "adt":
        return np.log1p(x) - scale[:, None]
    return np.log1p(x / scale[:, None])


def axes_of(train, test, modality, depth):
    """Axes of the modality that is read, by numpy alone."""
    if modality == "atac":
        idf = np.log(len(train) / np.maximum(1, (train > 0).sum(0))) * ((train > 0).sum(0) > 0)
        unit = lambda x: x / np.maximum(1e-30, np.linalg.norm(x, axis=1, keepdims=True))
        train, test = unit((train > 0) * idf), unit((test > 0) * idf)
        v = np.linalg.svd(train, full_matrices=False)[2][1:16].T
        return train @ v, test @ v
    train, test = (transform(x, s, modality) for x, s in zip((train, test), depth))
    mean = train.mean(0)
    rank = min(50, min(train.shape) - 1)
    v = np.linalg.svd(train - mean, full_matrices=False)[2][:rank].T
    return (train - mean) @ v, (test - mean) @ v


def correlations(y, g):
    y, g = y - y.mean(0), g - g.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (y * g).sum(0) / np.sqrt((y**2).sum(0) * (g**2).sum(0))
    return np.where((g**2).sum(0) < 1e-15, 0, r)


def areas(y, g):
    from scipy.stats import rankdata
    out = []
    for j in range(y.shape[1]):
        ranks, n = rankdata(g[:, j]), y[:, j].sum()
        area = (ranks[y[:, j] > 0].sum() - n * (n + 1) / 2) / n / (len(y) - n)
        out.append(area)
    return np.array(out)


def expected(folder, to, source, values):
    train, test = read(folder + "/train.h5ad"), read(folder + "/test.h5ad")
    guess = read("%s/%s%s.h5ad" % (folder, to, values))
    (y, here), (z, there) = take(test, to), take(train, to)
    row = {c: i for i, c in enumerate(guess["cells"])}
    use = [i for i, c in enumerate(test["cells"])
           if c in row and np.isfinite(guess["x"][row[c]]).all()]
    y_scale, z_scale = scale_of(y[use], to), scale_of(z, to)
    p = guess["x"][[row[test["cells"][i]] for i in use]]
    p_scale = scale_of(np.abs(p), to)
    shared = [f for f in here if f in set(guess["features"]) and f in there]
    column = {f: i for i, f in enumerate(guess["features"])}
    if to == "atac":
        shared = [f for f in shared if (y[use][:, here.index(f)] > 0).sum() >= 20]
    if to == "rna":
        variance = transform(z, z_scale, to)[:, [there.index(f) for f in shared]].var(0)
        best = set(np.argsort(-variance, kind="stable")[:30])
        shared = [f for i, f in enumerate(shared) if i in best]
    y = transform(y[use], y_scale, to)[:, [here.index(f) for f in shared]]
    z = transform(z, z_scale, to)[:, [there.index(f) for f in shared]]
    q = p[:, [column[f] for f in shared]]
    if not values and to != "atac":
        q = transform(p, p_scale, to)[:, [column[f] for f in shared]]
    (a, a_names), (b, b_names) = take(test, source), take(train, source)
    a, b_all = a[use], b
    b = b[:, [b_names.index(f) for f in a_names if f in b_names]]
    a_all, a = a, a[:, [i for i, f in enumerate(a_names) if f in b_names]]
    rna = source == "rna"
    # depth over all genes of the file; the log ratio over the features of both files
    depth = [(x_all if rna else x).sum(1) / 1e4 if rna else np.log1p(x).mean(1)
             for x, x_all in ((b, b_all), (a, a_all))]
    read_train, read_test = axes_of(b, a, source, depth)
    kind, kind_test = train["kind"], test["kind"][use]
    means = {k: z[kind == k].mean(0) if k else z.mean(0) for k in set(kind) | set(kind_test)}
    k = min(7, len(z))
    near = np.argsort(((read_test[:, None] - read_train[None]) ** 2).sum(2), axis=1)[:, :k]
    logs = [np.log1p(x.sum(1)) for x in (b_all, a_all)]
    x_train = np.column_stack((read_train, logs[0]))
    x_test = np.column_stack((read_test, logs[1]))
    try:
        from sklearn.linear_model import Ridge
        ridge = Ridge(alpha=3.0).fit(x_train, z).predict(x_test)
    except ImportError:
        c = x_train - x_train.mean(0)
        w = np.linalg.solve(c.T @ c + 3 * np.eye(c.shape[1]), c.T @ (z - z.mean(0)))
        ridge = z.mean(0) + (x_test - x_train.mean(0)) @ w
    guesses = {"predicted": q, "depth": np.repeat(logs[1][:, None], len(shared), axis=1),
               "type_mean": np.array([means[k] for k in kind_test]),
               "knn": z[near].mean(1), "ridge": ridge}
    score = areas if to == "atac" else correlations
    return shared, len(use), {name: score(y, g) for name, g in guesses.items()}


def check(folder, to, source, values, scores, table):
    shared, cells, truth = expected(folder, to, source, values)
    told = json.load(open(scores))
    lines = [line.split("\t") for line in open(table).read().splitlines()]
    yield "modality and cells", (told["modality"], told["cells"]) == (to, cells)
    yield "features", [line[0] for line in lines[1:]] == shared
    name = "auroc" if to == "atac" else "pearson"
    for k, who in enumerate(truth):
        got = np.array([float(line[lines[0].index(who)]) for line in lines[1:]])
        good = np.isfinite(truth[who])
        worst = np.abs(got - truth[who])[good].max()
        yield "%s of every feature (%.1e)" % (who, worst), worst < 2e-3
        part = told if k == 0 else told["controls"][who]
        yield "its mean", abs(part[name] - got[good].mean()) < 1e-5
        yield "its median", abs(part[name + "_median"] - np.median(got[good])) < 1e-5


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        for what, good in check(*sys.argv[2:]):
            print("ok" if good else "not ok", what)
