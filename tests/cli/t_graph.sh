#!/bin/sh
# neighbors, cluster and umap on a file of results: against numpy, and the same on any
# number of ranks.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/graph_peer.py

if ! python_with 'h5py, scipy'; then
  skip "neighbors, cluster and umap" "no Python with h5py and scipy"
  finish
fi

# steps RANKS FILE: the three commands
steps() {
  "$python" "$peer" make "$2" &&
    on "$1" neighbors "$2" --n-neighbors 12 && on "$1" cluster "$2" &&
    on "$1" umap "$2" --epochs 200 --figures "$scratch/figures" --color kind,leiden
}

for ranks in 1 2 3; do
  steps $ranks "$scratch/on_$ranks.h5ad"
  ok $? "neighbors, cluster and umap on $ranks ranks"
done
"$python" "$peer" check "$scratch/on_1.h5ad" "$scratch/on_2.h5ad" "$scratch/on_3.h5ad" \
  >"$scratch/checks" 2>"$scratch/err"
ok $? "the checks ran: $(tail -1 "$scratch/err")"
while read -r line; do
  case $line in
  ok*) ok 0 "${line#ok }" ;;
  *) ok 1 "${line#not ok }" ;;
  esac
done <"$scratch/checks"
test -s "$scratch/figures/umap_kind.png" && test -s "$scratch/figures/umap_leiden.png"
ok $? "pictures of the layout"

# clusters of a second resolution beside the first
cp "$scratch/on_1.h5ad" "$scratch/two.h5ad"
on 2 cluster "$scratch/two.h5ad" --resolution 3 --key fine
ok $? "clusters in a column of another name"
"$python" - "$scratch/two.h5ad" "$scratch/on_1.h5ad" <<'EOF'
import sys
import h5py
two, one = (h5py.File(path) for path in sys.argv[1:])
assert (two["obs/leiden/codes"][:] == one["obs/leiden/codes"][:]).all()
assert len(two["obs/fine/categories"]) >= len(two["obs/leiden/categories"])
assert two["uns/fine/params/resolution"][()] == 3
assert len(two["uns/fine_colors"]) == len(two["obs/fine/categories"])
EOF
ok $? "both are in the file"
on 2 cluster "$scratch/two.h5ad" --key kind
same $? 2 "labels are not replaced by clusters"
on 1 cluster "$scratch/two.h5ad" --key a/b
same $? 2 "a path is no name of a column"

# what goes wrong leaves the file alone
"$python" "$peer" make "$scratch/bare.h5ad"
before=$(cksum <"$scratch/bare.h5ad")
on 2 cluster "$scratch/bare.h5ad"
same $? 3 "cluster without a graph is refused"
grep -q 'bare.h5ad:/obsp: no connectivities; make them with regatta neighbors' \
  "$scratch/err"
ok $? "and says what to do"
on 2 neighbors "$scratch/bare.h5ad" --rep X_other
same $? 3 "an embedding that is not there is refused"
grep -q 'bare.h5ad:/obsm: no X_other; there is X_planted' "$scratch/err"
ok $? "and says what there is"
on 1 umap "$scratch/on_1.h5ad" --figures "$scratch/figures" --color nothing
same $? 3 "a column that is not there is refused"
same "$before" "$(cksum <"$scratch/bare.h5ad")" "the file is as it was"
on 1 neighbors "$scratch/bare.h5ad" --search buckets --metric cosine
ok $? "buckets and cosine distance"
finish
