#!/bin/sh
# gen-registry.sh TYPE TABLE PREFIX FILE...
# Prints C source of TABLE, a NULL-terminated array of pointers to TYPE: one record for
# each FILE that begins with PREFIX, in the order given. PREFIX src/nn/op_ makes of
# src/nn/op_linear.c the record rg_op_linear.
type=$1 table=$2 prefix=$3
shift 3
names=
for file in "$@"; do
  case $file in
  "$prefix"*.c)
    name=${file##*/}
    names="$names rg_${name%.c}"
    ;;
  esac
done
echo "/* Generated from the list of files $prefix*.c; do not edit. */"
echo "#include <stddef.h>"
echo "struct $type;"
for name in $names; do
  echo "extern const struct $type $name;"
done
echo "extern const struct $type *const $table[];"
echo "const struct $type *const $table[] = {"
for name in $names; do
  echo "  &$name,"
done
echo "  NULL};"
