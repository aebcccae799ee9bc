# RG_JANSSON: jansson, reader of JSON manifests.
AC_DEFUN([RG_JANSSON], [RG_LIBRARY([JANSSON], [jansson], [jansson], [libjansson-dev])])
