#!/bin/sh
# A training that is stopped or killed at any step and goes on, on other ranks too, ends
# with the parameters of the undisturbed one.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 300 --genes 200 --peaks 900 \
  --chromosomes 5 --seed 4 >/dev/null 2>&1
train() { # RUN RANKS OPTIONS...
  run=$1 ranks=$2
  shift 2
  on "$ranks" train "$scratch/a.h5mu" -o "$scratch/$run" --batch batch --resume \
    --set train.batch=32 --set sailerx.epochs=4 --set train.checkpoint_epochs=1 "$@"
}
train whole 1
ok $? "an undisturbed training"
whole=$(hash_of "$scratch/whole")
curve=$(cut -d, -f1-4,6- "$scratch/whole/metrics.csv" | cksum)

# stopped after so many steps, in the middle of epochs and at their ends
ranks_of() { set -- $1; echo $(($1 % 4 + 1)); }
for steps in 1 9 13 19 30; do
  run=stop-$steps
  train $run "$(ranks_of "$steps")" --set "train.max_steps=$steps"
  same $? 75 "stopped at step $steps: exit code 75"
  same "$(cat "$scratch/$run/STATUS")" stopped "stopped at step $steps: STATUS"
  train $run $(((steps + 1) % 4 + 1))
  same "$(hash_of "$scratch/$run")" "$whole" \
    "stopped at step $steps on $(ranks_of "$steps") ranks, resumed on $(((steps + 1) % 4 + 1))"
done
same "$(cut -d, -f1-4,6- "$scratch/stop-13/metrics.csv" | cksum)" "$curve" \
  "the losses on record are those of the undisturbed training"

# what was logged behind the checkpoint is logged anew, not twice
steps_of() { sed 's/^{"step":\([0-9]*\),.*/\1/' "$scratch/$1/log.jsonl" | tr '\n' ' '; }
cp -R "$scratch/whole" "$scratch/back"
rm -r "$(find "$scratch/back/ckpt" -name 'step_*' | sort | tail -n 1)"
train back 1
same "$(hash_of "$scratch/back")" "$whole" "from the checkpoint before the last"
same "$(steps_of back)" "$(steps_of whole)" "log.jsonl has every step once"

# what was said is not forgotten: only the limits of a call have to be said again
train bare 1 --set train.max_steps=9
on 2 train "$scratch/a.h5mu" -o "$scratch/bare" --resume
same "$? $(hash_of "$scratch/bare")" "0 $whole" "resumed without its options"
on 1 train "$scratch/a.h5mu" -o "$scratch/bare" --resume --recipe sailer
same $? 3 "another recipe cannot go on with it: exit code 3"

# a file asks to stop
mkdir -p "$scratch/asked"
: >"$scratch/asked/stop"
train asked 2
same $? 75 "the file stop ends the training"
rm "$scratch/asked/stop"
train asked 1
same "$(hash_of "$scratch/asked")" "$whole" "it goes on without the file"

# a signal asks to stop; mpirun hands SIGUSR1 on to the ranks
train signal 2 --set sailerx.epochs=4000 &
while ! test -s "$scratch/signal/log.jsonl"; do sleep 0.1; done
pkill -USR1 -f "^$regatta train .*-o $scratch/signal "
wait $!
same $? 75 "SIGUSR1 ends the training with exit code 75"
same "$(cat "$scratch/signal/STATUS")" stopped "SIGUSR1: STATUS"

# a signal that comes as soon as it is caught, while the file is read: nothing is lost
early() {
  train early 1 --set train.max_hours=1
}
early &
pid=
until test -n "$pid"; do
  for p in $(pgrep -f "^$regatta train .*-o $scratch/early "); do
    caught=$(sed -n 's/^SigCgt:.*\(.\{3\}\)$/\1/p' "/proc/$p/status" 2>/dev/null)
    case $caught in [2367abef]??) pid=$p ;; esac # SIGUSR1 is bit 9
  done
done
kill -USR1 "$pid"
wait $!
same $? 75 "SIGUSR1 before the training: exit code 75"
train early 1
same "$(hash_of "$scratch/early")" "$whole" "SIGUSR1 before the training, resumed"

# regatta run: done is what STATUS says when all is, and a stop waits for a stage to end
pipeline() {
  on 2 run "$scratch/a.h5mu" -o "$scratch/all" --batch batch --resume --set train.batch=32 \
    --set sailerx.epochs=2
}
RG_FAULT=h5.rename pipeline
test $? -ne 0 && test -s "$scratch/all/metrics.csv"
ok $? "regatta run: results that cannot be written end it"
same "$(cat "$scratch/all/STATUS")" failed "regatta run: STATUS after results that fail"
: >"$scratch/all/stop"
pipeline
same $? 75 "regatta run: a stop after the training: exit code 75"
grep -q "stopped on request before embed" "$scratch/err"
ok $? "regatta run: a stop after the training is named"
same "$(cat "$scratch/all/STATUS")" stopped "regatta run: a stop after the training: STATUS"
rm "$scratch/all/stop"
pipeline
same $? 0 "regatta run: it goes on"
same "$(cat "$scratch/all/STATUS")" done "regatta run: STATUS at the end"

# a signal in the report, which waits for a pipe in the place of a file that it reads
told() {
  on 2 run "$scratch/a.h5mu" -o "$scratch/told" --set train.batch=32 --set sailerx.epochs=1
}
told &
until mv "$scratch/told/commands.jsonl" "$scratch/commands" 2>/dev/null; do sleep 0.05; done
mkfifo "$scratch/told/commands.jsonl"
for _ in $(seq 600); do
  ! grep -q '^umap' "$scratch/told/timers.csv" 2>/dev/null || break
  sleep 0.05
done
pkill -USR1 -f "^$regatta run .*-o $scratch/told "
same "$(cat "$scratch/told/STATUS")" running "regatta run: STATUS before the report is there"
timeout 60 sh -c 'cat "$1" >"$2"' - "$scratch/commands" "$scratch/told/commands.jsonl"
wait $!
same "$?, $(cat "$scratch/told/STATUS")" "0, done" "SIGUSR1 in the report: it is ended"
test -s "$scratch/told/report.html" && ! grep -q "has not ended" "$scratch/told/report.html"
ok $? "SIGUSR1 in the report: the page is there and does not say that it was not ended"

# killed without warning, at a fault in the middle of a checkpoint
for point in vault.write:3 vault.rename:2; do
  run=fault-$(echo $point | tr .: --)
  RG_FAULT=$point train $run 2
  test $? -ne 0
  ok $? "a checkpoint that cannot be written ends the training ($point)"
  train $run 3
  same "$(hash_of "$scratch/$run")" "$whole" "it goes on from the one before ($point)"
done

# SIGKILL, to all ranks at once, when the first or the second checkpoint appears: each
# rank notes its process before it becomes the program
cat >"$scratch/noted" <<'END'
#!/bin/sh
echo $$ >>"$RG_NOTES"
exec "$REGATTA" "$@"
END
chmod +x "$scratch/noted"
export RG_NOTES="$scratch/pids"
for checkpoints in 1 2; do
  run=kill-$checkpoints
  rm -f "$RG_NOTES"
  (
    regatta=$scratch/noted
    train $run 2
  ) &
  for _ in $(seq 500); do
    set -- "$scratch/$run/ckpt"/step_*
    test ! -e "$1" || test $# -lt $checkpoints || break
    sleep 0.05
  done
  # shellcheck disable=SC2046 # numbers
  kill -KILL $(cat "$RG_NOTES") 2>/dev/null
  wait
  train $run 1
  same "$(hash_of "$scratch/$run")" "$whole" "killed after checkpoint $checkpoints"
done

# a damaged checkpoint is passed over
newest=$(ls -d "$scratch"/stop-19/ckpt/step_* | tail -n 1)
part=$(ls "$newest"/part-* | head -n 1)
printf 'x' | dd of="$part" bs=1 seek=100 conv=notrunc 2>/dev/null
train stop-19 2
same "$(hash_of "$scratch/stop-19")" "$whole" "a damaged checkpoint is passed over"
grep -q "passed over" "$scratch/err"
ok $? "and named"
on 1 train "$scratch/a.h5mu" -o "$scratch/whole" --batch batch
same $? 2 "a run folder is not trained over without --resume"
finish
