# RG_JANSSON: jansson, reader of JSON manifests.
AC_DEFUN([RG_JANSSON], [
PKG_CHECK_MODULES([JANSSON], [jansson], [],
  [AC_MSG_ERROR([jansson not found (Debian: libjansson-dev)])])
])
