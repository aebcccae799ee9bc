# RG_MISSING(WHAT, DEBIAN, HOW): note that a library is missing: its name, its package in
# Debian, and how else to name it. configure goes on, to name all that are missing at once.
AC_DEFUN([RG_MISSING], [
AS_VAR_APPEND([rg_missing], ["
  $1: $3"])
AS_VAR_APPEND([rg_missing_debian], [" $2"])
])

# RG_REPORT_MISSING: stop here when anything is missing.
AC_DEFUN([RG_REPORT_MISSING], [
AS_IF([test -n "$rg_missing" && test -z "$PKG_CONFIG"],
  [RG_MISSING([pkg-config, which would find libraries], [pkg-config], [set PKG_CONFIG])])
AS_IF([test -n "$rg_missing"], [AC_MSG_ERROR([not found:$rg_missing
  Load the modules of these libraries, or install them. On Debian and Ubuntu:
  apt-get install --no-install-recommends$rg_missing_debian
  config.log has each test.])])
])

# RG_LIBRARY(PREFIX, PKG-CONFIG-NAMES, WHAT, DEBIAN): a library that pkg-config knows; found
# too where PREFIX_CFLAGS and PREFIX_LIBS are given.
AC_DEFUN([RG_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2], [],
  [RG_MISSING([$3], [$4], [set $1_CFLAGS and $1_LIBS, or PKG_CONFIG_PATH])])
])

# RG_HEADER(FILE, WHAT, DEBIAN): a library that is all headers.
AC_DEFUN([RG_HEADER], [
AC_CHECK_HEADER([$1], [],
  [RG_MISSING([$2 ($1)], [$3], [add its folder with CPPFLAGS=-IFOLDER])])
])

# RG_WITH(PREFIX, TESTS): tests with the flags of a library.
AC_DEFUN([RG_WITH], [
rg_save_CPPFLAGS=$CPPFLAGS
rg_save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $$1_CFLAGS"
LIBS="$$1_LIBS $LIBS"
$2
CPPFLAGS=$rg_save_CPPFLAGS
LIBS=$rg_save_LIBS
])
