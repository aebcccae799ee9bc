"""split_h5mu.py FILE.h5mu OUT.h5mu [COLUMN (--only | --without) VALUE[,VALUE...]]
                                    [--share X [--rest] [--seed N]]
                                    [--hide MODALITY:LOW-HIGH]...

Write some cells of FILE: those whose obs COLUMN has one of the values (--only) or none of
them (--without); or a share of all at random, or the rest of them. --hide leaves out a
modality of a part of the cells written, such as adt:0-0.5, in the random order of the seed.
Every modality must hold every cell, in one order; X, layers, obs and var are kept, all else
is left out. Needs h5py."""
import argparse
import collections

import h5py
import numpy as np


def values(frame, name):
    column = frame[name]
    if isinstance(column, h5py.Group):
        return column["categories"].asstr()[()][column["codes"][()]]
    return column.asstr()[()]


def attributes(source, target):
    for key, value in source.attrs.items():
        target.attrs[key] = value


def copy_frame(source, target, keep):
    attributes(source, target)
    for name, column in source.items():
        if isinstance(column, h5py.Group):
            group = target.create_group(name)
            attributes(column, group)
            for part, data in column.items():
                if part == "categories":
                    column.copy(part, group)
                else:
                    group[part] = data[()][keep]
                    attributes(data, group[part])
        else:
            target.create_dataset(name, data=column[()][keep], dtype=column.dtype)
            attributes(column, target[name])


def copy_rows(source, target, name, keep):
    """A matrix of cells: dense, csr or csc."""
    matrix = source[name]
    if isinstance(matrix, h5py.Dataset):
        target.create_dataset(name, data=matrix[()][keep])
        attributes(matrix, target[name])
        return
    group = target.create_group(name)
    attributes(matrix, group)
    shape = matrix.attrs.get("shape", matrix.attrs.get("h5sparse_shape"))
    data, index, start = (matrix[k][()] for k in ("data", "indices", "indptr"))
    if "csc" in str(matrix.attrs.get("encoding-type", matrix.attrs.get("h5sparse_format"))):
        row, column = index, np.repeat(np.arange(shape[1]), np.diff(start))
        group.attrs["encoding-type"] = "csr_matrix"
    else:
        row, column = np.repeat(np.arange(shape[0]), np.diff(start)), index
    place = np.full(shape[0], -1)
    place[keep] = np.arange(len(keep))
    order = np.lexsort((column, place[row]))
    order = order[place[row][order] >= 0]
    group.attrs["shape"] = np.array([len(keep), shape[1]])
    group["data"] = data[order]
    group["indices"] = column[order].astype("i4")
    group["indptr"] = np.searchsorted(place[row][order], np.arange(len(keep) + 1)).astype("i8")


def copy_modality(source, target, keep):
    attributes(source, target)
    copy_frame(source["obs"], target.create_group("obs"), keep)
    copy_rows(source, target, "X", keep)
    if "layers" in source:
        layers = target.create_group("layers")
        attributes(source["layers"], layers)
        for name in source["layers"]:
            copy_rows(source["layers"], layers, name, keep)
    source.copy("var", target)


def chosen(source, options):
    frames = [source["obs"]] + [m["obs"] for m in source["mod"].values()]
    cells = {len(f[f.attrs["_index"]]) for f in frames}
    if len(cells) != 1:
        raise SystemExit("a modality lacks cells")
    cells = cells.pop()
    if options.column is None:
        order = np.random.default_rng(options.seed).permutation(cells)
        n = int(round(cells * options.share))
        return np.sort(order[n:] if options.rest else order[:n])
    having = [f for f in frames if options.column in f]
    if not having:
        raise SystemExit("no column %s in obs" % options.column)
    found = np.isin(values(having[0], options.column),
                    (options.only or options.without).split(","))
    return np.flatnonzero(~found if options.without else found)


def split(source, target, options):
    keep = chosen(source, options)
    hidden = collections.defaultdict(list)
    for word in options.hide:
        name, part = word.split(":")
        hidden[name].append([float(x) * len(keep) for x in part.split("-")])
    place = np.random.default_rng(options.seed + 1000).permutation(len(keep))
    attributes(source, target)
    copy_frame(source["obs"], target.create_group("obs"), keep)
    attributes(source["mod"], target.create_group("mod"))
    for name, modality in source["mod"].items():
        there = np.ones(len(keep), bool)
        for low, high in hidden[name]:
            there &= ~((place >= low) & (place < high))
        copy_modality(modality, target["mod"].create_group(name), keep[there])
        if hidden:
            row = np.where(there, np.cumsum(there), 0).astype("u4")
            target.require_group("obsmap")[name] = row
    return len(keep)


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("file")
parser.add_argument("out")
parser.add_argument("column", nargs="?")
parser.add_argument("--only")
parser.add_argument("--without")
parser.add_argument("--share", type=float, default=1)
parser.add_argument("--rest", action="store_true")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--hide", action="append", default=[])
options = parser.parse_args()
if (options.column is not None) != (options.only is not None or options.without is not None):
    parser.error("COLUMN goes with --only or --without")
with h5py.File(options.file, "r") as source, \
        h5py.File(options.out, "w", userblock_size=512) as target:
    cells = split(source, target, options)
with open(options.out, "r+b") as out:
    out.write(b"MuData (format-version=0.1.0;creator=split_h5mu.py;creator-version=1)")
print("%s: %d cells" % (options.out, cells))
