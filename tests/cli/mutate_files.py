#!/usr/bin/python3
"""mutate_files.py FOLDER [SEED [NUMBER]]: damaged and hostile files.

FOLDER/known holds files that are wrong in one known way; each is printed as
"NAME<tab>what the message has to say". FOLDER/random holds NUMBER copies of small valid
files with bytes flipped, cut off, or zeroed."""
import gzip
import os
import shutil
import sys

import h5py
import numpy as np

from make_files import (TEXT, cells, counts, genes, put_anndata, put_dense,
                        put_frame, put_h5mu, put_sparse, put_strings, put_tenx, tag)

X = counts(12, 8, 1)
KNOWN = []


def known(says, kind="h5ad"):
    """A function that spoils a valid file; its name is the name of the file."""
    def add(spoil):
        KNOWN.append((spoil.__name__, kind, says, spoil))
        return spoil
    return add


def replace(f, path, values):
    del f[path]
    f[path] = values


def change(f, path, at, value):
    x = f[path][()]
    x[at] = value
    replace(f, path, x)


# ---- pointers and indices

@known("have to start at 0")
def first_pointer(f):
    change(f, "X/indptr", 0, 1)


@known("X/indptr")
def falling_pointers(f):
    x = f["X/indptr"][()]
    x[4] = x[8]
    replace(f, "X/indptr", x)


@known("overflowed 32 bits")
def wrapped_pointers(f):
    change(f, "X/indptr", 5, -2147483648)


@known("overflowed 32 bits")
def wrapped_last(f):
    change(f, "X/indptr", -1, -5)


@known("values are stored")
def last_pointer(f):
    change(f, "X/indptr", -1, 3)


@known("where the shape asks for")
def few_pointers(f):
    replace(f, "X/indptr", f["X/indptr"][:-1])


@known("holds")
def few_indices(f):
    replace(f, "X/indices", f["X/indices"][:-2])


@known("index 8, but the shape allows 0 to 7")
def high_index(f):
    change(f, "X/indices", 6, 8)


@known("index -1")
def negative_index(f):
    change(f, "X/indices", 6, -1)


@known("not an integer of 32 bits")
def huge_index(f):
    x = f["X/indices"][()].astype("u8")
    x[3] = 2**63
    replace(f, "X/indices", x)


@known("overflowed 32 bits|X/indptr", "csc")
def csc_pointers(f):
    change(f, "X/indptr", 3, -7)


@known("index 12, but the shape allows 0 to 11", "csc")
def csc_index(f):
    change(f, "X/indices", 2, 12)


# ---- values

def value(name, x, says, kind="h5ad"):
    def spoil(f):
        if kind == "dense":
            f["X"][5, 3] = x
        else:
            f["X/data"][7] = x
    spoil.__name__ = name
    known(says, kind)(spoil)


for where in ("h5ad", "csc", "dense"):
    value(where + "_nan", np.nan, "is not a number", where)
    value(where + "_negative", -1, "is negative", where)
value("infinite", np.inf, "is infinite")
value("half", 0.5, "is not an integer")
value("too_many", 2.0**25, "too large for a count")


@known("too large for 32 bits")
def too_large(f):
    replace(f, "X/data", f["X/data"][()].astype("f8"))
    f["X/data"][7] = 1e300


# ---- shapes

@known("rows|shape")
def more_rows(f):
    f["X"].attrs["shape"] = np.array([13, 8])


@known("claims|shape")
def huge_shape(f):
    f["X"].attrs["shape"] = np.array([2**60, 2**60])


@known("claims|shape")
def negative_shape(f):
    f["X"].attrs["shape"] = np.array([-1, 8])


@known("'shape'")
def no_shape(f):
    del f["X"].attrs["shape"]


@known("obs names 11 cells")
def few_cells(f):
    del f["obs"]
    put_frame(f, "obs", cells(11))


@known("9 features are named")
def more_features(f):
    del f["var"]
    put_frame(f, "var", genes(9))


@known("3 dimensions")
def three_dimensions(f):
    replace(f, "X", np.ones((12, 8, 2), "f4"))


@known("string values")
def words(f):
    del f["X"]
    f.create_dataset("X", data=[["a"] * 8] * 12, dtype=TEXT)


@known("compound|unknown values")
def records(f):
    replace(f, "X", np.zeros((12, 8), [("a", "f4")]))


@known("is empty")
def null(f):
    replace(f, "X", h5py.Empty("f4"))


@known("encoding 'dict'")
def not_a_matrix(f):
    del f["X"]
    tag(f.create_group("X"), "dict", "0.1.0")


@known("there is no matrix")
def no_matrix(f):
    del f["X"]


@known("X/data: is missing")
def no_data(f):
    del f["X/data"]


# ---- bombs

@known("damaged")
def bomb_chunks(f):
    del f["X/data"], f["X/indices"]
    f.create_dataset("X/data", (2**40,), "f4", chunks=(2**20,))
    f.create_dataset("X/indices", (2**40,), "i4", chunks=(2**20,))
    change(f, "X/indptr", -1, 2**31 - 1)


@known("damaged|claims")
def bomb_dense(f):
    del f["X"]
    f.create_dataset("X", (2**40, 2**20), "f4", chunks=(1, 2**20))


@known("damaged")
def bomb_names(f):
    del f["obs/_index"]
    f.create_dataset("obs/_index", (2**38,), TEXT, chunks=(2**16,))


@known("damaged|bytes")
def bomb_text(f):
    del f["var/_index"]
    f.create_dataset("var/_index", (8,), f"S{2**30}", chunks=(1,))


# ---- links and storage elsewhere

@known("link")
def soft_link(f):
    f.move("X", "Y")
    f["X"] = h5py.SoftLink("/Y")


@known("link")
def outer_link(f):
    del f["X/data"]
    f["X/data"] = h5py.ExternalLink("/etc/passwd", "/")


@known("other files")
def outer_storage(f):
    del f["X/data"]
    f.create_dataset("X/data", (int(f["X/indptr"][-1]),), "f4",
                     external=[("/etc/passwd", 0, 10000)])


@known("other files")
def virtual(f):
    n = int(f["X/indptr"][-1])
    layout = h5py.VirtualLayout((n,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (n,))
    del f["X/data"]
    f.create_virtual_dataset("X/data", layout)


@known("filter 32001 \\(blosc\\)")
def blosc(f):
    x = f["X/data"][()]
    del f["X/data"]
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_chunk((8,))
    how.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    h5py.h5d.create(f["X"].id, b"data", h5py.h5t.NATIVE_FLOAT,
                    h5py.h5s.create_simple(x.shape), dcpl=how)
    f["X/data"][...] = x


@known("scaleoffset")
def scaled(f):
    x = f["X/indices"][()]
    del f["X/indices"]
    f.create_dataset("X/indices", data=x, scaleoffset=0)


# ---- tables

@known("is also that of row 2")
def twins(f):
    names = cells(12)
    names[7] = names[2]
    del f["obs"]
    put_frame(f, "obs", names)


@known("cell\\\\x1b|cell\\\\")
def control_characters(f):
    names = cells(12)
    names[5] = "cell\x1b[31mred\a"
    names[8] = names[5]
    del f["obs"]
    put_frame(f, "obs", names)


@known("has no index")
def no_index(f):
    del f["obs/_index"], f["obs"].attrs["_index"]


@known("code 3, but there are 2")
def high_code(f):
    put_column(f, [0, 1, 3] * 4)


@known("column-order")
def odd_order(f):
    f["obs"].attrs["column-order"] = np.arange(3)


@known("has 5 rows, but the table has 12")
def short_column(f):
    f["obs"]["depth"] = np.arange(5)
    f["obs"].attrs["column-order"] = np.array(["depth"], dtype=TEXT)


@known("is not a table|is missing|has no index")
def obs_is_numbers(f):
    replace(f, "obs", np.arange(12))


def put_column(f, codes):
    g = f["obs"].create_group("type")
    g["codes"] = np.array(codes, "i1")
    put_strings(g, "categories", ["a", "b"])
    f["obs"].attrs["column-order"] = np.array(["type"], dtype=TEXT)


@known("9 rows for 12 cells")
def short_embedding(f):
    put_dense(f.create_group("obsm"), "X_pca", np.ones((9, 2)))


# ---- maps

@known("points to row 32 of 31", "h5mu")
def map_beyond(f):
    change(f, "obsmap/rna", 20, 32)


@known("leads cell|both lead", "h5mu")
def map_twice(f):
    x = f["obsmap/rna"][()]
    x[20] = x[19]
    replace(f, "obsmap/rna", x)


@known("leads cell 'cell010' to row 8, which is 'cell014'", "h5mu")
def map_wrong(f):
    change(f, "obsmap/rna", 10, 9)


@known("36 values for 37 cells", "h5mu")
def map_short(f):
    replace(f, "obsmap/rna", f["obsmap/rna"][:-1])


@known("no modality with a matrix", "h5mu")
def no_modalities(f):
    for name in list(f["mod"]):
        del f["mod"][name]


@known("is missing", "h5mu")
def no_cells(f):
    del f["obs"]


# ---- 10x

@known("names 36 cells", "tenx")
def few_barcodes(f):
    replace(f, "matrix/barcodes", f["matrix/barcodes"][:-1])


@known("two numbers", "tenx")
def long_shape(f):
    replace(f, "matrix/shape", np.array([3, 4, 5]))


@known("where the shape asks for", "tenx")
def turned_shape(f):
    replace(f, "matrix/shape", f["matrix/shape"][()][::-1])


@known("features are named|has not the shape", "tenx")
def few_names(f):
    replace(f, "matrix/features/name", f["matrix/features/name"][:-3])


@known("nothing in it is known", "tenx")
def nothing_known(f):
    del f["matrix/indptr"]


# ---- texts

HEAD = "%%MatrixMarket matrix coordinate integer general\n"
TEXTS = {
    "range.mtx": (HEAD + "3 4 2\n1 1 5\n4 1 5\n", "the line '4 1 5'"),
    "zero.mtx": (HEAD + "3 4 2\n1 1 5\n0 1 5\n", "the line '0 1 5'"),
    "few.mtx": (HEAD + "3 4 3\n1 1 5\n2 2 5\n", "announces 3 entries but holds 2"),
    "words.mtx": (HEAD + "3 4 2\n1 1 5\nhello\n", "the line 'hello'"),
    "nan.mtx": (HEAD.replace("integer", "real") + "3 4 2\n1 1 nan\n2 2 5\n",
                "is not a number"),
    "minus.mtx": (HEAD + "3 4 2\n1 1 -3\n2 2 5\n", "is negative"),
    "banner.mtx": ("3 4 2\n1 1 5\n", "does not start with a MatrixMarket line"),
    "array.mtx": ("%%MatrixMarket matrix array real general\n1 1\n5\n", "is needed"),
    "sizes.mtx": (HEAD + "3 -4 2\n", "not three numbers"),
    "huge.mtx": (HEAD + "3 1000000000000 2\n1 1 1\n2 2 2\n", "damaged"),
    "claims.mtx": (HEAD + "3 4 900000000000\n1 1 1\n", "cut short"),
    "long.mtx": (HEAD + "3 4 1\n1 1 " + "1" * 5000000 + "\n", "longer than"),
    "empty.mtx": ("", "empty"),
    "empty.h5ad": ("", "is not an HDF5 file"),
    "text.h5ad": ("name,value\n" * 100, "is not an HDF5 file"),
}


def put_texts(folder):
    for name, (text, says) in TEXTS.items():
        with open(f"{folder}/{name}", "w") as f:
            f.write(text)
        yield name, says
    body = "".join(f"{i % 300 + 1} {i // 300 + 1} {i % 97 + 1}\n" for i in range(60000))
    packed = gzip.compress((HEAD + f"300 200 60000\n{body}").encode())
    with open(f"{folder}/cut.mtx.gz", "wb") as f:
        f.write(packed[:len(packed) // 2])
    yield "cut.mtx.gz", "cut short"
    for name, says in (("nothing", "holds no matrix"), ("store.zarr", "zarr")):
        os.makedirs(f"{folder}/{name}")
        yield name, says
    yield "missing.h5ad", "No such file"


def put_valid(folder):
    """One valid file of each kind: kind to path."""
    paths = {kind: f"{folder}/{kind}" for kind in ("h5ad", "csc", "dense", "h5mu", "tenx")}
    for kind in ("h5ad", "csc", "dense"):
        with h5py.File(paths[kind], "w") as f:
            put_anndata(f, X, genes(8), put=lambda g: put_dense(g, "X", X)
                        if kind == "dense" else
                        put_sparse(g, "X", X, "csr" if kind == "h5ad" else "csc"))
            put_column(f, [0, 1, -1] * 4)
            if kind == "h5ad":
                del f["obs/type"]
                f["obs"].attrs["column-order"] = np.array([], "f8")
    put_h5mu(paths["h5mu"])
    put_tenx(folder)
    os.rename(f"{folder}/v3.h5", paths["tenx"])
    return paths


ENDING = {"h5ad": "h5ad", "csc": "h5ad", "dense": "h5ad", "h5mu": "h5mu", "tenx": "h5"}


def make_known(folder, valid):
    os.makedirs(folder)
    for name, kind, says, spoil in KNOWN:
        path = f"{folder}/{name}.{ENDING[kind]}"
        shutil.copy(valid[kind], path)
        with h5py.File(path, "r+") as f:
            spoil(f)
        yield os.path.basename(path), says
    for kind in valid:
        for part in (0.1, 0.5, 0.9, 0.999):
            name = f"cut_{kind}_{part}.{ENDING[kind]}"
            with open(valid[kind], "rb") as f:
                data = f.read()
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data[:int(len(data) * part)])
            yield name, ""
    yield from put_texts(folder)


def make_random(folder, valid, seed, number):
    os.makedirs(folder)
    rng = np.random.default_rng(seed)
    kinds = list(valid)
    for i in range(number):
        kind = kinds[i % len(kinds)]
        with open(valid[kind], "rb") as f:
            data = np.frombuffer(f.read(), "u1").copy()
        how = rng.integers(4)
        if how == 0:  # single bits
            for at in rng.integers(0, len(data), rng.integers(1, 8)):
                data[at] ^= 1 << rng.integers(8)
        elif how == 1:  # bytes near the front, where the structure is
            for at in rng.integers(0, min(len(data), 8000), rng.integers(1, 5)):
                data[at] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
        elif how == 2:  # a stretch from elsewhere
            n = int(rng.integers(4, 200))
            a, b = rng.integers(0, len(data) - n, 2)
            data[a:a + n] = data[b:b + n]
        else:
            data = data[:rng.integers(1, len(data))]
        with open(f"{folder}/{i:05d}_{kind}.{ENDING[kind]}", "wb") as f:
            f.write(data.tobytes())


def main():
    folder = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    os.makedirs(f"{folder}/valid", exist_ok=True)
    valid = put_valid(f"{folder}/valid")
    for name, says in make_known(f"{folder}/known", valid):
        print(f"{name}\t{says}")
    make_random(f"{folder}/random", valid, seed, number)


main()
