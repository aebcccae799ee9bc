# RG_XXHASH: xxhash, checksums; used as a header.
AC_DEFUN([RG_XXHASH], [
PKG_CHECK_MODULES([XXHASH], [libxxhash], [],
  [AC_MSG_ERROR([libxxhash not found (Debian: libxxhash-dev)])])
])
