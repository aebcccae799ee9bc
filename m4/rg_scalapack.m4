# RG_SCALAPACK: ScaLAPACK with its BLACS; it has no header, the symbols are Fortran's.
AC_DEFUN([RG_SCALAPACK], [
PKG_CHECK_MODULES([SCALAPACK], [scalapack-openmpi], [], [
  PKG_CHECK_MODULES([SCALAPACK], [scalapack], [], [SCALAPACK_LIBS=-lscalapack])])
rg_save_LIBS=$LIBS
LIBS="$SCALAPACK_LIBS $BLAS_LIBS $LIBS"
AC_CHECK_FUNC([pdgeqrf_], [],
  [AC_MSG_ERROR([ScaLAPACK not found (Debian: libscalapack-openmpi-dev), or set SCALAPACK_LIBS])])
LIBS=$rg_save_LIBS
])
