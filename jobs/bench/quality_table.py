"""quality_table.py FOLDER: the Markdown table of sailerx-quality.sh, from the JSON objects
that regatta evaluate left there (WHICH_SEED.json)."""
import collections
import glob
import json
import os
import sys

import numpy as np

KEYS = [("NMI*", "nmi_best_resolution"), ("ARI*", "ari_best_resolution"), ("NMI r1", "nmi"),
        ("ARI r1", "ari"), ("purity", "knn_purity"), ("macro", "knn_purity_macro"),
        ("silhouette", "asw_label"), ("iLISI", "ilisi"), ("connectivity", "graph_connectivity"),
        ("depth", "depth_leakage_max")]


def line(name, scores):
    print("| " + " | ".join([name] + ["%.3f" % scores.get(k, np.nan) for _, k in KEYS]) + " |")


runs = collections.defaultdict(dict)
for path in glob.glob(os.path.join(sys.argv[1], "*_[0-9]*.json")):
    which, seed = os.path.basename(path)[:-5].rsplit("_", 1)
    with open(path) as f:
        runs[which][int(seed)] = json.load(f)
for which in sorted(runs):
    first = runs[which][min(runs[which])]
    print("\n%s (%d cells)\n" % (which, first["cells"]))
    print("| embedding | " + " | ".join(name for name, _ in KEYS) + " |")
    print("|---" * (len(KEYS) + 1) + "|")
    for seed in sorted(runs[which]):
        line("%s, seed %d" % (first["embedding"], seed), runs[which][seed])
    line("**mean**", {k: np.mean([r[k] for r in runs[which].values()])
                      for _, k in KEYS if k in first})
    for name, scores in first["controls"].items():
        line(name, scores)
