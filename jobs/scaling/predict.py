#!/usr/bin/env python3
"""PREDICTED seconds on many ranks, from measured rates, played steps and counted messages.

  predict.py --measured scaling.csv --counted counted.csv --played played.csv -o predicted.csv
  predict.py --checked counted.csv --played played.csv   messages of played ranks beside counted
  predict.py --simulated simulated.csv         the model beside SimGrid, operation by operation

A phase takes, on p ranks,

  busy + rounds x latency + messages x overhead + bytes / bandwidth

In training, all four are those of a step of the busiest rank, played (play.py), times the
steps. busy of other phases: of the measured run, in proportion to the cells of a rank; rounds,
messages and bytes: those of a rank, counted on 2 to 64 ranks (collect.py) and carried on; see
`sent`. Phases that read counts also wait for the file system. Nothing in the output is a
measurement.
"""
import argparse
import csv
import math
import sys

NETWORKS = {  # seconds, bytes per second, seconds per message; smpi/*.xml are the same
    "infiniband": ("fat tree, 100 Gbit/s, 2 us", 2e-6, 12.5e9, 2e-7),
    "ethernet": ("one switch, 25 Gbit/s, 20 us", 2e-5, 3.125e9, 1e-6),
}
PHASES = ["read", "prepare", "train", "embed", "graph", "cluster", "other"]
COUNTS = ["rounds", "messages", "sent_bytes"]
CELL_BYTES = 10600   # of the stored counts of a cell: 1,322 of them, value and place
FILE_SYSTEM = 10e9   # bytes per second, shared by all ranks
EXACT_CELLS = 1e5    # up to here neighbours are searched exactly, every rank seeing all rows
BUCKET_BYTES = 3000  # beyond: of a cell, its row to 6 buckets and their 15 finds back
GATHERS = 2          # of a step over lanes: embeddings of the batch, for the loss over pairs
GATHER_BYTES = 200   # of a cell in each: 50 axes
RING_BYTES = 5e5     # from here on Open MPI gathers around a ring, a round for every rank
ROOT_CELLS = 5e4     # of a graph with 2^20 entries, which rank 0 clusters alone


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def line(points):
    """Least squares y = a + b x."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mx) ** 2 for x, _ in points)
    b = sum((x - mx) * (y - my) for x, y in points) / spread if spread else 0.0
    return my - b * mx, b


def nodes(n, ranks):
    """Mean number of nodes of the tree over n items that a rank's part makes up."""
    def cover(low, high, a, b):
        if b <= low or a >= high:
            return 0
        if a <= low and high <= b:
            return 1
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        return cover(low, middle, a, b) + cover(middle, high, a, b)

    n = int(n)
    parts = [(n // ranks * r + min(r, n % ranks)) for r in range(ranks + 1)]
    return sum(cover(0, n, parts[r], parts[r + 1]) for r in range(ranks)) / ranks


class Counted:
    """What a rank sends in a phase, on any number of ranks."""

    def __init__(self, rows):
        self.cells, self.steps = float(rows[0]["cells"]), float(rows[0]["steps"])
        self.most = max(int(r["ranks"]) for r in rows)
        self.rows = {(r["phase"], int(r["ranks"])): r for r in rows if int(r["ranks"]) > 1}
        if len({p for _, p in self.rows}) < 2:
            sys.exit("counted runs on two numbers of ranks or more are needed")

    def of(self, phase, column):
        """(ranks, count of a rank)"""
        return [(p, float(r[column]) / p) for (name, p), r in self.rows.items()
                if name == phase]

    def rounds(self, phase, p):
        """A few for every doubling."""
        a, b = line([(math.log2(n), q) for n, q in self.of(phase, "rounds")])
        return max(0.0, a + b * math.log2(p))

    def power(self, phase, column, p):
        here = [(math.log(n), math.log(q)) for n, q in self.of(phase, column) if q > 0]
        if len(here) < 2:
            return 0.0
        a, b = line(here)
        return math.exp(a + b * math.log(p))

    def agreements(self, p):
        """Rounds of a step outside its sums."""
        of_part = {k: dict(self.of(k, "rounds")) for k in ("train", "steps", "checkpoint")}
        a, b = line([(math.log2(n), (q - of_part["steps"][n] - of_part["checkpoint"][n]) /
                      self.steps) for n, q in of_part["train"].items()])
        return max(0.0, a + b * math.log2(p))


class Measured:
    def __init__(self, rows):
        strong = [r for r in rows if r["kind"] == "strong" and r["threads"] == "1"]
        self.one = {r["phase"]: r for r in strong if r["ranks"] == "1"}
        self.two = {r["phase"]: r for r in strong if r["ranks"] == "2"}
        if not self.one or not self.two:
            sys.exit("measured runs of 1x1 and 2x1 are needed")
        self.recipe, self.cells = self.one["train"]["recipe"], float(self.one["train"]["cells"])
        self.epochs = float(self.one["train"]["epochs"])

    def busy(self, phase, p, cells):
        """What two ranks did that one need not is done by more ranks too."""
        two = 2 * float(self.two[phase]["max_busy_s"])
        per_cell = (float(self.one[phase]["max_busy_s"]) if p == 1 else two) / self.cells
        if phase in ("read", "checkpoint"):  # as long for any number of cells
            return float(self.two[phase]["max_busy_s"])
        if phase == "cluster":
            alone = min(cells, ROOT_CELLS)
            return float(self.one[phase]["max_busy_s"]) / self.cells * alone + \
                per_cell * (cells - alone) / p
        return per_cell * cells / p

    def sent_per_cell(self, phase):
        """Of the cells that a rank holds, to one other; of two ranks half stays."""
        return float(self.two[phase]["sent_bytes"]) / 2 / (self.cells / 2) * 2


def sent(counted, measured, phase, p, cells):
    """Rounds, messages and bytes of a rank; none where it is alone."""
    if p == 1:
        return 0.0, 0.0, 0.0
    rounds = counted.rounds(phase, p)
    messages = counted.power(phase, "messages", p)
    others = (p - 1) / p
    if phase == "prepare":  # sums over cells, cut into columns: nodes of the tree to owners
        last, base = counted.rows[phase, counted.most], counted.most
        more = (nodes(cells, p) + 1) / (nodes(counted.cells, base) + 1)
        messages = float(last["messages"]) / base * more * (p - 1) / (base - 1)
        total = float(last["sent_bytes"]) / base * more * others * base / (base - 1)
    elif phase in ("embed", "other"):  # counts of a rank's cells, spread over the grid
        total = measured.sent_per_cell(phase) * cells / p * others
    elif phase == "graph" and cells > EXACT_CELLS:
        total = BUCKET_BYTES * cells / p * others
    elif phase == "graph":
        total = measured.sent_per_cell(phase) / 2 * cells * others
    else:
        total = counted.power(phase, "sent_bytes", p) * cells / counted.cells
    return rounds, messages, total


class Played:
    """Steps of the busiest rank; beyond what was played, along a line in the ranks."""

    def __init__(self, rows):
        self.rows = {}
        for r in rows:
            self.rows.setdefault((r["kind"], r["asked"]), []).append(r)
        for kind in ("strong", "weak"):
            one = [r for r in self.rows.get((kind, "auto"), []) if r["ranks"] == "1"]
            for asked in ("features", "lanes"):
                self.rows.setdefault((kind, asked), [])[:0] = one

    def most(self, kind, asked):
        return max((int(r["ranks"]) for r in self.rows.get((kind, asked), [])), default=0)

    def value(self, row, column):
        """Seconds as if the rank alone had been as fast in every row of its batch."""
        if column != "step_s":
            return float(row[column])
        alone = min(float(r["alone_s"]) for rows in self.rows.values() for r in rows
                    if r["batch"] == row["batch"])
        return float(row["step_s"]) * alone / float(row["alone_s"])

    def at(self, kind, asked, p):
        """Seconds, rounds, messages, bytes of a step; grid; was it played?"""
        rows = sorted(self.rows[kind, asked], key=lambda r: int(r["ranks"]))
        columns = ["step_s"] + COUNTS
        for r in rows:
            if int(r["ranks"]) == p:
                return [self.value(r, c) for c in columns], r["grid"], True
        ends = rows[-2:]
        out = []
        for c in columns:
            scale = math.log2 if c == "rounds" else float
            a, b = line([(scale(int(r["ranks"])), self.value(r, c)) for r in ends])
            out.append(max(0.0, a + b * scale(p)))
        feature_groups = int(ends[-1]["grid"].split("x")[1])
        return out, f"{p // feature_groups}x{feature_groups}", False


def train(counted, measured, played, kind, asked, p, steps, batch):
    """Compute, rounds, messages and bytes of training, with its checkpoint; grid."""
    (step, rounds, messages, total), grid, _ = played.at(kind, asked, p)
    rounds += counted.agreements(p) if p > 1 else 0
    lane_groups = int(grid.split("x")[0])
    if lane_groups > 1 and batch * GATHER_BYTES > RING_BYTES:
        rounds += GATHERS * (lane_groups - 1 - math.log2(lane_groups))
    last = sent(counted, measured, "checkpoint", p, counted.cells)
    compute = step * steps + measured.busy("checkpoint", p, 0)
    return compute, [x * steps + y for x, y in zip((rounds, messages, total), last)], grid


def predict(given):
    measured = Measured(rows_of(given.measured))
    counted = Counted([r for r in rows_of(given.counted) if r["kind"] == "strong"
                       and r["recipe"] == measured.recipe and r["threads"] == "1"])
    played = Played(rows_of(given.played))
    out = []
    for kind in ("strong", "weak"):
        for asked in ("auto", "features", "lanes"):
            # auto goes on to where the others end
            most = 1024 if asked == "auto" else played.most(kind, asked)
            for network in NETWORKS:
                for p in [2 ** k for k in range(11) if 2 ** k <= most]:
                    out += one(given, counted, measured, played, kind, asked, network, p)
    base = {(r["kind"], r["grid"], r["network"], r["phase"]): r for r in out
            if r["ranks"] == 1}
    for r in out:
        first = base[r["kind"], r["grid"], r["network"], r["phase"]]
        share = 1 / r["ranks"] if r["kind"] == "strong" else 1
        r["efficiency"] = first["seconds"] / r["seconds"] * share
        r["what"] = "predicted"
        r["description"] = NETWORKS[r["network"]][0]
    with open(given.output, "w", newline="") as file:
        write = csv.DictWriter(file, list(out[0]), lineterminator="\n")
        write.writeheader()
        for r in out:
            write.writerow({k: f"{v:.6g}" if isinstance(v, float) else v
                            for k, v in r.items()})


def one(given, counted, measured, played, kind, asked, network, p):
    """The phases of a run, and their total."""
    cells = given.cells if kind == "strong" else given.cells_per_rank * p
    batch = float([r for r in played.rows[kind, "auto"] if r["ranks"] == "1"][0]["batch"])
    batch *= 1 if kind == "strong" else p
    steps = cells * measured.epochs / batch
    _, latency, bandwidth, overhead = NETWORKS[network]
    whole = dict(kind=kind, recipe=measured.recipe, grid=asked, shape="", network=network,
                 ranks=p, cells=given.cells if kind == "strong" else given.cells_per_rank,
                 phase="total", seconds=0.0, compute_s=0.0, files_s=0.0, latency_s=0.0,
                 overhead_s=0.0, bandwidth_s=0.0)
    out = []
    for phase in PHASES:
        if phase == "train":
            compute, counts, whole["shape"] = train(counted, measured, played, kind, asked, p,
                                                    steps, batch)
        else:
            compute = measured.busy(phase, p, cells)
            counts = sent(counted, measured, phase, p, cells)
        reads = phase in ("prepare", "embed")
        files = max(0.0, cells * CELL_BYTES / FILE_SYSTEM - compute) if reads else 0.0
        rounds, messages, total = counts
        row = dict(whole, phase=phase, compute_s=compute, files_s=files,
                   latency_s=rounds * latency, overhead_s=messages * overhead,
                   bandwidth_s=total / bandwidth)
        row["seconds"] = sum(row[k] for k in row if k.endswith("_s"))
        for k in row:
            if k.endswith("_s") or k == "seconds":
                whole[k] += row[k]
        out.append(row)
    for row in out:
        row["shape"] = whole["shape"]
    return out + [whole]


def model(operation, p, size, network):
    """Seconds of one operation of src/comm, as the formulas of the phases see it."""
    _, latency, bandwidth, overhead = NETWORKS[network]
    levels = math.ceil(math.log2(p))
    if operation == "agree":
        return levels * latency
    if operation == "sum" and size <= 16 << 10:
        return levels * (latency + size / bandwidth)
    if operation == "sum":
        return 2 * levels * latency + 2 * size * (p - 1) / p / bandwidth
    if operation == "exchange":
        return (levels + 1) * latency + (p - 1) * overhead + size * (p - 1) / p / bandwidth
    if operation == "gather" and size * p > RING_BYTES:
        return levels * latency + (p - 1) * (latency + size / bandwidth)
    if operation == "gather":
        return 2 * levels * latency + size * (p - 1) / bandwidth
    sys.exit(f"no formula for {operation}")


def beside_simgrid(path):
    print("network,operation,ranks,bytes,simulated_s,model_s,ratio")
    for r in rows_of(path):
        m = model(r["operation"], int(r["ranks"]), float(r["bytes"]), r["network"])
        s = float(r["seconds"])
        print(f"{r['network']},{r['operation']},{r['ranks']},{r['bytes']},{s:.3g},{m:.3g},"
              f"{m / s:.2f}")


def beside_counted(counted, played):
    """A step of the played, busiest rank and the mean of the ranks of a run."""
    print("ranks,grid," + ",".join(f"counted_{c},played_{c}" for c in COUNTS))
    for p in sorted({int(r["ranks"]) for r in played}):
        steps = [r for r in counted if r["phase"] == "steps" and int(r["ranks"]) == p]
        for r in played:
            if steps and int(r["ranks"]) == p and r["asked"] == "auto":
                mean = [float(steps[0][c]) / p / float(steps[0]["steps"]) for c in COUNTS]
                print(f"{p},{r['grid']}," + ",".join(
                    f"{m:.1f},{float(r[c]):.0f}" for m, c in zip(mean, COUNTS)))


def main():
    about = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    about.add_argument("--measured", help="scaling.csv with strong runs on 1x1 and 2x1")
    about.add_argument("--counted", help="scaling.csv of few cells on 2 ranks and more")
    about.add_argument("--played", help="output of play.py")
    about.add_argument("--checked", help="--counted, whose batch and lanes were --played")
    about.add_argument("--simulated", help="output of smpi/simulate.sh")
    about.add_argument("--cells", type=float, default=1e6, help="strong (1e6)")
    about.add_argument("--cells-per-rank", type=float, default=1e4, help="weak (1e4)")
    about.add_argument("-o", "--output", default="predicted.csv")
    given = about.parse_args()
    if given.simulated:
        beside_simgrid(given.simulated)
    elif given.checked and given.played:
        beside_counted(rows_of(given.checked), rows_of(given.played))
    elif given.measured and given.counted and given.played:
        predict(given)
    else:
        about.error("give --measured, --counted and --played, or --checked and --played, or "
                    "--simulated")


main()
