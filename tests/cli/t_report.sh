#!/bin/sh
# report: the page of a run is whole, true and safe; what a run lacks is said; bad input is
# one line; a browser shows it.
. "$top_srcdir/tests/cli/lib.sh"
peer=$top_srcdir/tests/cli/report_peer.py
python=${PYTHON:-/usr/bin/python3}

if ! "$python" -c 'import h5py' 2>/dev/null; then
  skip "the report" "no Python with h5py"
  finish
fi
data=$scratch/s.h5mu run=$scratch/run
on 1 simulate -o "$data" --cells 300 --genes 120 --peaks 240 --proteins 20 --paired 0.6
on 2 run "$data" -o "$run" --recipe multivi --labels cell_type --batch batch \
  --set multivi.epochs=3
ok $? "a run on 2 ranks: $(tail -1 "$scratch/err")"
test -s "$run/report.html" && test -s "$run/figures/umap_leiden.png" &&
  test -s "$run/figures/umap_leiden.svg" && test -s "$run/figures/losses.svg"
ok $? "it ends with a report and figures as PNG and SVG"
HASH=$(hash_of "$run")
export HASH

# checked PAGE [LACKING...]: a line for each check of the peer
checked() {
  page=$1
  shift
  "$python" "$peer" check "$page" "$run" "$@" >"$scratch/checks" 2>"$scratch/err" ||
    ok 1 "the checks ran: $(tail -1 "$scratch/err")"
  while read -r line; do
    case $line in
    ok*) ok 0 "${line#ok }" ;;
    *) ok 1 "${line#not ok }" ;;
    esac
  done <"$scratch/checks"
}
checked "$run/report.html"
for section in cells losses scores groups modalities time origin; do
  "$python" "$peer" drop "$run/report.html" $section "$scratch/less.html"
  "$python" "$peer" check "$scratch/less.html" "$run" >"$scratch/checks"
  grep -q "^not ok $section:" "$scratch/checks"
  ok $? "the check of $section can fail"
done

# the same page on any number of ranks
for n in 1 2; do
  on $n report "$run" -o "$scratch/on_$n.html" --figures "$scratch/figures_$n"
  ok $? "on $n: $(tail -1 "$scratch/err")"
done
cmp -s "$scratch/on_1.html" "$scratch/on_2.html"
ok $? "the same page on 2 ranks"
cmp -s "$scratch/figures_1/umap_modalities.png" "$scratch/figures_2/umap_modalities.png"
ok $? "the same picture on 2 ranks"

# names that would break a page
cp -r "$run" "$scratch/names"
"$python" "$peer" names "$scratch/names/results.h5ad"
on 1 report "$scratch/names"
ok $? "names that are hard to show: $(tail -1 "$scratch/err")"
checked "$scratch/names/report.html"
! grep -q '<script' "$scratch/names/report.html" &&
  grep -q '&lt;script&gt;alert(&#39;1&#39;)' "$scratch/names/report.html"
ok $? "names are escaped"

# results alone
cp "$run/results.h5ad" "$scratch/alone.h5ad"
on 1 report "$scratch/alone.h5ad" --scores "$run/scores.json"
ok $? "results alone: $(tail -1 "$scratch/err")"
checked "$scratch/alone_report.html" losses time
test -s "$scratch/alone_figures/clusters_labels.svg"
ok $? "their figures lie beside"

# what is missing is named with its command
cp -r "$run" "$scratch/less"
rm -r "$scratch/less/scores.json" "$scratch/less/timers.csv" "$scratch/less/ranks.csv" \
  "$scratch/less/commands.jsonl"
on 1 report "$scratch/less"
ok $? "a run without scores and times: $(tail -1 "$scratch/err")"
grep -q 'regatta evaluate .*less/results.h5ad' "$scratch/less/report.html" &&
  grep -q 'No times' "$scratch/less/report.html"
ok $? "both are said to be missing"
rm "$scratch/less/results.h5ad"
echo stopped >"$scratch/less/STATUS"
on 1 report "$scratch/less"
ok $? "a stopped run without results: $(tail -1 "$scratch/err")"
grep -q 'stopped before its end' "$scratch/less/report.html" &&
  grep -q 'regatta embed' "$scratch/less/report.html"
ok $? "the page says so"

# refused CODE TEXT WHAT [RANKS] ARGUMENTS...
refused() {
  code=$1 text=$2 what=$3 ranks=$4
  shift 4
  on "$ranks" report "$@"
  same "$?:$(grep -c "regatta: error:.*$text" "$scratch/err")" "$code:1" "$what"
}
refused 3 'no such run or file' "no run there" 2 "$scratch/nothing"
mkdir "$scratch/empty"
refused 3 'holds no run' "a folder without a run" 1 "$scratch/empty"
refused 3 'no column nobody' "a column that is not there" 1 "$run" --labels nobody
refused 3 'no such file' "scores that are not there" 1 "$run" --scores "$scratch/nothing"
cp "$run/metrics.csv" "$scratch/kept"
printf '4,main,3,0.1' >>"$run/metrics.csv"
refused 3 'metrics.csv:[0-9]*: the line is damaged' "a line that was cut" 2 "$run"
sed '4s/,main,0/,main,none/' "$scratch/kept" >"$run/metrics.csv"
refused 3 'metrics.csv:4: .none. in column epoch is not a number' "a word for a number" \
  1 "$run"
sed '3s/,.*//' "$scratch/kept" >"$run/metrics.csv"
refused 3 'metrics.csv:3: 1 fields' "a line with fields missing" 1 "$run"
cp "$scratch/kept" "$run/metrics.csv"
echo '{"embedding": ' >"$scratch/damaged.json"
refused 3 'damaged.json:' "damaged scores" 1 "$run" --scores "$scratch/damaged.json"
refused 2 'does not exist' "nowhere to write" 1 "$run" \
  -o "$scratch/no/such/page.html"

# a browser without network
if ! command -v chromium >/dev/null; then
  skip "a browser shows the page" "no chromium"
  finish
fi
for width in 1280 390; do
  timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$scratch/browser" --enable-logging=stderr --window-size=$width,2000 \
    --screenshot="$scratch/page_$width.png" "file://$scratch/names/report.html" \
    >"$scratch/out" 2>"$scratch/err" </dev/null
  test -s "$scratch/page_$width.png" && ! grep -q CONSOLE "$scratch/err" &&
    "$python" "$peer" blank "$scratch/page_$width.png"
  ok $? "a browser shows the page, $width wide: $(grep CONSOLE "$scratch/err" | head -1)"
done

# the narrowest window that a browser without a screen has: 500
{
  cat "$scratch/names/report.html"
  echo '<script>document.title = document.documentElement.scrollWidth <= innerWidth'
  echo ' ? "it fits" : "too wide"</script>'
} >"$scratch/measured.html"
timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run \
  --user-data-dir="$scratch/browser" --window-size=500,2000 --dump-dom \
  "file://$scratch/measured.html" >"$scratch/out" 2>"$scratch/err" </dev/null
grep -q '<title>it fits</title>' "$scratch/out"
ok $? "nothing is wider than a narrow window"
finish
