# RG_CAIRO: cairo, figures.
AC_DEFUN([RG_CAIRO], [
PKG_CHECK_MODULES([CAIRO], [cairo], [],
  [AC_MSG_ERROR([cairo not found (Debian: libcairo2-dev)])])
])
