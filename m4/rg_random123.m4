# RG_RANDOM123: Random123, counter-based random numbers in headers.
AC_DEFUN([RG_RANDOM123], [
AC_CHECK_HEADER([Random123/philox.h], [],
  [AC_MSG_ERROR([Random123/philox.h not found (Debian: librandom123-dev)])])
])
