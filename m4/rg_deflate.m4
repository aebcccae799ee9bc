# RG_DEFLATE: libdeflate and zlib, chunk decompression.
AC_DEFUN([RG_DEFLATE], [
PKG_CHECK_MODULES([DEFLATE], [libdeflate zlib], [],
  [AC_MSG_ERROR([libdeflate zlib not found (Debian: libdeflate-dev zlib1g-dev)])])
])
