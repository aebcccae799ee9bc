#!/bin/sh
# A mosaic: half of the cells lack RNA or proteins.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1000 --types 5 --batches 1 --peaks 0 --proteins 40 --paired 0.5
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
