# RG_OPENMP: flags of OpenMP; required.
AC_DEFUN([RG_OPENMP], [
AC_OPENMP
AS_IF([test "x$ac_cv_prog_c_openmp" = xunsupported],
  [AC_MSG_ERROR([CC=$CC does not know OpenMP])])
])
