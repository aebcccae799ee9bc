# RG_SCALAPACK: ScaLAPACK with its BLACS; it has no header, the symbols are Fortran's.
AC_DEFUN([RG_SCALAPACK], [
PKG_CHECK_MODULES([SCALAPACK], [scalapack-openmpi], [], [
  PKG_CHECK_MODULES([SCALAPACK], [scalapack], [], [SCALAPACK_LIBS=])])
rg_save_LIBS=$LIBS
LIBS="$SCALAPACK_LIBS $BLAS_LIBS $LIBS"
AC_SEARCH_LIBS([pdgeqrf_], [scalapack scalapack-openmpi],
  [AS_CASE([$ac_cv_search_pdgeqrf_], [-l*], [SCALAPACK_LIBS=$ac_cv_search_pdgeqrf_])],
  [AC_MSG_ERROR([ScaLAPACK not found (Debian: libscalapack-openmpi-dev), or set SCALAPACK_LIBS])])
LIBS=$rg_save_LIBS
])
