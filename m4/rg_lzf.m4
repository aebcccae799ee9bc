# RG_LZF: liblzf, the fast filter of h5py. Older versions have no pkg-config file.
AC_DEFUN([RG_LZF], [
PKG_CHECK_MODULES([LZF], [liblzf], [],
  [: ${LZF_CFLAGS:=-I/usr/include/liblzf} ${LZF_LIBS:=-llzf}])
rg_lzf=no
RG_WITH([LZF], [AC_CHECK_HEADER([lzf.h], [AC_CHECK_FUNC([lzf_decompress], [rg_lzf=yes])])])
AS_IF([test $rg_lzf = no],
  [RG_MISSING([liblzf (lzf.h, lzf_decompress)], [liblzf-dev], [set LZF_CFLAGS and LZF_LIBS])])
])
