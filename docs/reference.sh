#!/bin/sh
# docs/reference.sh REGATTA OUT: write the pages of the reference, as the program REGATTA
# prints them of itself, to OUT, and their names to OUT/contents.
set -eu
regatta=$1 out=$2

# page NAME TITLE KIND... <what it is
page() {
  name=$1 title=$2
  shift 2
  {
    printf '# %s\n\n' "$title"
    cat
    printf '\n'
    for kind; do
      "$regatta" list "$kind" --as markdown
    done
  } >"$out/$name.md"
  echo "$name" >>"$out/contents"
}

mkdir -p "$out"
: >"$out/contents"
page commands Commands commands <<'END'
`regatta COMMAND --help` prints the same on a terminal; every command also has a manual page,
`man regatta-COMMAND`. Besides its own options every command takes `--log LEVEL` and `--help`,
and those that take a configuration `--config FILE`, `--set SECTION.KEY=VALUE` and
`--print-config`.
END
page configuration Configuration configuration <<'END'
Keys of the sections that all methods share; those of a method are with its
[recipe](recipes.md). Lowest first: the default, what the recipe sets, the file given with
`--config`, `--set SECTION.KEY=VALUE` (and options like `--batch` that stand for a key). An
unknown key is an error. `regatta train --print-config` prints all of it as a file, and a run
leaves the same with the origin of each value in `used_config.yaml`.
END
page recipes Recipes recipes <<'END'
What each method needs and takes. Its settings are keys of the configuration
(`--set NAME.KEY=VALUE`); what it sets itself stands below them. Formulas and departures from
the released programs are in [theory](../theory/index.md).
END
page losses Losses losses <<'END'
What recipes minimise, with the options that a recipe gives them. Formulas, gradients and
which recipe uses which are in [theory](../theory/losses/index.md).
END
page operations Operations operations <<'END'
What recipes are composed of, with the options that a recipe gives them. Formulas are in
[theory](../theory/operations.md).
END
page metrics Metrics metrics <<'END'
What `regatta evaluate` scores. Definitions are in [theory](../theory/evaluate.md).
END
page files Files files <<'END'
What the program writes, and where. Names in capitals stand for others: `MODALITY` is rna,
atac, adt or another one of the input, `RECIPE` the method.
END
page environment "Environment and exit codes" variables codes <<'END'
The numbers are the codes that the program ends with, whatever the command.
END
