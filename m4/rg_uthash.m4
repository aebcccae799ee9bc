# RG_UTHASH: uthash, hash tables in a header.
AC_DEFUN([RG_UTHASH], [
AC_CHECK_HEADER([uthash.h], [], [AC_MSG_ERROR([uthash.h not found (Debian: uthash-dev)])])
])
