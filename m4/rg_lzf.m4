# RG_LZF: liblzf, the fast filter of h5py. Older versions have no pkg-config file.
AC_DEFUN([RG_LZF], [
PKG_CHECK_MODULES([LZF], [liblzf], [], [LZF_CFLAGS=-I/usr/include/liblzf LZF_LIBS=-llzf])
rg_save_CPPFLAGS=$CPPFLAGS
rg_save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $LZF_CFLAGS"
LIBS="$LZF_LIBS $LIBS"
AC_CHECK_HEADER([lzf.h], [], [AC_MSG_ERROR([lzf.h not found (Debian: liblzf-dev)])])
AC_CHECK_FUNC([lzf_decompress], [],
  [AC_MSG_ERROR([liblzf not found (Debian: liblzf-dev)])])
CPPFLAGS=$rg_save_CPPFLAGS
LIBS=$rg_save_LIBS
])
