# RG_UTHASH: uthash, hash tables in a header.
AC_DEFUN([RG_UTHASH], [RG_HEADER([uthash.h], [uthash], [uthash-dev])])
