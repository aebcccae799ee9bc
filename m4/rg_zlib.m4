# RG_ZLIB: zlib, reader of compressed MatrixMarket files.
AC_DEFUN([RG_ZLIB], [RG_LIBRARY([ZLIB], [zlib], [zlib], [zlib1g-dev])])
