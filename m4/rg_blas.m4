# RG_BLAS: OpenBLAS, by preference the build on OpenMP. Where distributions keep several
# builds in folders of their own (Debian: openblas-openmp, openblas-pthread) the folder
# goes into the run path, so that the alternative chosen by the system does not replace
# it. --disable-new-dtags makes that reach the BLAS below ScaLAPACK too.
AC_DEFUN([RG_BLAS], [
PKG_CHECK_MODULES([BLAS], [openblas], [], [
  AC_CHECK_LIB([openblas], [cblas_sgemm], [BLAS_LIBS=-lopenblas],
    [AC_MSG_ERROR([OpenBLAS not found (Debian: libopenblas-openmp-dev), or set BLAS_CFLAGS and BLAS_LIBS])])])
rg_blas_folder=
for rg_word in $BLAS_LIBS; do
  AS_CASE([$rg_word], [-L*], [rg_blas_folder=`AS_ECHO(["$rg_word"]) | sed 's/^-L//; s,/*$,,'`])
done
AS_CASE([$rg_blas_folder],
  [*openblas-openmp], [],
  [*/openblas-*], [
    rg_openmp_folder=`AS_DIRNAME(["$rg_blas_folder"])`/openblas-openmp
    AS_IF([test -d "$rg_openmp_folder"], [
      rg_blas_folder=$rg_openmp_folder
      BLAS_LIBS="-L$rg_openmp_folder -lopenblas"])])
AS_IF([test -n "$rg_blas_folder"],
  [BLAS_LIBS="-Wl,--disable-new-dtags,-rpath,$rg_blas_folder $BLAS_LIBS"])
rg_save_CPPFLAGS=$CPPFLAGS
rg_save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $BLAS_CFLAGS"
LIBS="$BLAS_LIBS $LIBS"
AC_CHECK_HEADER([cblas.h], [], [AC_MSG_ERROR([cblas.h not found: set BLAS_CFLAGS])])
AC_CHECK_FUNC([openblas_get_parallel], [],
  [AC_MSG_ERROR([this BLAS is not OpenBLAS (Debian: libopenblas-openmp-dev)])])
CPPFLAGS=$rg_save_CPPFLAGS
LIBS=$rg_save_LIBS
])
