# RG_RANDOM123: Random123, counter-based random numbers in headers.
AC_DEFUN([RG_RANDOM123],
  [RG_HEADER([Random123/philox.h], [Random123], [librandom123-dev])])
