"""prepare_peer.py FILE.h5mu RESULTS.h5ad [OTHER.h5ad...]: the embeddings of `regatta
prepare` against scipy and scikit-learn, step by step from the raw counts; then that OTHER
holds the same bits. Prints a line "ok WHAT" or "not ok WHAT" for each comparison."""
import sys

import h5py
import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd


def counts(group):
    x = group["X"]
    if isinstance(x, h5py.Dataset):
        return sp.csr_matrix(x[:])
    return sp.csr_matrix((x["data"][:].astype("f8"), x["indices"][:], x["indptr"][:]),
                         shape=tuple(x.attrs["shape"]))


def say(good, what):
    print("ok" if good else "not ok", what)


def angles(mine, theirs):
    """Sines of the principal angles between the spans of two sets of columns."""
    a, b = np.linalg.qr(mine.astype("f8"))[0], np.linalg.qr(theirs)[0]
    return np.sqrt(np.maximum(0, 1 - np.linalg.svd(a.T @ b)[1] ** 2))


def leading(x, rank, centre):
    """U S of the dense matrix, exactly."""
    x = x.toarray() if sp.issparse(x) else x
    if centre:
        x = x - x.mean(0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    return u[:, :rank] * s[:rank], s


def compare(name, mine, x, centre, first):
    """Lengths of all axes, and the span of those before the widest gap of the spectrum
    (between equal singular values a span is not defined)."""
    k = mine.shape[1]
    theirs, s = leading(x, k + first, centre)
    mine_s, s = np.linalg.norm(mine, axis=0), s[first:]
    theirs = theirs[:, first:]
    say(np.abs(mine_s / s[:k] - 1).max() < 1e-3, f"{name}: singular values of {k} axes")
    gap = int(np.argmax(s[:k] / s[1:k + 1])) + 1
    sine = angles(mine[:, :gap], theirs[:, :gap]).max()
    say(sine < 1e-4, f"{name}: span of the first {gap} axes, sine {sine:.1e}")
    dense = x.toarray() if sp.issparse(x) else x
    if centre:
        dense = dense - dense.mean(0)
    u, t, _ = randomized_svd(dense, k + first, n_oversamples=10, n_iter=7, random_state=0)
    share = (mine_s ** 2).sum() / (t[first:] ** 2).sum()
    say(share > 1 - 1e-4, f"{name}: {share:.6f} of the variance scikit-learn finds")


def main():
    with h5py.File(sys.argv[1]) as h, h5py.File(sys.argv[2]) as r:
        for m in h["mod"]:
            x = counts(h["mod"][m])
            where = h["obsmap"][m][:].astype("i8").ravel()
            present = where > 0
            key = {"rna": "X_pca", "atac": "X_lsi", "adt": "X_pca_adt"}[m]
            if key not in r["obsm"]:
                key = "X_pca"
            mine = r["obsm"][key][:]
            say(np.isnan(mine).all(1).tolist() == (~present).tolist(),
                f"{m}: cells that lack it are NaN")
            mine, x = mine[present], x[where[present] - 1]
            depth = np.asarray(x.sum(1)).ravel()
            said = r["obs"][f"{m}:total_counts"][:][present]
            say(np.array_equal(said, depth), f"{m}: total counts")
            if m != "adt":
                x = x[:, np.asarray((x > 0).sum(0)).ravel() >= 3]
            if m == "rna":
                x = sp.diags(1e4 / depth) @ x
                compare(m, mine, x.log1p(), True, 0)
            elif m == "adt":
                x = np.log1p(x.toarray())
                compare(m, mine, x - x.mean(1, keepdims=True), True, 0)
            else:
                x = (x > 0).astype("f8")
                x = x @ sp.diags(np.log(x.shape[0] / np.asarray(x.sum(0)).ravel()))
                x = sp.diags(1 / np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel())) @ x
                compare(m, mine, sp.csr_matrix(x), False, 1)
        for path in sys.argv[3:]:
            with h5py.File(path) as o:
                same = all(r["obsm"][k][:].tobytes() == o["obsm"][k][:].tobytes()
                           for k in r["obsm"])
                say(same and set(r["obsm"]) == set(o["obsm"]),
                    f"{path.rsplit('/', 2)[1]}: the same bits")


main()
