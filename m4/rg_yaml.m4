# RG_YAML: libyaml, reader of configuration files.
AC_DEFUN([RG_YAML], [RG_LIBRARY([YAML], [yaml-0.1], [libyaml], [libyaml-dev])])
