"""transfer_peer.py make REFERENCE.h5ad QUERY.h5ad: two files with an embedding of planted
types, written with h5py alone; a few cells of the query are of a type that the reference does
not have, one has no embedding. transfer_peer.py check QUERY.h5ad OUTPUT: what regatta transfer
wrote and printed against numpy. transfer_peer.py same A B: the same columns. Prints "ok WHAT"
or "not ok WHAT" per check."""
import re
import sys

import h5py
import numpy as np

CELLS, ASKED, DIMS, TYPES, K = 300, 120, 6, 4, 9


def planted():
    rng = np.random.default_rng(3)
    centre = rng.normal(size=(TYPES + 1, DIMS)) * 2
    a, b = rng.integers(0, TYPES, CELLS), rng.integers(0, TYPES, ASKED)
    b[:10] = TYPES  # unseen
    x = (centre[a] + rng.normal(size=(CELLS, DIMS))).astype("f4")
    y = (centre[b] + rng.normal(size=(ASKED, DIMS))).astype("f4")
    y[:10] += 20
    y[50] = x[7]  # at no distance
    y[60] = np.nan
    known = np.array(["type%d" % t for t in a], dtype=object)
    known[::17] = ""
    return x, known, y, np.array(["type%d" % t for t in b], dtype=object)


def put(group, name, value, kind):
    d = group.create_dataset(name, data=value)
    d.attrs["encoding-type"], d.attrs["encoding-version"] = kind, "0.2.0"


def write(path, x, labels, width):
    with h5py.File(path, "w") as f:
        f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
        text = h5py.string_dtype()
        for table, order in (("obs", ["cell_type"]), ("var", [])):
            g = f.create_group(table)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = "_index"
            g.attrs.create("column-order", order, dtype=text)
        index = np.array(["c%d" % i for i in range(len(x))], dtype=text)
        put(f["obs"], "_index", index, "string-array")
        put(f["var"], "_index", np.array([], dtype=text), "string-array")
        put(f["obs"], "cell_type", labels.astype(text), "string-array")
        for group in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            g = f.create_group(group)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dict", "0.1.0"
        put(f["obsm"], "X_model", x, "array")
        put(f["obsm"], "X_narrow", x[:, :width], "array")


def distances(a, b):
    return np.sqrt(((a[:, None].astype("f8") - b[None].astype("f8")) ** 2).sum(2))


def say(good, what):
    print("ok" if good else "not ok", what)


def vote(x, known, y):
    has, good = known != "", ~np.isnan(y[:, 0])
    d = distances(y, x[has])
    near = np.argsort(d, axis=1, kind="stable")[:, :K]
    d = np.take_along_axis(d, near, 1)
    weight = np.exp(-2 * (d / d[:, -1:]) ** 2)
    types = np.array(sorted(set(known[has])))
    votes = np.array([[weight[i, known[has][near[i]] == t].sum() for t in types]
                      for i in range(len(y))])
    own = np.sort(distances(x[has], x[has]), axis=1)[:, 1:K + 1].mean(1)
    usual = np.sort(own)[int(np.ceil(0.99 * len(own))) - 1]
    return (types[votes.argmax(1)], votes.max(1) / votes.sum(1), d.mean(1), usual, good)


def check(path, output):
    x, known, y, truth = planted()
    label, share, distance, usual, good = vote(x, known, y)
    with h5py.File(path) as f:
        obs = f["obs"]
        categories = obs["cell_type_transferred/categories"].asstr()[:]
        code = obs["cell_type_transferred/codes"][:]
        got_share, got_distance = (obs["cell_type_" + k][:]
                                   for k in ("confidence", "distance"))
        p = f["uns/transfer"]
        say(abs(p["reference_distance_99"][()] - usual) < 1e-4 * usual and
            p["params/k"][()] == K and p["params/use_rep"][()] == b"X_model", "uns/transfer")
    say((categories[code[good]] == label[good]).all() and (code[~good] == -1).all(), "labels")
    say(np.abs(got_share[good] - share[good]).max() < 1e-4 and
        np.isnan(got_share[~good]).all(), "confidences")
    say((np.abs(got_distance - distance)[good] < 1e-4 * distance[good]).all(), "distances")
    with open(output) as f:
        said = f.read()
    seen = good & (truth != "type%d" % TYPES)
    right = (label == truth)[seen]
    f1 = [2 * right[truth[seen] == t].sum() /
          ((truth[seen] == t).sum() + (label[seen] == t).sum()) for t in categories]
    line = "accuracy %.4f, macro F1 %.4f over %d cells" % (right.mean(), np.mean(f1), seen.sum())
    say(line in said, line)
    say("10 cells have a cell_type that the reference does not have" in said, "unseen labels")
    far = re.search(r"(\d+) cells are farther", said)
    say(far and int(far[1]) == (distance[good] > usual).sum(), "cells that are far away")


def same(a, b):
    with h5py.File(a) as f, h5py.File(b) as g:
        say(all(np.array_equal(f[k][:], g[k][:], equal_nan=True) for k in
                ("obs/cell_type_transferred/codes", "obs/cell_type_confidence",
                 "obs/cell_type_distance")), "the same columns")


if sys.argv[1] == "make":
    x, known, y, truth = planted()
    write(sys.argv[2], x, known, 3)
    write(sys.argv[3], y, truth, 2)
elif sys.argv[1] == "check":
    check(*sys.argv[2:])
else:
    same(*sys.argv[2:])
