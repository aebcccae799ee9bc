# RG_FLAGS: flags of every compilation, in RG_CFLAGS. Results must not depend on how a
# loop was vectorised, so no -ffast-math, and multiply-adds are fused only where the
# source says fma. The user's CFLAGS come after these.
AC_DEFUN([RG_FLAGS], [
AC_ARG_WITH([march],
  [AS_HELP_STRING([--with-march=ARCH],
    [processor to compile for, "no" for the compiler's default @<:@native@:>@])],
  [], [with_march=native])
RG_CFLAGS="-std=c11 -Wall -Wextra -Wshadow -Wno-psabi"
RG_CFLAGS="$RG_CFLAGS -fno-math-errno -fno-trapping-math -ffp-contract=off"
AS_IF([test "x$with_march" != xno], [RG_TRY_FLAG([-march=$with_march])])
AS_IF([test "x$enable_sanitizers" = xyes], [
  RG_CFLAGS="$RG_CFLAGS -fsanitize=address,undefined -fno-omit-frame-pointer"
  LDFLAGS="$LDFLAGS -fsanitize=address,undefined"])
AS_IF([test "x$enable_debug" = xyes],
  [AC_DEFINE([RG_DEBUG], [1], [more checks])])
AC_SUBST([RG_CFLAGS])
AC_DEFINE_UNQUOTED([RG_BUILD_FLAGS], ["$RG_CFLAGS $CFLAGS"], [flags of this build])
])

# RG_TRY_FLAG(FLAG): append to RG_CFLAGS or fail.
AC_DEFUN([RG_TRY_FLAG], [
rg_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS $1"
AC_MSG_CHECKING([whether $CC accepts $1])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([$CC does not accept $1: choose another --with-march, or "no"])])
CFLAGS=$rg_save_CFLAGS
RG_CFLAGS="$RG_CFLAGS $1"
])
