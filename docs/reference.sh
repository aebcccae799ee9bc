#!/bin/sh
# docs/reference.sh REGATTA OUT: write the pages of the reference, as the program REGATTA
# prints them of itself, to OUT, and their names to OUT/contents.
set -eu
regatta=$1 out=$2

# page KIND TITLE <what it is
page() {
  {
    printf '# %s\n\n' "$2"
    cat
    printf '\n'
    "$regatta" list "$1" --as markdown
  } >"$out/$1.md"
  echo "$1" >>"$out/contents"
}

mkdir -p "$out"
: >"$out/contents"
page commands Commands <<'END'
`regatta COMMAND --help` prints the same on a terminal; every command also has a manual page,
`man regatta-COMMAND`.
END
page recipes Recipes <<'END'
What each method needs and takes; its settings are keys of the configuration
(`--set NAME.KEY=VALUE`). `regatta list recipes NAME` prints the same on a terminal.
END
page losses Losses <<'END'
What recipes minimise. Formulas are in [theory](../theory/operations.md).
END
page operations Operations <<'END'
What recipes are composed of. Formulas are in [theory](../theory/operations.md).
END
page metrics Metrics <<'END'
What `regatta evaluate` scores. Definitions are in [theory](../theory/evaluate.md).
END
