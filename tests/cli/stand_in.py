"""stand_in.py FILE.h5mu KEY=VALUE...: give simulated cells the names of the data a page
speaks of; the set-ups of pages call it as `stand-in`. KEY is

  rna, atac, adt   names of the first features, commas between
  types            names of the first cell types
  NAME             a copy of a column of obs: label=cell_type; or a column of two values,
                   split=train,test: every fifth cell has the second"""
import sys

import h5py
import numpy as np


def rewrite(array, names):
    """The first strings of an array, changed."""
    values = array[:]
    values[:len(names)] = [n.encode() for n in names]
    array[:] = values


def split(obs, name, values):
    """A categorical column of two values; every fifth cell has the second."""
    n = len(obs["_index"])
    group = obs.create_group(name)
    for key, value in obs["cell_type"].attrs.items():
        group.attrs[key] = value
    group.create_dataset("codes", data=(np.arange(n) % 5 == 4).astype("i1"))
    group.create_dataset("categories", data=[v.encode() for v in values],
                         dtype=h5py.string_dtype())
    for key in ("codes", "categories"):
        for k, v in obs["cell_type"][key].attrs.items():
            group[key].attrs[k] = v


def main():
    with h5py.File(sys.argv[1], "r+") as f:
        tables = [f["obs"]] + [m["obs"] for m in f["mod"].values()]
        for key, _, value in (word.partition("=") for word in sys.argv[2:]):
            names = value.split(",")
            if key in f["mod"]:
                rewrite(f["mod"][key]["var/_index"], names)
            elif key == "types":
                for obs in tables:
                    rewrite(obs["cell_type/categories"], names)
            else:
                for obs in tables:
                    if len(names) == 2:
                        split(obs, key, names)
                    else:
                        obs.copy(value, key)
                    obs.attrs["column-order"] = [*obs.attrs["column-order"], key]


main()
