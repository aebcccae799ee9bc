"""mosaic.py MOSAIC.h5mu EMBEDDED.h5ad PREPARED.h5ad LABELS [DROPPED]

How well the two modalities of cells whose pairing was hidden in training (they lack one of
them in MOSAIC) find each other: EMBEDDED holds X_<recipe>_<modality> of all cells, PREPARED
the principal components before training, for the controls: components as they are, and
canonical correlations of the cells that stayed paired. Needs h5py, numpy, scikit-learn."""
import sys

import h5py
import numpy as np
from sklearn.cross_decomposition import CCA
from sklearn.neighbors import KNeighborsClassifier

from partners import foscttm, top, unit


def transfer(a, b, labels, known):
    """Labels of the rows of b for those of a."""
    return KNeighborsClassifier(15).fit(b[known], labels[known]).score(a[known], labels[known])


def line(name, a, b, labels, known):
    a, b = unit(a), unit(b)
    print("| %s | %.3f | %.3f | %.3f | %.3f |" % (
        name, foscttm(a, b), top(a, b, 10), transfer(a, b, labels, known),
        transfer(b, a, labels, known)))


mosaic, embedded, prepared, column = sys.argv[1:5]
dropped = sys.argv[5].encode() if len(sys.argv) > 5 else None
with h5py.File(mosaic, "r") as f:
    names = sorted(f["obsmap"])
    has = {m: f["obsmap"][m][()].ravel() > 0 for m in names}
with h5py.File(embedded, "r") as f:
    ends = {m: [k for k in f["obsm"] if k.endswith("_" + m) and "pca" not in k] for m in names}
    latent = {m: f["obsm"][ends[m][0]][()] for m in names}
    codes, names_of = f["obs"][column]["codes"][()], f["obs"][column]["categories"][()]
with h5py.File(prepared, "r") as f:
    parts = {m: f["obsm"]["X_pca_" + m if "X_pca_" + m in f["obsm"] else "X_pca"][()]
             for m in names}
paired = has[names[0]] & has[names[1]]
known = codes[~paired] >= 0
if dropped is not None:
    known &= codes[~paired] != list(names_of).index(dropped)
labels = codes[~paired]
a, b = names
print("%d cells paired in training, %d hidden\n" % (paired.sum(), (~paired).sum()))
print("| | FOSCTTM | top 10 | labels %s to %s | %s to %s |" % (b, a, a, b))
print("|---|---|---|---|---|")
line("regatta", latent[a][~paired], latent[b][~paired], labels, known)
axes = min(parts[a].shape[1], parts[b].shape[1])
line("components as they are", parts[a][~paired][:, :axes], parts[b][~paired][:, :axes], labels,
     known)
cca = CCA(axes, max_iter=2000).fit(parts[a][paired], parts[b][paired])
line("CCA of the paired", *cca.transform(parts[a][~paired], parts[b][~paired]), labels, known)
rng = np.random.default_rng(0)
line("random", rng.normal(size=(len(labels), 10)), rng.normal(size=(len(labels), 10)), labels,
     known)
