# RG_DEFLATE: libdeflate, chunk decompression. Older versions have no pkg-config file.
AC_DEFUN([RG_DEFLATE], [
PKG_CHECK_MODULES([DEFLATE], [libdeflate], [], [: ${DEFLATE_LIBS:=-ldeflate}])
rg_deflate=no
RG_WITH([DEFLATE], [AC_CHECK_HEADER([libdeflate.h],
  [AC_CHECK_FUNC([libdeflate_zlib_decompress], [rg_deflate=yes])])])
AS_IF([test $rg_deflate = no],
  [RG_MISSING([libdeflate (libdeflate.h, libdeflate_zlib_decompress)], [libdeflate-dev],
    [set DEFLATE_CFLAGS and DEFLATE_LIBS])])
])
