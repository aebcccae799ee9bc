# RG_MODULEFILES: where modulefiles go, and which modules theirs loads first.
AC_DEFUN([RG_MODULEFILES], [
AC_ARG_WITH([modulefiles],
  [AS_HELP_STRING([--with-modulefiles=DIR],
    [install modulefiles (Tcl and Lua) in DIR/regatta; --without-modulefiles for none
     @<:@DATADIR/modulefiles@:>@])],
  [], [with_modulefiles=yes])
AC_ARG_WITH([module-depends],
  [AS_HELP_STRING([--with-module-depends=LIST],
    [modules that the modulefile loads first, such as "openmpi/4.1 hdf5/1.12"])],
  [], [with_module_depends=])
AS_CASE([$with_modulefiles],
  [yes], [modulefilesdir='${datadir}/modulefiles'],
  [no], [modulefilesdir=],
  [/*], [modulefilesdir=$with_modulefiles],
  [AC_MSG_ERROR([--with-modulefiles=$with_modulefiles: give a folder that starts with /])])
AS_CASE([$with_module_depends],
  [yes|no], [AC_MSG_ERROR([--with-module-depends takes names of modules])])
AC_SUBST([modulefilesdir])
AC_SUBST([module_depends], ["$with_module_depends"])
AM_CONDITIONAL([INSTALL_MODULEFILES], [test "x$with_modulefiles" != xno])
])
