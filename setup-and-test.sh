#!/bin/sh
# setup-and-test.sh: install what is missing (Debian, as root), build in ./build, and run
# all tests. Real data for the tests that use them: REGATTA_DATA=FOLDER.
set -eu
cd "$(dirname "$0")"
. build-aux/setup.sh
exec make -C build check
