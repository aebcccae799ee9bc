# RG_CAIRO: cairo, figures.
AC_DEFUN([RG_CAIRO], [RG_LIBRARY([CAIRO], [cairo], [cairo], [libcairo2-dev])])
