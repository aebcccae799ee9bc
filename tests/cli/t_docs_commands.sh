#!/bin/sh
# Every command that a page shows is run, or its options are checked where it cannot run
# here. The marks are told in docs_commands.py.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
if ! python_with numpy; then
  skip "commands of the pages" "there is no Python"
  finish
fi
# shellcheck disable=SC2086 # words
exec "$python" "$top_srcdir/tests/cli/docs_commands.py" "$top_srcdir" "$scratch/pages" \
  "$regatta" $RG_PAGES
