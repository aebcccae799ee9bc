#!/bin/sh
# The shipped experiments of scaling on few cells: one table with every phase, whose ratios
# are those of its seconds, the same model and clusters on any number of ranks, figures.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
python_with h5py,matplotlib || python_with matplotlib || python_with csv || {
  skip "scaling" "no Python"
  finish
}
jobs=$top_srcdir/jobs/scaling
REGATTA=$regatta
OUT=$scratch/scaling GENES=100 PEAKS=400 BATCH=32 EPOCHS=1 REPEATS=1 LANES=8 RECIPE=sailerx
MPIEXEC=${MPIEXEC:-mpirun} CONFIGS="1x1 2x1" PYTHON=$python
export REGATTA OUT GENES PEAKS BATCH EPOCHS REPEATS LANES RECIPE MPIEXEC CONFIGS PYTHON
CELLS=160 timeout -k 5 120 sh "$jobs/strong.sh" >"$scratch/strong.log" 2>&1
same $? 0 "strong.sh: exit code 0"
CELLS=80 timeout -k 5 120 sh "$jobs/weak.sh" >"$scratch/weak.log" 2>&1
same $? 0 "weak.sh: exit code 0"
cat "$scratch/strong.log" "$scratch/weak.log" | sed 's/^/# /'

"$PYTHON" - "$OUT/scaling.csv" <<'END' >"$scratch/wrong"
import csv
import sys

rows = list(csv.DictReader(open(sys.argv[1])))
table = {(r["kind"], r["ranks"], r["phase"]): r for r in rows}
wanted = {"read", "prepare", "train", "graph", "cluster", "total"}


def near(a, b, what):
    if abs(float(a) - float(b)) > 1e-3 * abs(float(b)) + 2e-6:
        print(what, a, b)


for kind in "strong", "weak":
    for ranks in "1", "2":
        have = {p for k, n, p in table if (k, n) == (kind, ranks)}
        if not wanted <= have:
            print(kind, ranks, "lacks", wanted - have)
        for phase in have:
            r, base = table[kind, ranks, phase], table[kind, "1", phase]
            where = f"{kind} {ranks} {phase}"
            if float(r["max_s"]) <= 0:
                continue
            share = 1 / int(ranks) if kind == "strong" else 1
            near(r["efficiency"], float(base["max_s"]) / float(r["max_s"]) * share,
                 where + ": efficiency")
            near(r["cells_per_s"], int(r["cells"]) * int(r["epochs"] if phase == "train" else 1)
                 / float(r["max_s"]), where + ": cells/s")
            busy = float(r["mean_s"]) - float(r["wait_s"])
            if busy > 1e-4:
                near(r["imbalance"], max(1, float(r["max_busy_s"]) / busy), where + ": imbalance")
            if not float(r["min_s"]) <= float(r["mean_s"]) <= float(r["max_s"]):
                print(where, "min, mean, max")
            if r["sent_bytes"] != r["received_bytes"]:
                print(where, "bytes sent are not those received")
            if (ranks == "1") != (int(r["sent_bytes"]) == 0) and phase in wanted:
                print(where, "bytes", r["sent_bytes"])
            if not int(r["peak_memory_bytes"]) >= int(r["peak_memory_min_bytes"]) > 1 << 20:
                print(where, "memory")
    if kind == "strong" and len({(r["parameters"], r["clusters"], r["labels"])
                                 for r in rows if r["kind"] == kind}) != 1:
        print("the model or the clusters depend on the ranks")
if any(not r["commit"] or not r["host"] for r in rows):
    print("a row without commit or host")
END
same "$? $(cat "$scratch/wrong")" "0 " "the table has every phase, and its ratios are right"

if "$PYTHON" -c 'import matplotlib' 2>/dev/null; then
  bad=
  for name in strong weak phases imbalance; do
    for kind in png svg; do
      test -s "$OUT/$name.$kind" || bad="$bad $name.$kind"
    done
  done
  same "$bad" "" "figures"
else
  skip "figures" "no matplotlib"
fi

"$PYTHON" "$jobs/play.py" "$OUT/cells-160.h5mu" --batch 32 --lanes 8 --strong 2 --weak 1 \
  --batch-per-rank 16 --seconds 0.05 -o "$scratch/played.csv" >"$scratch/out" 2>&1
same "$? $(cut -d, -f1-4 "$scratch/played.csv" | tr '\n' ' ')" "0 kind,asked,ranks,grid \
strong,auto,1,1x1 strong,auto,2,1x2 strong,features,2,1x2 strong,lanes,2,2x1 weak,auto,1,1x1 " "play.py: grids"
"$PYTHON" "$jobs/predict.py" --checked "$OUT/scaling.csv" --played "$scratch/played.csv" \
  >"$scratch/checked"
same "$(awk -F, '$1 == 2 { print $2, ($3 > 0 && $3 == $4) }' "$scratch/checked")" "1x2 1" \
  "the rounds of a played step are those counted"

if command -v smpicc >/dev/null && command -v smpirun >/dev/null; then
  OPERATIONS="agree:0:1 sum:400:1 gather:400:1" timeout -k 5 100 \
    sh "$jobs/smpi/simulate.sh" 2 >"$scratch/simulated.csv" 2>"$scratch/out"
  same "$? $(awk -F, '$5 > 1e-7 && $5 < 1e-3' "$scratch/simulated.csv" | wc -l)" "0 6" \
    "the program's communication in SimGrid"
else
  skip "the program's communication in SimGrid" "no SimGrid"
fi

timers=$OUT/runs/weak-2x1-1/timers.csv
grep -v '^cluster,' "$timers" >"$scratch/less" && cp "$scratch/less" "$timers"
"$PYTHON" "$jobs/collect.py" "$OUT" -o "$scratch/none.csv" >"$scratch/out" 2>&1
same "$? $(grep -c 'no phase cluster' "$scratch/out")" "1 1" "a missing phase is an error"
CONFIGS=2 sh "$jobs/strong.sh" >"$scratch/out" 2>&1
same $? 2 "a configuration without threads: exit code 2"
finish
