# RG_SCALAPACK: ScaLAPACK with its BLACS, after RG_BLAS; it has no header, the symbols are
# Fortran's.
AC_DEFUN([RG_SCALAPACK], [
AC_ARG_VAR([SCALAPACK_LIBS], [linker flags of ScaLAPACK])
AS_IF([test -z "$SCALAPACK_LIBS"], [
  PKG_CHECK_MODULES([SCALAPACK], [scalapack-openmpi], [], [
    PKG_CHECK_MODULES([SCALAPACK], [scalapack], [], [SCALAPACK_LIBS=])])])
AS_IF([test $rg_blas = yes], [
  rg_save_LIBS=$LIBS
  LIBS="$SCALAPACK_LIBS $BLAS_LIBS $LIBS"
  AC_SEARCH_LIBS([pdgeqrf_], [scalapack scalapack-openmpi],
    [AS_CASE([$ac_cv_search_pdgeqrf_], [-l*], [SCALAPACK_LIBS=$ac_cv_search_pdgeqrf_])],
    [RG_MISSING([ScaLAPACK (pdgeqrf_)], [libscalapack-openmpi-dev], [set SCALAPACK_LIBS])])
  LIBS=$rg_save_LIBS])
])
