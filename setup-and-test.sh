#!/bin/sh
# setup-and-test.sh [--few-packages]: install what is missing (Debian, as root), build in
# ./build, and run all tests. Tests drive Slurm, Lmod, Chromium, Sphinx and packages of Python
# and R, which are installed as well; with --few-packages they are not, and these tests are
# skipped where they are missing. Real data for the tests that use them: REGATTA_DATA=FOLDER.
set -eu
for_tests=yes
test "${1:-}" != --few-packages || for_tests=no
cd "$(dirname "$0")"
. build-aux/setup.sh
echo "all tests: many minutes; each tells what it found when it has ended" >&2
exec make -C build check
