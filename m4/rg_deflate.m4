# RG_DEFLATE: libdeflate and zlib, chunk decompression. Older versions of libdeflate have no
# pkg-config file.
AC_DEFUN([RG_DEFLATE], [
PKG_CHECK_MODULES([DEFLATE], [libdeflate zlib], [], [: ${DEFLATE_LIBS:=-ldeflate -lz}])
rg_deflate=no rg_zlib=no
RG_WITH([DEFLATE], [
  AC_CHECK_HEADER([libdeflate.h],
    [AC_CHECK_FUNC([libdeflate_zlib_decompress], [rg_deflate=yes])])
  AC_CHECK_HEADER([zlib.h], [AC_CHECK_FUNC([inflateInit2_], [rg_zlib=yes])])])
AS_IF([test $rg_deflate = no],
  [RG_MISSING([libdeflate (libdeflate.h, libdeflate_zlib_decompress)], [libdeflate-dev],
    [set DEFLATE_CFLAGS and DEFLATE_LIBS])])
AS_IF([test $rg_zlib = no],
  [RG_MISSING([zlib (zlib.h, inflateInit2_)], [zlib1g-dev],
    [set DEFLATE_CFLAGS and DEFLATE_LIBS])])
])
