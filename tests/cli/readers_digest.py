#!/usr/bin/python3
"""readers_digest.py FILE...: what `regatta inspect FILE --digest` has to print, from
readers of its own: h5py for the bytes, scipy and numpy for the matrices. Nothing here is
shared with the program but the definition of the digest (include/regatta/io.h).

Options: --layer NAME, --genome NAME. With several files each line opens with the path. A
file that cannot be read is told of on stderr."""
import gzip
import os
import re
import sys

import h5py
import numpy as np
import scipy.io
import scipy.sparse as sp

MASK = np.uint64


def mix(x):
    with np.errstate(over="ignore"):
        x = x + MASK(0x9E3779B97F4A7C15)
        x = (x ^ (x >> MASK(30))) * MASK(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> MASK(27))) * MASK(0x94D049BB133111EB)
        return x ^ (x >> MASK(31))


def digest(name, m, rows):
    """m: csr of all cells of the file; float64 or integers."""
    m = sp.csr_matrix(m)
    m.sum_duplicates()
    coo = m.tocoo()
    value = coo.data.astype(np.float32)
    if not np.isfinite(value).all():
        raise ValueError("values that are not finite")
    keep = value != 0
    row, col, value = coo.row[keep], coo.col[keep], value[keep]
    place = row.astype(np.uint64) * MASK(m.shape[1]) + col.astype(np.uint64)
    with np.errstate(over="ignore"):
        total = mix(mix(place) ^ value.view(np.uint32).astype(np.uint64)).sum(
            dtype=np.uint64)
    fixed = int(np.rint(value.astype(np.float64) * 1024).astype(np.int64).sum())
    assert m.shape[0] == rows
    return f"{name} {rows} {m.shape[1]} {len(value)} {fixed / 1024:.10f} {int(total):016x}"


def text(x):
    return x.decode() if isinstance(x, bytes) else str(x)


def matrix(element):
    if isinstance(element, h5py.Dataset):
        return sp.csr_matrix(element[()].astype(np.float64))
    attrs = element.attrs
    kind = text(attrs.get("h5sparse_format", attrs.get("encoding-type", "")))[:3]
    shape = tuple(attrs["h5sparse_shape" if "h5sparse_shape" in attrs else "shape"])
    make = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[kind]
    data = element["data"][()].astype(np.float64)
    return sp.csr_matrix(make((data, element["indices"][()], element["indptr"][()]), shape))


def index(group):
    if isinstance(group, h5py.Dataset):
        return [text(x) for x in group[group.dtype.names[0]]]
    key = text(group.attrs.get("_index", "_index"))
    element = group[key]
    if isinstance(element, h5py.Group):
        element = element["values"]
    return [text(x) for x in element[()]]


def column(group, names):
    """A column of strings as a list, or None."""
    for name in names:
        if isinstance(group, h5py.Dataset):
            if name in group.dtype.names:
                return [text(x) for x in group[name]]
            continue
        if name not in group:
            continue
        c = group[name]
        if isinstance(c, h5py.Group) and "codes" in c:
            labels = [text(x) for x in c["categories"][()]]
            return [labels[k] for k in c["codes"][()]]
        if isinstance(c, h5py.Group):
            return [text(x) for x in c["values"][()]]
        if "categories" in c.attrs:
            labels = [text(x) for x in group.file[c.attrs["categories"]][()]]
            return [labels[k] for k in c[()]]
        return [text(x) for x in c[()]]
    return None


KINDS = {"gene expression": "rna", "gex": "rna", "rna": "rna", "peaks": "atac",
         "atac": "atac", "chromatin accessibility": "atac", "antibody capture": "adt",
         "adt": "adt", "protein": "adt", "prot": "adt", "protein expression": "adt"}
PLACE = re.compile(r"^.+[:_-]\d{1,12}[-_]\d{1,12}$")


def modality(kind):
    kind = kind.lower()
    return KINDS.get(kind, re.sub("[^a-z0-9]", "_", kind))


def split(m, names, types):
    """(name, matrix) per modality of a matrix, by feature type or by the names."""
    if types and len(set(map(modality, types))) > 1:
        kinds = list(map(modality, types))
        for kind in dict.fromkeys(kinds):
            yield kind, m[:, [i for i, k in enumerate(kinds) if k == kind]]
    elif types:
        yield modality(types[0]), m
    else:
        places = sum(bool(PLACE.match(n)) for n in names)
        yield ("atac" if names and places >= 0.9 * len(names) else "rna"), m


def counts(group, layer):
    """(element, var) that the counts are taken from."""
    tries = [("layers/counts", "var"), ("raw/X", "raw/var"), ("raw.X", "raw.var"),
             ("X", "var")]
    if layer == "X":
        tries.insert(0, ("X", "var"))
    elif layer == "raw":
        tries = tries[1:3] + tries
    elif layer:
        tries.insert(0, (f"layers/{layer}", "var"))
    for path, var in tries:
        if path in group:
            return group[path], group[var]
    raise ValueError("no matrix")


def read_h5mu(f, layer):
    cells = index(f["obs"])
    order = [text(x) for x in f["mod"].attrs.get("mod-order", sorted(f["mod"]))]
    for key in order:
        g = f["mod"][key]
        m = matrix(counts(g, layer)[0])
        if "obsmap" in f and key in f["obsmap"]:
            row = f["obsmap"][key][()].astype(np.int64).ravel() - 1
        else:
            there = {name: i for i, name in enumerate(index(g["obs"]))}
            row = np.array([there.get(c, -1) for c in cells])
        here = np.flatnonzero(row >= 0)
        pick = sp.csr_matrix((np.ones(len(here)), (here, row[here])),
                             (len(cells), m.shape[0]))
        name = "adt" if key in ("prot", "protein") and "adt" not in order else key
        yield name, pick @ m, len(cells)


def read_tenx(f, genome):
    if "matrix" in f:
        g = f["matrix"]
    else:
        groups = [k for k in f if isinstance(f[k], h5py.Group) and "indptr" in f[k]]
        if genome is None and len(groups) != 1:
            raise ValueError("several genomes")
        g = f[genome or groups[0]]
    n, cells = (int(x) for x in g["shape"][()])
    data = g["data"][()].astype(np.float64)
    m = sp.csr_matrix((data, g["indices"][()], g["indptr"][()]), (cells, n))
    if "features" in g:
        names = [text(x) for x in g["features"]["name"][()]]
        types = [text(x) for x in g["features"]["feature_type"][()]]
    else:
        names, types = [], None
        if "gene_names" in g:
            names = [text(x) for x in g["gene_names"][()]]
    for name, part in split(m, names, types):
        yield name, part, cells


def read_mtx(path):
    if os.path.isdir(path):
        path = next(os.path.join(path, n) for n in sorted(os.listdir(path))
                    if re.search(r"(matrix|counts)\.mtx(\.gz)?$", n))
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        m = sp.csr_matrix(scipy.io.mmread(file).T)
    stem = re.sub(r"(matrix|counts)?\.mtx(\.gz)?$", "", path)
    names, types = [], None
    for tail in ("features.tsv", "genes.tsv", "_features.tsv", "_genes.tsv"):
        for end in ("", ".gz"):
            if os.path.exists(stem + tail + end) and not names:
                with (gzip.open if end else open)(stem + tail + end, "rt") as file:
                    lines = [line.rstrip("\n").split("\t") for line in file]
                names = [x[1] if len(x) > 1 else x[0] for x in lines]
                types = [x[2] for x in lines] if len(lines[0]) > 2 else None
    for name, part in split(m, names, types):
        yield name, part, m.shape[0]


def read(path, layer, genome):
    if os.path.isdir(path) or re.search(r"\.mtx(\.gz)?$", path):
        yield from read_mtx(path)
        return
    with h5py.File(path, "r") as f:
        if "mod" in f:
            yield from read_h5mu(f, layer)
        elif "row_attrs" in f:
            m = sp.csr_matrix(f["matrix"][()].T)
            for name, part in split(m, [text(x) for x in f["row_attrs/Gene"][()]], None):
                yield name, part, m.shape[0]
        elif "obs" in f:
            element, var = counts(f, layer)
            m = matrix(element)
            types = column(var, ["feature_types", "feature_type"])
            for name, part in split(m, index(var), types):
                yield name, part, m.shape[0]
        else:
            yield from read_tenx(f, genome)


def main():
    layer = genome = None
    files = []
    words = iter(sys.argv[1:])
    for word in words:
        if word == "--layer":
            layer = next(words)
        elif word == "--genome":
            genome = next(words)
        else:
            files.append(word)
    for path in files:
        try:
            lines = [digest(*x) for x in read(path, layer, genome)]
        except Exception as error:  # whatever h5py says of a file that is none
            print(f"{path}: {error}", file=sys.stderr)
            continue
        opening = f"{path} " if len(files) > 1 else ""
        for line in lines:
            print(opening + line)


main()
