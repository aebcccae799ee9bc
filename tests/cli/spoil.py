"""Spoil a data set: spoil.py FILE HOW, in place."""
import os
import sys

import h5py
import numpy as np

path, how = sys.argv[1:3]
if how == "truncated":
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) // 2)
    sys.exit()
with h5py.File(path, "r+") as f:
    data = f["mod/rna/X/data"]
    values = data[()].astype("f4")
    values[5] = {"negative": -1, "fraction": 0.5, "nan": np.nan, "infinite": np.inf}[how]
    del f["mod/rna/X/data"]
    f["mod/rna/X/data"] = values
