#!/usr/bin/env python3
"""Figures of what collect.py and predict.py wrote: plot.py scaling.csv [-o FOLDER]

strong, weak: time and efficiency of each phase against the cores; phases: where the time
goes; imbalance: how unevenly ranks work, and how long they wait. Predictions get figures of
their own (predicted-strong, predicted-weak). PNG and SVG of each.
"""
import argparse
import csv
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

# Okabe and Ito: told apart with any kind of colour vision; markers and hatches beside them
STYLE = {
    "read": ("#0072B2", "o", ""), "prepare": ("#E69F00", "s", "//"),
    "train": ("#D55E00", "^", ""), "embed": ("#56B4E9", "v", "\\\\"),
    "graph": ("#009E73", "D", ".."), "cluster": ("#CC79A7", "P", "xx"),
    "umap": ("#F0E442", "X", ""), "other": ("#999999", "d", "--"),
    "total": ("#000000", "*", ""),
}
SHOWN = ["read", "prepare", "train", "embed", "graph", "cluster", "other", "total"]
GRIDS = {"features": ":", "lanes": "-."}  # beside auto, the total alone
plt.rcParams.update({"font.size": 11, "figure.dpi": 100, "savefig.dpi": 110, "svg.fonttype": "none",
                     "axes.spines.top": False, "axes.spines.right": False,
                     "svg.hashsalt": "regatta", "axes.axisbelow": True})


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key in row:
            try:
                row[key] = float(row[key])
            except (TypeError, ValueError):
                pass
    return rows


def name_of(row):
    return f"{row['ranks']:.0f}\u00d7{row['threads']:.0f}"


def save(figure, folder, name, right=1.0):
    figure.tight_layout(rect=(0, 0, right, 1))
    for kind in ("png", "svg"):
        # no date inside: the same data make the same file
        extra = {"metadata": {"Date": None}} if kind == "svg" else {}
        figure.savefig(os.path.join(folder, f"{name}.{kind}"), **extra)
    plt.close(figure)


def cores_axis(axis, cores):
    axis.set_xscale("log", base=2)
    axis.set_xticks(sorted(set(cores)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.grid(True, color="#dddddd", linewidth=0.6)


def seconds_axis(axis):
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))


def curves(rows, kind, folder, title):
    """Seconds and efficiency of the phases; runs of one thread a rank are joined."""
    rows = [r for r in rows if r["kind"] == kind]
    if not rows:
        return
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6))
    cores = [r["cores"] for r in rows]
    for phase in SHOWN:
        colour, marker, _ = STYLE[phase]
        ours = [r for r in rows if r["phase"] == phase and r["max_s"] != ""]
        pure = sorted((r for r in ours if r["threads"] == 1), key=lambda r: r["cores"])
        mixed = [r for r in ours if r["threads"] != 1]
        for axis, column in zip(axes, ("max_s", "efficiency")):
            axis.plot([r["cores"] for r in pure], [r[column] for r in pure], color=colour,
                      marker=marker, markersize=7, label=phase)
            axis.plot([r["cores"] for r in mixed], [r[column] for r in mixed], color=colour,
                      marker=marker, markersize=9, markerfacecolor="none", linestyle="none")
    whole = [r for r in rows if r["phase"] == "total" and r["cores"] == min(cores)][0]
    ends = [min(cores), max(cores)]
    fall = (lambda c: min(cores) / c) if kind == "strong" else (lambda c: 1)
    axes[0].plot(ends, [whole["max_s"] * fall(c) for c in ends], color="#000000",
                 linestyle=":", label="ideal (total)")
    axes[1].axhline(1, color="#000000", linestyle=":")
    seconds_axis(axes[0])
    axes[0].set_ylabel("seconds (slowest rank, median)")
    axes[1].set_ylabel("efficiency")
    axes[1].set_ylim(0, max(1.2, 1.05 * max(r["efficiency"] or 0 for r in rows)))
    for axis in axes:
        cores_axis(axis, cores)
        axis.set_xlabel("cores (filled: ranks of one thread; open: threads)")
    axes[1].legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncol=3,
                   loc="lower left")
    figure.suptitle(title, fontsize=12)
    save(figure, folder, kind)


def bars(rows, folder, title):
    """The stack of phases of every configuration."""
    kinds = [k for k in ("strong", "weak") if any(r["kind"] == k for r in rows)]
    figure, axes = plt.subplots(1, len(kinds), figsize=(5.5 * len(kinds), 4.8),
                                squeeze=False)
    for axis, kind in zip(axes[0], kinds):
        ours = [r for r in rows if r["kind"] == kind]
        names = list(dict.fromkeys(name_of(r) for r in ours))
        bottom = [0.0] * len(names)
        for phase in [p for p in STYLE if p != "total" and p in {r["phase"] for r in ours}]:
            height = {name_of(r): r["mean_s"] for r in ours if r["phase"] == phase}
            values = [height.get(n, 0.0) for n in names]
            colour, _, hatch = STYLE[phase]
            axis.bar(names, values, bottom=bottom, color=colour, hatch=hatch, label=phase,
                     edgecolor="white", linewidth=0.5, width=0.65)
            bottom = [b + v for b, v in zip(bottom, values)]
        axis.set_title(kind, fontsize=11)
        axis.set_xlabel("ranks \u00d7 threads")
        axis.set_ylabel("seconds (mean over ranks)")
        axis.grid(True, axis="y", color="#dddddd", linewidth=0.6)
    handles, labels = axes[0][-1].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], frameon=False, fontsize=9,
                  loc="center right")
    figure.suptitle(title, fontsize=12)
    save(figure, folder, "phases", right=0.87)


def imbalance(rows, folder, title):
    rows = [r for r in rows if r["ranks"] > 1 and r["phase"] in SHOWN]
    if not rows:
        return
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6))
    names = list(dict.fromkeys(f"{r['kind']} {name_of(r)}" for r in rows))
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        ours = {r["phase"]: r for r in rows if f"{r['kind']} {name_of(r)}" == name}
        x = [i + (k - (len(names) - 1) / 2) * width for i in range(len(SHOWN))]
        grey = str(0.15 + 0.6 * k / max(1, len(names) - 1))
        axes[0].bar(x, [ours[p]["imbalance"] or 1 for p in SHOWN], width, color=grey,
                    label=name, edgecolor="white")
        axes[1].bar(x, [ours[p]["wait_s"] / ours[p]["mean_s"] if ours[p]["mean_s"] else 0
                        for p in SHOWN], width, color=grey, edgecolor="white")
    axes[0].axhline(1, color="#000000", linestyle=":")
    axes[0].set_ylabel("imbalance: most / mean busy seconds")
    axes[1].set_ylabel("share of the time that ranks wait")
    axes[0].set_ylim(bottom=0.9)
    axes[1].set_ylim(0, 1)
    for axis in axes:
        axis.set_xticks(range(len(SHOWN)))
        axis.set_xticklabels(SHOWN)
        axis.grid(True, axis="y", color="#dddddd", linewidth=0.6)
    axes[0].legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=12)
    save(figure, folder, "imbalance")


def predicted(rows, folder):
    """A panel per network: seconds of the phases, PREDICTED; hollow markers, dashes."""
    for kind in ("strong", "weak"):
        ours = [r for r in rows if r["kind"] == kind]
        networks = list(dict.fromkeys(r["network"] for r in ours))
        if not ours:
            continue
        figure, axes = plt.subplots(1, len(networks), figsize=(5.5 * len(networks), 4.8),
                                    sharey=True, squeeze=False)
        for axis, network in zip(axes[0], networks):
            every = [r for r in ours if r["network"] == network]
            here = [r for r in every if r["grid"] == "auto"]
            for phase in SHOWN:
                colour, marker, _ = STYLE[phase]
                line = sorted((r for r in here if r["phase"] == phase),
                              key=lambda r: r["ranks"])
                axis.plot([r["ranks"] for r in line], [r["seconds"] for r in line],
                          color=colour, marker=marker, markerfacecolor="none", label=phase,
                          linestyle="--", linewidth=1.2)
            for grid, dashes in GRIDS.items():
                line = sorted((r["ranks"], r["seconds"]) for r in every
                              if r["phase"] == "total" and r["grid"] == grid)
                axis.plot([x for x, _ in line], [y for _, y in line], color="#777777",
                          linestyle=dashes, linewidth=1.6, label=f"total, {grid}")
            axis.set_title(network, fontsize=10)
            seconds_axis(axis)
            cores_axis(axis, [r["ranks"] for r in here])
            axis.tick_params(axis="x", labelrotation=60)
            axis.set_xlabel("ranks of one thread")
        axes[0][0].set_ylabel("seconds, predicted")
        figure.legend(*axes[0][0].get_legend_handles_labels(), frameon=False, fontsize=9,
                      loc="center right")
        figure.suptitle(f"PREDICTED, not measured: {kind} scaling of {ours[0]['recipe']}, "
                        f"{ours[0]['cells']:,.0f} cells"
                        f"{' per rank' if kind == 'weak' else ''}", fontsize=12)
        save(figure, folder, f"predicted-{kind}", right=0.86)


def main():
    about = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    about.add_argument("table", help="scaling.csv of collect.py, or predicted.csv")
    about.add_argument("-o", "--output", default=".", help="folder of the figures")
    given = about.parse_args()
    rows = read(given.table)
    os.makedirs(given.output, exist_ok=True)
    if "network" in rows[0]:
        predicted(rows, given.output)
        return
    what = (f"{rows[0]['recipe']}, measured on {rows[0]['host']} ({rows[0]['cpu']}), "
            f"commit {rows[0]['commit']}")
    curves(rows, "strong", given.output, "strong scaling: " + what)
    curves(rows, "weak", given.output, "weak scaling: " + what)
    bars(rows, given.output, "where the time goes: " + what)
    imbalance(rows, given.output, "how even the ranks are: " + what)


main()
