# RG_BLAS: OpenBLAS, by preference the build on OpenMP. Where distributions keep several
# builds in folders of their own (Debian: openblas-openmp, openblas-pthread) the folder
# goes into the run path, so that the alternative chosen by the system does not replace
# it. --disable-new-dtags makes that reach the BLAS below ScaLAPACK too.
AC_DEFUN([RG_BLAS], [
PKG_CHECK_MODULES([BLAS], [openblas], [], [: ${BLAS_LIBS:=-lopenblas}])
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
rg_blas=no
RG_WITH([BLAS], [
  AC_CHECK_HEADER([cblas.h], [AC_CHECK_FUNC([openblas_get_parallel], [rg_blas=yes])])])
AS_IF([test $rg_blas = no],
  [RG_MISSING([OpenBLAS (cblas.h, openblas_get_parallel)], [libopenblas-openmp-dev],
    [set BLAS_CFLAGS and BLAS_LIBS])])
])
