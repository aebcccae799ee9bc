#!/usr/bin/env python3
"""PREDICTED seconds on many ranks, from measured rates and counted messages.

  predict.py --measured scaling.csv --counted counted.csv -o predicted.csv
  predict.py --simulated simulated.csv         the model beside SimGrid, operation by operation

A phase takes, on p ranks,

  busy / min(p, cap) + rounds x latency + messages x overhead + bytes / bandwidth

busy: processor seconds of the measured run on one rank, in proportion to the cells; rounds,
messages and bytes: those of a rank, counted on 2 ranks and more (collect.py), carried on to p
by a line through their logarithms; cap: what the phase can be cut into. Reading also waits
for the file system. Nothing in the output is a measurement.
"""
import argparse
import csv
import math
import sys

NETWORKS = {  # seconds, bytes per second, seconds per message; smpi/*.xml are the same
    "infiniband": ("fat tree, 100 Gbit/s, 2 us", 2e-6, 12.5e9, 2e-7),
    "ethernet": ("one switch, 25 Gbit/s, 20 us", 2e-5, 3.125e9, 1e-6),
}
PHASES = ["read", "prepare", "train", "graph", "cluster"]
BLOCKS = 22          # chromosomes: what the grid of features can be cut into
FILE_BYTES = 8       # of a stored count in the file
FILE_SYSTEM = 10e9   # bytes per second, shared by all ranks


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


class Counted:
    """What a rank sends in a phase, on any number of ranks."""

    def __init__(self, rows):
        self.cells, self.batch = float(rows[0]["cells"]), float(rows[0]["batch"])
        self.steps = float(rows[0]["steps"])
        self.features = float(rows[0]["genes"]) + float(rows[0]["peaks"])
        self.rows = [r for r in rows if int(r["ranks"]) > 1]
        if len(self.rows) < 2:
            sys.exit("counted runs on two numbers of ranks or more are needed")

    def at(self, phase, column, p):
        here = [(int(r["ranks"]), float(r[column]) / int(r["ranks"])) for r in self.rows
                if r["phase"] == phase]
        if column == "rounds":  # a few for every doubling
            a, b = line([(math.log2(n), q) for n, q in here])
            return max(0.0, a + b * math.log2(p))
        here = [(n, q) for n, q in here if q > 0]
        if len(here) < 2:
            return 0.0
        a, b = line([(math.log(n), math.log(q)) for n, q in here])
        return math.exp(a + b * math.log(p))


def communication(counted, phase, p, network, cells, steps, batch, features):
    """Seconds, and the parts of them: latency, overhead, bandwidth."""
    _, latency, bandwidth, overhead = NETWORKS[network]
    rounds, messages, sent = (counted.at(phase, c, p) for c in
                              ("rounds", "messages", "sent_bytes"))
    if phase == "train":  # per step; activations grow with the batch
        times = steps / counted.steps
        rounds, messages = rounds * times, messages * times
        sent *= times * batch / counted.batch
    elif phase == "prepare":  # sums over cells of what is kept per feature
        sent *= features / counted.features
    else:
        sent *= cells / counted.cells
    return rounds * latency, messages * overhead, sent / bandwidth


def predict(given):
    one = {r["phase"]: r for r in rows_of(given.measured)
           if r["kind"] == "strong" and r["ranks"] == "1" and r["threads"] == "1"}
    base = one["train"]
    # other work may have shared the machine: of the clock, what the processor gave
    given_share = min(1.0, float(base["cpu_s"]) / float(one["total"]["max_s"]))
    counted = Counted([r for r in rows_of(given.counted) if r["kind"] == "strong"
                       and r["recipe"] == base["recipe"] and r["threads"] == "1"])
    features = float(base["genes"]) + float(base["peaks"])
    stored = FILE_BYTES * (0.03 * float(base["peaks"]) + 0.3 * float(base["genes"]))
    out = []
    for kind in ("strong", "weak"):
        for network in NETWORKS:
            for p in [2 ** k for k in range(11)]:
                cells = given.cells if kind == "strong" else given.cells_per_rank * p
                batch = given.batch if kind == "strong" else given.batch / 32 * p
                steps = cells * float(base["epochs"]) / batch
                whole = dict(kind=kind, recipe=base["recipe"], network=network, ranks=p,
                             cells=given.cells if kind == "strong" else given.cells_per_rank,
                             phase="total", seconds=0.0, compute_s=0.0, latency_s=0.0,
                             overhead_s=0.0, bandwidth_s=0.0)
                for phase in PHASES:
                    busy = (float(one[phase]["max_busy_s"]) * given_share * cells /
                            float(base["cells"]))
                    cap = min(p, BLOCKS) if phase == "train" else p
                    parts = communication(counted, phase, p, network, cells, steps, batch,
                                          features) if p > 1 else (0.0, 0.0, 0.0)
                    compute = busy / cap
                    if phase == "read":
                        compute = max(compute, cells * stored / FILE_SYSTEM)
                    row = dict(whole, phase=phase, compute_s=compute, latency_s=parts[0],
                               overhead_s=parts[1], bandwidth_s=parts[2],
                               seconds=compute + sum(parts))
                    out.append(row)
                    for k in row:
                        if k.endswith("_s") or k == "seconds":
                            whole[k] += row[k]
                out.append(whole)
    base_of = {(r["kind"], r["network"], r["phase"]): r for r in out if r["ranks"] == 1}
    for r in out:
        first = base_of[r["kind"], r["network"], r["phase"]]
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
    if operation == "gather":
        return 2 * levels * latency + size * (p - 1) / bandwidth
    sys.exit(f"no formula for {operation}")


def beside(path):
    print("network,operation,ranks,bytes,simulated_s,model_s,ratio")
    for r in rows_of(path):
        m = model(r["operation"], int(r["ranks"]), float(r["bytes"]), r["network"])
        s = float(r["seconds"])
        print(f"{r['network']},{r['operation']},{r['ranks']},{r['bytes']},{s:.3g},{m:.3g},"
              f"{m / s:.2f}")


def main():
    about = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    about.add_argument("--measured", help="scaling.csv with a strong run on 1x1")
    about.add_argument("--counted", help="scaling.csv of few cells on 2 ranks and more")
    about.add_argument("--simulated", help="output of smpi/simulate.sh")
    about.add_argument("--cells", type=float, default=1e6, help="strong (1e6)")
    about.add_argument("--cells-per-rank", type=float, default=1e4, help="weak (1e4)")
    about.add_argument("--batch", type=float, default=4096,
                       help="strong; weak: a 32nd of it per rank (4096)")
    about.add_argument("-o", "--output", default="predicted.csv")
    given = about.parse_args()
    if given.simulated:
        beside(given.simulated)
    elif given.measured and given.counted:
        predict(given)
    else:
        about.error("give --measured and --counted, or --simulated")


main()
