#!/usr/bin/env python3
"""One CSV of all runs of strong.sh and weak.sh: collect.py FOLDER [-o scaling.csv]

A row is a phase of a configuration: the medians over repeats; `steps` and `checkpoint` are
parts of `train`, the other phases add up to `total`. Columns:

min_s, mean_s, max_s   seconds of the ranks
cells_per_s            cells / max_s; in train: cells x epochs / max_s
efficiency             strong: max_s x cores of the base over max_s x cores of this one;
                       weak: max_s of the base over max_s. The base has the fewest cores,
                       and of those the fewest ranks
imbalance              most over mean of the seconds that ranks do not wait for others
sent_bytes ... rounds  sums over ranks (include/regatta/comm.h says what counts); wait_s:
                       mean over ranks
peak_memory_bytes      of the rank with most, of the whole run; peak_memory_min_bytes: least
cpu_s                  processor seconds of all ranks, of the whole run: where other work shares
                       the machine, these say more than the clock
"""
import argparse
import csv
import glob
import os
import statistics
import sys

PHASES = {  # name: (scopes whose seconds add up, must they be there)
    "read": (["train/read"], True),
    "prepare": (["train/prepare", "train/project"], True),
    "train": (["train/train"], True),
    "embed": (["embed"], True),
    "graph": (["neighbors"], True),
    "cluster": (["cluster"], True),
    "umap": (["umap"], False),
}
PARTS = {"steps": "train/train/step", "checkpoint": "train/train/checkpoint"}  # of train
KEY = ["kind", "recipe", "cells", "genes", "peaks", "ranks", "threads"]
FACTS = ["epochs", "steps", "batch", "lanes", "grid", "parameters", "clusters", "labels",
         "commit", "host", "hosts", "cpu", "date", "load"]
SECONDS = ["min_s", "mean_s", "max_s", "wait_s", "max_busy_s"]
COUNTS = ["sent_bytes", "received_bytes", "messages", "rounds"]
COLUMNS = (KEY + ["cores", "repeats", "phase"] + SECONDS[:3] +
           ["cells_per_s", "efficiency", "imbalance"] + COUNTS + SECONDS[3:] +
           ["peak_memory_bytes", "peak_memory_min_bytes", "cpu_s"] + FACTS)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def total(rows, what, where):
    """Columns of one phase: sums over its scopes."""
    return {k: sum(float(r[k]) for r in rows) for k in SECONDS + COUNTS} if rows else \
        sys.exit(f"{where}: no {what} in timers.csv")


def read_run(folder):
    with open(os.path.join(folder, "facts")) as file:
        facts = dict(line.rstrip("\n").split("=", 1) for line in file)
    timers = {r["phase"]: r for r in rows_of(os.path.join(folder, "timers.csv"))}
    ranks = rows_of(os.path.join(folder, "ranks.csv"))
    if len(ranks) != int(facts["ranks"]):
        sys.exit(f"{folder}: {len(ranks)} ranks in ranks.csv, {facts['ranks']} were asked for")
    hosts = sorted({r["host"] for r in ranks})
    memory = [int(r["peak_memory_bytes"]) for r in ranks]
    absent = [f for f in KEY + FACTS if f not in facts and f not in ("host", "hosts")]
    if absent:
        sys.exit(f"{folder}/facts: no {', '.join(absent)}")
    facts.update(host=hosts[0], hosts=len(hosts), most=max(memory), least=min(memory),
                 cpu_s=sum(float(r["cpu_s"]) for r in ranks))
    phases = {}
    for name, (scopes, needed) in PHASES.items():
        found = [timers[s] for s in scopes if s in timers]
        if found or needed:
            phases[name] = total(found, f"phase {name} ({scopes[0]})", folder)
    every = total([r for p, r in timers.items() if "/" not in p], "scopes", folder)
    other = {k: max(0.0, every[k] - sum(p[k] for p in phases.values())) for k in every}
    # differences of extremes over ranks may come in any order
    other["min_s"], other["mean_s"], other["max_s"] = sorted(
        other[k] for k in ("min_s", "mean_s", "max_s"))
    phases["other"] = other
    for name, scope in PARTS.items():
        phases[name] = total([timers[scope]] if scope in timers else [], name, folder)
    phases["total"] = every
    return facts, phases


def same(runs, fact):
    values = sorted({f[fact] for f, _ in runs})
    return values[0] if len(values) == 1 else "; ".join(values)


def medians(runs, phase):
    return {k: statistics.median(p[phase][k] for _, p in runs) for k in SECONDS + COUNTS}


def add_ratios(row, base):
    cores, base_cores = int(row["cores"]), int(base["cores"])
    share = base_cores / cores if row["kind"] == "strong" else 1
    row["efficiency"] = base["max_s"] / row["max_s"] * share if row["max_s"] else ""
    busy = row["mean_s"] - row["wait_s"]
    row["imbalance"] = max(1.0, row["max_busy_s"] / busy) if busy > 0 else ""
    passes = int(row["epochs"]) if row["phase"] == "train" else 1
    row["cells_per_s"] = int(row["cells"]) * passes / row["max_s"] if row["max_s"] else ""


def table(groups):
    """Rows of all groups of repeats; the base of a row lies in its experiment."""
    base, out = {}, []
    order = sorted(groups, key=lambda k: (k[0], k[1], int(k[5]) * int(k[6]), int(k[5])))
    for key in order:
        runs = groups[key]
        facts = {f: same(runs, f) for f in FACTS if f not in ("hosts", "load", "date")}
        facts.update(hosts=runs[0][0]["hosts"], date=min(f["date"] for f, _ in runs),
                     load=max(float(f["load"]) for f, _ in runs))
        for phase in runs[0][1]:
            row = dict(zip(KEY, key), phase=phase, repeats=len(runs), **facts)
            row["cores"] = int(row["ranks"]) * int(row["threads"])
            row.update(medians(runs, phase))
            row["peak_memory_bytes"] = max(f["most"] for f, _ in runs)
            row["peak_memory_min_bytes"] = min(f["least"] for f, _ in runs)
            row["cpu_s"] = statistics.median(f["cpu_s"] for f, _ in runs)
            # experiments: cells are the same in strong, a multiple of the cores in weak
            size = int(row["cells"]) // (1 if row["kind"] == "strong" else row["cores"])
            experiment = (row["kind"], row["recipe"], row["genes"], row["peaks"], size, phase)
            add_ratios(row, base.setdefault(experiment, row))
            out.append(row)
    return out


def text(value):
    if not isinstance(value, float):
        return value
    return f"{value:.0f}" if value.is_integer() and value >= 1000 else f"{value:.6g}"


def main():
    about = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    about.add_argument("folder", nargs="+", help="OUT of strong.sh or weak.sh")
    about.add_argument("-o", "--output", default="scaling.csv")
    given = about.parse_args()
    groups = {}
    for folder in given.folder:
        for facts in sorted(glob.glob(os.path.join(glob.escape(folder), "runs", "*", "facts"))):
            run = read_run(os.path.dirname(facts))
            groups.setdefault(tuple(run[0][k] for k in KEY), []).append(run)
    if not groups:
        sys.exit(f"{given.folder[0]}: no runs")
    with open(given.output, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        for row in table(groups):
            out.writerow({k: text(row[k]) for k in COLUMNS})


main()
