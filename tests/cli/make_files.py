#!/usr/bin/python3
"""make_files.py FOLDER: small files in every encoding that the readers know, made with
h5py alone. The same names hold the same data on every run."""
import gzip
import os
import sys

import h5py
import numpy as np
import scipy.io
import scipy.sparse as sp

CELLS, GENES, PEAKS, PROTEINS = 37, 23, 41, 5
TEXT = h5py.string_dtype()


def counts(cells, features, seed, top=9):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, top, (cells, features)) * (rng.random((cells, features)) < 0.3)
    x[cells // 2] = 0  # an empty cell
    return x


def tag(element, kind, version):
    element.attrs["encoding-type"] = kind
    element.attrs["encoding-version"] = version


def put_sparse(group, name, x, kind, data="f4", index="i4", pointer="i4", **how):
    m = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[kind](x)
    m.sort_indices()
    g = group.create_group(name)
    tag(g, kind + "_matrix", "0.1.0")
    g.attrs["shape"] = np.array(x.shape, "i8")
    g.create_dataset("data", data=m.data.astype(data), **how)
    g.create_dataset("indices", data=m.indices.astype(index), **how)
    g.create_dataset("indptr", data=m.indptr.astype(pointer), **how)
    return g


def put_dense(group, name, x, data="f4", **how):
    tag(group.create_dataset(name, data=x.astype(data), **how), "array", "0.2.0")


def put_strings(group, name, values):
    tag(group.create_dataset(name, data=list(values), dtype=TEXT), "string-array", "0.2.0")


def put_nullable_strings(group, name, values):
    g = group.create_group(name)
    tag(g, "nullable-string-array", "0.1.0")
    g.create_dataset("values", data=list(values), dtype=TEXT)
    g.create_dataset("mask", data=np.zeros(len(values), bool))


def put_categorical(group, name, codes, labels):
    g = group.create_group(name)
    tag(g, "categorical", "0.2.0")
    g.attrs["ordered"] = False
    g.create_dataset("codes", data=np.array(codes, "i1"))
    put_strings(g, "categories", labels)


def put_frame(group, name, names, columns=(), index=put_strings):
    g = group.create_group(name)
    tag(g, "dataframe", "0.2.0")
    g.attrs["_index"] = "_index"
    order = [key for key, _ in columns]
    g.attrs["column-order"] = np.array(order, dtype=TEXT if order else "f8")
    index(g, "_index", names)
    for key, put in columns:
        put(g, key)
    return g


def genes(n=GENES):
    return [f"gene{i}" for i in range(n)]


def peaks(n=PEAKS):
    return [f"chr{1 + i % 3}:{1000 * i + 1}-{1000 * i + 500}" for i in range(n)]


def cells(n=CELLS):
    return [f"cell{i:03d}" for i in range(n)]


def put_anndata(group, x, features, names=None, put=None, columns=(), var=()):
    tag(group, "anndata", "0.1.0")
    names = names or cells(x.shape[0])
    put_frame(group, "obs", names, columns)
    put_frame(group, "var", features, var)
    (put or (lambda g: put_sparse(g, "X", x, "csr")))(group)


def obs_columns(n=CELLS):
    def nullable(kind, values):
        def put(g, key):
            c = g.create_group(key)
            tag(c, kind, "0.1.0")
            c.create_dataset("values", data=values)
            c.create_dataset("mask", data=np.arange(n) % 5 == 0)
        return put
    return [
        ("type", lambda g, k: put_categorical(g, k, np.arange(n) % 3 - (np.arange(n) == 4),
                                              ["B", "T", "NK"])),
        ("depth", lambda g, k: g.create_dataset(k, data=np.arange(n) / 4)),
        ("batch", lambda g, k: put_strings(g, k, [f"b{i % 2}" for i in range(n)])),
        ("good", lambda g, k: g.create_dataset(k, data=np.arange(n) % 2 == 0)),
        ("stage", nullable("nullable-integer", np.arange(n))),
        ("dead", nullable("nullable-boolean", np.arange(n) % 2 == 1)),
    ]


def many_types(folder):
    """Layouts, widths and filters."""
    x = counts(CELLS, GENES, 1)
    hows = {"plain": {}, "gzip": {"compression": "gzip"}, "lzf": {"compression": "lzf"},
            "shuffle": {"compression": "gzip", "shuffle": True, "chunks": (7,)},
            "sum": {"fletcher32": True}}
    for i, data in enumerate("i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()):
        for kind in ("csr", "csc", "dense"):
            how = dict(hows[list(hows)[i % len(hows)]])
            index, pointer = [("i4", "i4"), ("i8", "i8"), ("u1", "u4"), ("u2", "u8")][i % 4]
            with h5py.File(f"{folder}/{kind}_{data}.h5ad", "w") as f:
                if kind == "dense":
                    how.pop("chunks", None)
                    put_anndata(f, x, genes(), put=lambda g: put_dense(g, "X", x, data, **how))
                else:
                    put_anndata(f, x, genes(), put=lambda g: put_sparse(
                        g, "X", x, kind, data, index, pointer, **how))
    with h5py.File(f"{folder}/bool.h5ad", "w") as f:
        put_anndata(f, x, genes(), put=lambda g: put_sparse(g, "X", x, "csr", "?"))
    with h5py.File(f"{folder}/big_endian.h5ad", "w") as f:
        put_anndata(f, x, genes(), put=lambda g: put_sparse(g, "X", x, "csr", ">f4", ">i4"))
    with h5py.File(f"{folder}/latest.h5ad", "w", libver="latest") as f:
        put_anndata(f, x, genes(), put=lambda g: put_sparse(g, "X", x, "csr", chunks=(5,)))


def odd_matrices(folder):
    """Unsorted rows, repeats, explicit zeros, no cells, no values."""
    with h5py.File(f"{folder}/repeats.h5ad", "w") as f:
        x = counts(4, 6, 2)
        put_anndata(f, x, genes(6))
        del f["X"]
        g = f.create_group("X")
        tag(g, "csr_matrix", "0.1.0")
        g.attrs["shape"] = np.array(x.shape, "i8")
        g["data"] = np.array([1, 2, 3, 0, 5, 6, 7], "f4")
        g["indices"] = np.array([5, 0, 5, 2, 1, 1, 0], "i4")
        g["indptr"] = np.array([0, 3, 4, 4, 7], "i4")
    for n in (0, 1, 2):
        with h5py.File(f"{folder}/cells{n}.h5ad", "w") as f:
            put_anndata(f, np.ones((n, 3), int), genes(3))
    with h5py.File(f"{folder}/empty.h5ad", "w") as f:
        put_anndata(f, np.zeros((9, 3), int), genes(3))
    with h5py.File(f"{folder}/layers.h5ad", "w") as f:
        x = counts(CELLS, GENES, 3)
        put_anndata(f, np.log1p(x), genes(), columns=obs_columns(), put=lambda g: put_dense(
            g, "X", np.log1p(x)))
        put_dense(f.create_group("layers"), "spliced", x + 1, "i8")
        raw = f.create_group("raw")
        put_sparse(raw, "X", counts(CELLS, 30, 4), "csc")
        put_frame(raw, "var", genes(30))
        put_dense(f.create_group("obsm"), "X_pca", np.arange(CELLS * 3).reshape(CELLS, 3))
    with h5py.File(f"{folder}/nullable_index.h5ad", "w") as f:
        put_anndata(f, counts(5, 4, 5), genes(4))
        for name in ("obs", "var"):
            names = [x.decode() for x in f[name]["_index"][()]]
            del f[name]["_index"]
            put_nullable_strings(f[name], "_index", names)


def old_files(folder):
    """anndata before 0.7, and 0.7 with its references."""
    x = counts(CELLS, GENES, 6)
    with h5py.File(f"{folder}/old_05.h5ad", "w") as f:
        m = sp.csr_matrix(x)
        g = f.create_group("X")
        g.attrs["h5sparse_format"] = b"csr"
        g.attrs["h5sparse_shape"] = np.array(x.shape)
        for key in ("data", "indices", "indptr"):
            g[key] = getattr(m, key)
        obs = np.zeros(CELLS, [("index", "S8"), ("type", "i1"), ("depth", "f4")])
        obs["index"] = [c.encode() for c in cells()]
        obs["type"] = np.arange(CELLS) % 2
        f["obs"] = obs
        f["uns/type_categories"] = np.array([b"B", b"T"])
        var = np.zeros(GENES, [("index", "S8"), ("good", "?")])
        var["index"] = [c.encode() for c in genes()]
        f["var"] = var
        obsm = np.zeros(CELLS, [("X_pca", "f4", (4,)), ("X_umap", "f8", (2,))])
        obsm["X_pca"] = np.arange(CELLS * 4).reshape(CELLS, 4)
        f["obsm"] = obsm
    with h5py.File(f"{folder}/old_07.h5ad", "w") as f:
        put_anndata(f, x, genes())
        labels = f["obs"].create_group("__categories")
        labels.create_dataset("type", data=["B", "T"], dtype=TEXT)
        f["obs"]["type"] = (np.arange(CELLS) % 3 - 1).astype("i1")
        f["obs/type"].attrs["categories"] = labels["type"].ref
        f["obs"].attrs["column-order"] = np.array(["type"], dtype=TEXT)


def put_h5mu(path, maps="all", shuffle=False):
    """rna lacks the first cells and atac the last; rows in the order of the cells or not."""
    rng = np.random.default_rng(7)
    names = cells()
    with h5py.File(path, "w", userblock_size=512) as f:
        f.attrs["encoding-type"] = "MuData"
        f.attrs["axis"] = 0
        put_frame(f, "obs", names, obs_columns())
        mod, obsmap = f.create_group("mod"), f.create_group("obsmap")
        mod.attrs["mod-order"] = np.array(["rna", "prot", "atac"], dtype=TEXT)
        for key, features, low, high in (("rna", genes(), 6, CELLS),
                                         ("atac", peaks(), 0, CELLS - 9),
                                         ("prot", [f"CD{i}" for i in range(PROTEINS)], 0,
                                          CELLS)):
            here = np.arange(low, high)
            if shuffle:
                here = rng.permutation(here)
            x = counts(len(here), len(features), 8 + len(key))
            g = mod.create_group(key)
            how = {"rna": "csr", "atac": "csc"}.get(key)
            put_anndata(g, x, features, [names[i] for i in here],
                        put=(lambda g: put_sparse(g, "X", x, how)) if how else
                        (lambda g: put_dense(g, "X", x)),
                        columns=[("row", lambda g, k: g.create_dataset(k, data=here))])
            put_dense(g.create_group("obsm"), "X_pca",
                      here[:, None] * np.ones((1, 3)), "f8")
            rows = np.zeros(CELLS, "u4")
            rows[here] = 1 + np.arange(len(here))
            if maps == "all" or key == "rna":
                obsmap[key] = rows
            f.require_group("obsm")[key] = rows > 0
    with open(path, "r+b") as f:
        f.write(b"MuData (format-version=0.1.0;creator=test;creator-version=0)")


def put_tenx(folder):
    x = counts(CELLS, GENES + PEAKS + PROTEINS, 12).T
    m = sp.csc_matrix(x)
    types = [b"Gene Expression"] * GENES + [b"Peaks"] * PEAKS
    types += [b"Antibody Capture"] * PROTEINS
    names = genes() + peaks() + [f"CD{i}" for i in range(PROTEINS)]
    names[3] = names[1]  # names are not unique
    how = dict(chunks=(64,), maxshape=(None,), compression="gzip", shuffle=True)
    with h5py.File(f"{folder}/v3.h5", "w") as f:
        g = f.create_group("matrix")
        g.create_dataset("data", data=m.data.astype("i4"), **how)
        g.create_dataset("indices", data=m.indices.astype("i8"), **how)
        g.create_dataset("indptr", data=m.indptr.astype("i8"), **how)
        g["shape"] = np.array(m.shape, "i4")
        g["barcodes"] = np.array([c.encode() for c in cells()], "S18")
        t = g.create_group("features")
        t["_all_tag_keys"] = np.array([b"genome"])
        t["id"] = np.array([f"id{i}".encode() for i in range(len(names))])
        t["name"] = np.array([n.encode() for n in names])
        t["feature_type"] = np.array(types)
        t["genome"] = np.array([b"GRCh38"] * len(names))
        t.create_group("target_sets")
    for name, genomes in (("v2.h5", ["hg19"]), ("v2_two.h5", ["hg19", "mm10"])):
        with h5py.File(f"{folder}/{name}", "w") as f:
            for genome in genomes:
                g = f.create_group(genome)
                for key in ("data", "indices", "indptr"):
                    g.create_dataset(key, data=getattr(m, key)[()], **how)
                g["shape"] = np.array(m.shape, "i8")
                g["barcodes"] = np.array([c.encode() for c in cells()], "S18")
                g["genes"] = np.array([f"id{i}".encode() for i in range(len(names))])
                g["gene_names"] = np.array([f"g{i}".encode() for i in range(len(names))])
    put_folders(folder, m, names, types)


def put_folders(folder, m, names, types):
    for where, prefix, zipped in (("folder_v3", "", True), ("folder_star", "", False),
                                  ("folder_prefix", "sample1_", True), ("folder_v2", "", False)):
        os.makedirs(f"{folder}/{where}", exist_ok=True)
        old = where == "folder_v2"

        def put(name, text):
            path = f"{folder}/{where}/{prefix}{name}" + (".gz" if zipped else "")
            with (gzip.open if zipped else open)(path, "wt") as f:
                f.write(text)

        coo = m.tocoo()
        order = np.random.default_rng(1).permutation(coo.nnz)  # any order is allowed
        lines = [f"{coo.row[k] + 1} {coo.col[k] + 1} {coo.data[k]}\n" for k in order]
        put("matrix.mtx", "%%MatrixMarket matrix coordinate integer general\n"
            '%metadata_json: {"format_version": 2}\n'
            f"{m.shape[0]} {m.shape[1]} {coo.nnz}\n" + "".join(lines))
        put("barcodes.tsv", "".join(c + "\n" for c in cells()))
        if old:
            put("genes.tsv", "".join(f"id{i}\tg{i}\n" for i in range(len(names))))
        else:
            put("features.tsv", "".join(f"id{i}\t{n}\t{t.decode()}\n"
                                        for i, (n, t) in enumerate(zip(names, types))))
    with open(f"{folder}/alone.mtx", "wb") as f:
        scipy.io.mmwrite(f, sp.coo_matrix(m).astype(float) * 0.5)


def put_loom(folder):
    x = counts(CELLS, GENES, 13)
    with h5py.File(f"{folder}/matrix.loom", "w") as f:
        f.create_dataset("matrix", data=x.T.astype("f8"), chunks=(8, 8), compression="gzip")
        f.create_group("col_attrs")["CellID"] = np.array([c.encode() for c in cells()])
        f["col_attrs/depth"] = np.arange(CELLS)
        f.create_group("row_attrs")["Gene"] = np.array([c.encode() for c in genes()])


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    many_types(folder)
    odd_matrices(folder)
    old_files(folder)
    put_h5mu(f"{folder}/maps.h5mu")
    put_h5mu(f"{folder}/shuffled.h5mu", shuffle=True)
    put_h5mu(f"{folder}/names.h5mu", maps="rna", shuffle=True)
    put_tenx(folder)
    put_loom(folder)


if __name__ == "__main__":
    main()
