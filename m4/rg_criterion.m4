# RG_CRITERION: Criterion, for the unit tests; without it the rest is tested.
AC_DEFUN([RG_CRITERION], [
PKG_CHECK_MODULES([CRITERION], [criterion], [rg_criterion=yes],
  [rg_criterion="no (Debian: libcriterion-dev)"])
AM_CONDITIONAL([HAVE_CRITERION], [test "x$rg_criterion" = xyes])
])
