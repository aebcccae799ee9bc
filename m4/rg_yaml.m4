# RG_YAML: libyaml, reader of configuration files.
AC_DEFUN([RG_YAML], [
PKG_CHECK_MODULES([YAML], [yaml-0.1], [],
  [AC_MSG_ERROR([yaml-0.1 not found (Debian: libyaml-dev)])])
])
