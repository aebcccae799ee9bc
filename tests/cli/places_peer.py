"""places_peer.py FILES.json RUN GROUP=FILE...: what a run folder and HDF5 files hold that the
program's list of files does not name; a line each. FILES.json is of `regatta list files`."""
import json
import os
import re
import sys

import h5py

INPUT = {"obs": {"_index", "cell_type", "cell_type_coarse", "batch", "depth"},
         "var": {"_index"}}


def patterns(group):
    """Paths of a group as expressions: capitals stand for any name."""
    return [re.compile(re.sub(r"[A-Z]{3,}", r"[^/]+", re.escape(path)) + "(/.*)?$")
            for place in group["places"] for path in place["path"].rstrip("/").split(", ")
            if path != "obs"]


def below(folder):
    """Files of a folder, with their path inside it; a container counts as one."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name == "ckpt":
            yield from (f"ckpt/{x}" for x in os.listdir(path))
        else:
            yield name


def keys(path):
    """Objects of two levels of an HDF5 file that are not laid out by anndata itself."""
    with h5py.File(path, "r") as f:
        for name, group in f.items():
            if name == "X":
                yield name
            elif isinstance(group, h5py.Group) and name != "mod":
                yield from (f"{name}/{key}" for key in group
                            if key not in INPUT.get(name, ()))


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        groups = {g["name"]: g for g in json.load(f)}
    found = [("run", sys.argv[2], p) for p in below(sys.argv[2])]
    for word in sys.argv[3:]:
        name, _, path = word.partition("=")
        found += [(name, path, key) for key in keys(path)]
    for name, where, what in found:
        if not any(p.match(what) for p in patterns(groups[name])):
            print(f"{where}: {what}")
    held = [what for name, _, what in found if name == "run"]
    for pattern in patterns(groups["run"]):
        if not any(pattern.match(what) for what in held):
            print(f"{sys.argv[2]}: nothing like {pattern.pattern}")


main()
