"""unitednet_quality.py mark FILE.h5mu OUT.h5mu COLUMN [--drop VALUE] [--share X] [--seed N]
unitednet_quality.py score OUT.h5mu RESULTS.h5ad [PREDICTED.h5ad...]
unitednet_quality.py controls OUT.h5mu PREPARED.h5ad

mark: copy FILE and add two columns to its obs: `label`, COLUMN without the cells that have
VALUE, and `split`, "test" in a share of the cells at random, "train" in the others.
score: what the groups or labels of a run with data.hold_out=split=test are worth, and its
predictions of modalities, in cells left out. controls: k-means and nearest neighbours on
the components before training. Needs h5py, numpy, scipy, scikit-learn."""
import argparse
import shutil

import h5py
import numpy as np
import scipy.sparse as sparse
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors


def texts(frame, name):
    column = frame[name]
    if not isinstance(column, h5py.Group):
        return column.asstr()[()]
    codes = column["codes"][()]
    found = column["categories"].asstr()[()].astype(object)[codes]
    found[codes < 0] = ""
    return found


def frame_with(file, name):
    frames = [file["obs"]] + [m["obs"] for m in file["mod"].values()]
    for frame in frames:
        if name in frame:
            return frame
    raise SystemExit("no column %s in obs" % name)


def names(frame):
    return frame[frame.attrs["_index"]].asstr()[()]


# ---- mark ----

def add_category(frame, name, values):
    kinds = sorted(set(values) - {""})
    if name in frame:
        del frame[name]
    group = frame.create_group(name)
    group.attrs["encoding-type"] = "categorical"
    group.attrs["encoding-version"] = "0.2.0"
    group.attrs["ordered"] = False
    text = h5py.string_dtype()
    group.create_dataset("categories", data=np.array(kinds, object), dtype=text)
    group["codes"] = np.array([kinds.index(v) if v else -1 for v in values], "i1")
    for part, kind in (("categories", "string-array"), ("codes", "array")):
        group[part].attrs["encoding-type"] = kind
        group[part].attrs["encoding-version"] = "0.2.0"
    order = [c for c in frame.attrs["column-order"] if c != name]
    frame.attrs.create("column-order", order + [name], dtype=text)


def mark(options):
    shutil.copyfile(options.file, options.out)
    with h5py.File(options.out, "r+") as file:
        frame = frame_with(file, options.column)
        label = texts(frame, options.column)
        label[label == options.drop] = ""
        n = len(label)
        test = np.random.default_rng(options.seed).permutation(n)[:round(n * options.share)]
        part = np.full(n, "train", object)
        part[test] = "test"
        add_category(frame, "split", part)
        add_category(frame, "label", label)
    print("%d cells, %d left out, %d of them with a label"
          % (n, len(test), sum(label[test] != "")))


# ---- score ----

class Cells:
    """Labels and split of a marked file, in the order of the rows of another."""

    def __init__(self, path, frame):
        with h5py.File(path, "r") as file:
            own = frame_with(file, "split")
            place = {name: i for i, name in enumerate(names(own))}
            self.rows = np.array([place[name] for name in names(frame)])
            self.label = texts(own, "label")[self.rows]
            self.test = texts(own, "split")[self.rows] == "test"
        self.known = self.label != ""


def purity(x, cells):
    x, label = x[cells.known], cells.label[cells.known]
    near = NearestNeighbors(n_neighbors=16).fit(x).kneighbors(x, return_distance=False)
    return np.mean(label[near[:, 1:]] == label[:, None])


def nmi(label, group):
    return metrics.normalized_mutual_info_score(label, group, average_method="geometric")


def score_groups(file, cells):
    group = texts(file["obs"], "unitednet_cluster")
    left, trained = cells.known & cells.test, cells.known & ~cells.test
    out = {"NMI trained": nmi(cells.label[trained], group[trained]),
           "NMI left out": nmi(cells.label[left], group[left]),
           "ARI left out": metrics.adjusted_rand_score(cells.label[left], group[left])}
    for name in sorted(file["obsm"]):
        if name.startswith("X_unitednet"):
            out["purity " + name] = purity(file["obsm"][name][()], cells)
    return out


def score_labels(file, cells):
    label = texts(file["obs"], "unitednet_label")
    left = cells.known & cells.test
    return {"accuracy": metrics.accuracy_score(cells.label[left], label[left]),
            "macro F1": metrics.f1_score(cells.label[left], label[left], average="macro")}


def matrix(group, name):
    data = group[name]
    if isinstance(data, h5py.Dataset):
        return data[()]
    parts = [data[k][()] for k in ("data", "indices", "indptr")]
    shape = tuple(data.attrs["shape"])
    kind = sparse.csc_matrix if "csc" in data.attrs["encoding-type"] else sparse.csr_matrix
    return kind(tuple(parts), shape).toarray()


def truth(path, features, rows):
    """The modality that has the features, as log1p of counts scaled to 1e4."""
    with h5py.File(path, "r") as file:
        for name, modality in file["mod"].items():
            place = {f: i for i, f in enumerate(names(modality["var"]))}
            if all(f in place for f in features):
                there = "layers" in modality and "counts" in modality["layers"]
                x = matrix(modality["layers"] if there else modality,
                           "counts" if there else "X")
                x = x[rows][:, [place[f] for f in features]].astype("f8")
                return name, np.log1p(1e4 * x / np.maximum(x.sum(1, keepdims=True), 1))
    raise SystemExit("no modality has the predicted features")


def score_prediction(path, marked):
    with h5py.File(path, "r") as file:
        cells = Cells(marked, file["obs"])
        predicted = matrix(file, "X").astype("f8")
        name, true = truth(marked, names(file["var"]), cells.rows)
    mean = true[~cells.test].mean(0)
    x, y = predicted[cells.test], true[cells.test]
    varies = y.std(0) > 0
    x, y, mean = x[:, varies], y[:, varies], mean[varies]
    spread = ((y - y.mean(0)) ** 2).sum(0)
    r2, control = (1 - ((y - p) ** 2).sum(0) / spread for p in (x, mean))
    norm = np.maximum(np.sqrt(((x - x.mean(0)) ** 2).sum(0) * spread), 1e-12)
    pearson = ((x - x.mean(0)) * (y - y.mean(0))).sum(0) / norm
    return {"R2 " + name: r2.mean(), "R2 of the mean": control.mean(),
            "Pearson": pearson.mean(), "better than the mean": np.mean(r2 > control),
            "features": len(r2)}


def show(what, scores):
    print(what + ": " + ", ".join("%s %.4g" % pair for pair in scores.items()))


def score(options):
    with h5py.File(options.results, "r") as file:
        cells = Cells(options.marked, file["obs"])
        if "unitednet_cluster" in file["obs"]:
            show("groups", score_groups(file, cells))
        if "unitednet_label" in file["obs"]:
            show("labels", score_labels(file, cells))
    for path in options.predicted:
        show("prediction", score_prediction(path, options.marked))


# ---- controls ----

def control(name, x, cells):
    left, trained = cells.known & cells.test, cells.known & ~cells.test
    kinds = len(set(cells.label[cells.known]))
    found = [nmi(cells.label[cells.known],
                 KMeans(kinds + 1, n_init=1, random_state=k).fit_predict(x)[cells.known])
             for k in range(3)]
    told = KNeighborsClassifier(15).fit(x[trained], cells.label[trained]).predict(x[left])
    show(name, {"NMI of k-means, least": min(found), "most": max(found),
                "purity": purity(x, cells),
                "accuracy": metrics.accuracy_score(cells.label[left], told),
                "macro F1": metrics.f1_score(cells.label[left], told, average="macro")})


def controls(options):
    with h5py.File(options.prepared, "r") as file:
        cells = Cells(options.marked, file["obs"])
        axes = {name: file["obsm"][name][()] for name in sorted(file["obsm"])
                if name.startswith(("X_pca", "X_lsi"))}
    for name, x in axes.items():
        control(name, x, cells)
    control("side by side", np.hstack([x / x.std() for x in axes.values()]), cells)


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
commands = parser.add_subparsers(dest="command", required=True)
marking = commands.add_parser("mark")
for word in ("file", "out", "column"):
    marking.add_argument(word)
marking.add_argument("--drop")
marking.add_argument("--share", type=float, default=0.2)
marking.add_argument("--seed", type=int, default=0)
scoring = commands.add_parser("score")
for word in ("marked", "results"):
    scoring.add_argument(word)
scoring.add_argument("predicted", nargs="*")
controlling = commands.add_parser("controls")
for word in ("marked", "prepared"):
    controlling.add_argument(word)
options = parser.parse_args()
{"mark": mark, "score": score, "controls": controls}[options.command](options)
