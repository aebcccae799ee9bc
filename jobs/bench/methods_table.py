"""methods_table.py FOLDER: Markdown tables of what methods.sh left there, the mean over
seeds, with the standard deviation where there are several."""
import collections
import glob
import json
import os
import re
import sys

import numpy as np

LABELS = [("NMI\\*", "nmi_best_resolution"), ("ARI\\*", "ari_best_resolution"), ("NMI r1", "nmi"),
          ("purity", "knn_purity"), ("macro", "knn_purity_macro")]
MATCH = [("FOSCTTM", "foscttm"), ("match", "matching_score"), ("transfer", "label_transfer")]


def read(path):
    try:
        with open(path) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def number(values):
    values = [v for v in values if v is not None]
    if not values:
        return ""
    text = "%.3f" % np.mean(values)
    return text + (" ± %.3f" % np.std(values, ddof=1) if len(values) > 1 else "")


def seconds(path):
    """User and system seconds of the children, the second line of the shell's times."""
    try:
        with open(path) as f:
            times = re.findall(r"(\d+)m([0-9.]+)s", f.read().splitlines()[1])
    except (OSError, IndexError):
        return None
    return sum(60 * int(m) + float(s) for m, s in times)


def correlation(scores):
    return scores.get("pearson", scores.get("auroc"))


def row(cells):
    print("| " + " | ".join(cells) + " |")


def table(folder, name, runs):
    ways = sorted({k for r in runs.values() for s in r for k in s if "-" in k})
    print("\n## %s\n" % name)
    head = [n for n, _ in LABELS] + ["left-out purity"] + [n for n, _ in MATCH]
    row(["method"] + head + [w.replace("-", " to ") for w in ways] + ["CPU s"])
    row(["---"] * (len(head) + len(ways) + 2))
    for recipe in sorted(runs):
        seeds = runs[recipe]
        cells = [number([s["all"].get(k) for s in seeds]) for _, k in LABELS]
        cells.append(number([s["test"].get("knn_purity") for s in seeds]))
        cells += [number([s["match"].get(k) for s in seeds]) for _, k in MATCH]
        cells += [number([correlation(s.get(w, {})) for s in seeds]) for w in ways]
        row([recipe] + cells + ["%.0f" % np.mean([s["seconds"] or np.nan for s in seeds])])
    controls = read(os.path.join(folder, name + "-controls.json"))
    for label, scores in [("side by side", controls)] + list(
            controls.get("controls", {}).items()):
        blank = [""] * (1 + len(MATCH) + len(ways) + 1)
        row([label] + [number([scores.get(k)]) for _, k in LABELS] + blank)
    kinds = collections.OrderedDict()
    for way in ways:
        for kind, scores in read(
                os.path.join(folder, "%s.%s.json" % (name, way))).get("controls", {}).items():
            kinds.setdefault(kind, {})[way] = correlation(scores)
    for kind, values in kinds.items():
        blank = [""] * (len(LABELS) + 1 + len(MATCH))
        row([kind] + blank + [number([values.get(w)]) for w in ways] + [""])


folder = sys.argv[1]
sets = collections.defaultdict(lambda: collections.defaultdict(list))
for path in sorted(glob.glob(os.path.join(folder, "*.all.json"))):
    stem = path[:-len(".all.json")]
    name, recipe, seed = os.path.basename(stem).rsplit("-", 2)
    run = {part: read("%s.%s.json" % (stem, part)) for part in ("all", "test", "match")}
    run["seconds"] = seconds(stem + ".cpu")
    for way in glob.glob(stem + ".*-*.json"):
        run[way[len(stem) + 1:-len(".json")]] = read(way)
    sets[name][recipe].append(run)
for name in sorted(sets):
    table(folder, name, sets[name])
