#!/usr/bin/env python3
"""Training steps of the busiest of many ranks, played on one core: play.py FILE -o played.csv

`regatta plan` holds what the busiest rank of RANKS would hold and takes its steps alone; what
it would send to the others is counted, not sent. A row is a grid; strong: the batch is the
same for all, weak: it grows with the ranks. step_s: seconds of a step without messages;
alone_s: of the whole batch on one rank, a moment later. The file needs as many cells as the
largest batch has.
"""
import argparse
import csv
import json
import os
import subprocess
import sys

COLUMNS = ["kind", "asked", "ranks", "grid", "lanes", "batch", "step_s", "alone_s", "rounds",
           "messages", "sent_bytes"]


def plan(given, ranks, grid, batch, lanes):
    command = [given.regatta, "plan", given.file, "--recipe", given.recipe, "--json",
               "--ranks", str(ranks), "--sample", str(max(2 * batch, 4096)),
               "--seconds", str(given.seconds), "--set", f"train.grid={grid}",
               "--set", f"train.batch={batch}", "--set", f"train.lanes={lanes}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True,
                          check=False, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    return json.loads(done.stdout)


def play(given, kind, ranks, grid, batch, lanes):
    """The row of a grid."""
    found = plan(given, ranks, grid, batch, lanes)
    alone = found.get("one_rank", found["planned"])["phases"][0]["step_s"]
    phase = found["planned"]["phases"][0]
    return dict(kind=kind, asked=grid, ranks=ranks, grid=found["planned"]["grid"],
                lanes=lanes, batch=batch, step_s=phase["step_s"], alone_s=alone,
                rounds=phase["rounds_per_step"], messages=phase["messages_per_step"],
                sent_bytes=phase["sent_bytes_per_step"])


def main():
    about = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    about.add_argument("file", help="cells, as strong.sh leaves them in OUT")
    about.add_argument("-o", "--output", default="played.csv")
    about.add_argument("--regatta", default=os.environ.get("REGATTA", "regatta"))
    about.add_argument("--recipe", default="sailerx")
    about.add_argument("--batch", type=int, default=4096, help="strong (4096)")
    about.add_argument("--lanes", type=int, default=64, help="strong (64)")
    about.add_argument("--batch-per-rank", type=int, default=128, help="weak (128)")
    about.add_argument("--strong", type=int, default=1024, help="ranks at most (1024)")
    about.add_argument("--weak", type=int, default=128, help="ranks at most (128)")
    about.add_argument("--seconds", type=float, default=3, help="of steps a run (3)")
    given = about.parse_args()
    with open(given.output, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        for kind, most in (("strong", given.strong), ("weak", given.weak)):
            ranks = 1
            while ranks <= most:
                batch, lanes = given.batch, given.lanes
                if kind == "weak":
                    batch, lanes = given.batch_per_rank * ranks, max(8, ranks)
                grids = ["auto"] if ranks == 1 else ["auto", "features"]
                if 1 < ranks <= lanes:
                    grids.append("lanes")
                for grid in grids:
                    row = play(given, kind, ranks, grid, batch, lanes)
                    out.writerow({k: f"{v:.6g}" if isinstance(v, float) else v
                                  for k, v in row.items()})
                file.flush()
                ranks *= 2


main()
