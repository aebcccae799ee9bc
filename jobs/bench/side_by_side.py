"""side_by_side.py RESULTS.h5ad: add obsm/X_side_by_side, the embeddings before training with
rows of unit length beside each other, missing ones as zeros. Needs h5py."""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "r+") as f:
    parts = [f["obsm"][k][()] for k in sorted(f["obsm"]) if not k.startswith("X_umap")]
    rows = []
    for x in parts:
        x = np.nan_to_num(x)
        rows.append(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
    joined = f["obsm"].create_dataset("X_side_by_side", data=np.hstack(rows).astype("f4"))
    joined.attrs["encoding-type"] = "array"
    joined.attrs["encoding-version"] = "0.2.0"
