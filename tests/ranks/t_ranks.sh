#!/bin/sh
# t_ranks.sh [CASE...]: the rank cases on 1 to 4 ranks, one launch for each number; TAP.
# RG_RANKS="2 4" chooses the numbers, RG_TEST_TIMEOUT the seconds of a launch.
. "${top_srcdir:-${0%/*}/../..}/build-aux/mpi-env.sh"
program=${top_builddir:-.}/tests/ranks/rankcases
: "${MPIEXEC:=mpirun}" "${RG_RANKS:=1 2 3 4}" "${RG_TEST_TIMEOUT:=300}"
RG_RANKS_FOLDER=$(mktemp -d) || exit 1
export RG_RANKS_FOLDER
trap 'rm -rf "$RG_RANKS_FOLDER"' EXIT
unset BXFI_MAP # set inside Criterion; a child that sees it would join that test
count=0

# Numbers the lines of one launch; a launch that breaks off is a failure of its own.
report() {
  while IFS= read -r line; do
    case $line in
    'ok - '* | 'not ok - '*)
      count=$((count + 1))
      echo "${line%% - *} $count - ${line#* - }"
      ;;
    *) echo "# $line" ;;
    esac
  done <"$RG_RANKS_FOLDER/output"
}

for ranks in $RG_RANKS; do
  mkdir "$RG_RANKS_FOLDER/$ranks"
  RG_RANKS_FOLDER=$RG_RANKS_FOLDER/$ranks timeout -k 5 "$RG_TEST_TIMEOUT" \
    $MPIEXEC -n "$ranks" "$program" "$@" >"$RG_RANKS_FOLDER/output"
  status=$?
  report
  if test $status -gt 1 || { test $status = 1 && ! grep -q '^not ok' \
    "$RG_RANKS_FOLDER/output"; }; then
    count=$((count + 1))
    echo "not ok $count - $ranks ranks: the launch ended with status $status"
  fi
done

for ranks in $RG_RANKS; do
  count=$((count + 1))
  $MPIEXEC -n "$ranks" "$program" --must-fail >"$RG_RANKS_FOLDER/output" 2>/dev/null
  if test $? != 0 && grep -q '^not ok - must_fail' "$RG_RANKS_FOLDER/output"; then
    echo "ok $count - a failure of one of $ranks ranks is noticed"
  else
    echo "not ok $count - a failure of one of $ranks ranks is noticed"
  fi
done
echo "1..$count"
