"""split_h5mu.py FILE.h5mu OUT.h5mu COLUMN (--only | --without) VALUE[,VALUE...]
split_h5mu.py FILE.h5mu OUT.h5mu (--drawn | --rest) SHARE

Write the cells of FILE whose obs COLUMN has one of the values (--only) or none of them
(--without); or a share of the cells, drawn with a fixed seed, or all others (--rest). Every modality must hold every cell, in one order, with sparse rows (csr) in X;
X, obs and var are kept, all else is left out. Needs h5py."""
import argparse

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


def copy_rows(source, target, keep):
    attributes(source, target)
    start = source["indptr"][()]
    entries = np.concatenate([np.arange(start[i], start[i + 1]) for i in keep])
    target.attrs["shape"] = np.array([len(keep), source.attrs["shape"][1]])
    target["data"] = source["data"][()][entries]
    target["indices"] = source["indices"][()][entries]
    target["indptr"] = np.concatenate([[0], np.cumsum(np.diff(start)[keep])]).astype("i8")


def chosen(source, options):
    frames = [source["obs"]] + [m["obs"] for m in source["mod"].values()]
    if len({len(f[f.attrs["_index"]]) for f in frames}) != 1:
        raise SystemExit("a modality lacks cells")
    share = options.drawn or options.rest
    if share:
        n = len(frames[0][frames[0].attrs["_index"]])
        drawn = np.random.default_rng(0).random(n) < share
        return np.flatnonzero(drawn if options.drawn else ~drawn)
    having = [f for f in frames if options.column in f]
    if not having:
        raise SystemExit("no column %s in obs" % options.column)
    wanted = (options.only or options.without).split(",")
    found = np.isin(values(having[0], options.column), wanted)
    return np.flatnonzero(~found if options.without else found)


def split(source, target, keep):
    attributes(source, target)
    copy_frame(source["obs"], target.create_group("obs"), keep)
    attributes(source["mod"], target.create_group("mod"))
    for name, modality in source["mod"].items():
        group = target["mod"].create_group(name)
        attributes(modality, group)
        copy_frame(modality["obs"], group.create_group("obs"), keep)
        copy_rows(modality["X"], group.create_group("X"), keep)
        modality.copy("var", group)
    return len(keep)


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("file")
parser.add_argument("out")
parser.add_argument("column", nargs="?")
group = parser.add_mutually_exclusive_group(required=True)
group.add_argument("--only")
group.add_argument("--without")
group.add_argument("--drawn", type=float)
group.add_argument("--rest", type=float)
options = parser.parse_args()
with h5py.File(options.file, "r") as source, \
        h5py.File(options.out, "w", userblock_size=512) as target:
    cells = split(source, target, chosen(source, options))
with open(options.out, "r+b") as out:
    out.write(b"MuData (format-version=0.1.0;creator=split_h5mu.py;creator-version=1)")
print("%s: %d cells" % (options.out, cells))
