# RG_HDF5: parallel HDF5. From HDF5_CFLAGS and HDF5_LIBS when given, else pkg-config,
# else what h5pcc prints. A serial HDF5 is refused.
AC_DEFUN([RG_HDF5], [
PKG_CHECK_MODULES([HDF5], [hdf5-openmpi], [], [
  PKG_CHECK_MODULES([HDF5], [hdf5-mpi], [], [RG_HDF5_FROM_H5PCC])])
rg_hdf5=absent
RG_WITH([HDF5], [
  AC_CHECK_HEADER([hdf5.h], [AC_CHECK_FUNC([H5Fopen], [
    rg_hdf5=serial
    AC_CHECK_FUNC([H5Pset_fapl_mpio], [rg_hdf5=parallel])])])])
AS_CASE([$rg_hdf5],
  [absent], [RG_MISSING([parallel HDF5 (hdf5.h, H5Fopen)], [libhdf5-openmpi-dev],
    [put h5pcc in PATH, or set HDF5_CFLAGS and HDF5_LIBS])],
  [serial], [RG_MISSING([parallel HDF5 (the one found is serial: no H5Pset_fapl_mpio)],
    [libhdf5-openmpi-dev], [put h5pcc in PATH, or set HDF5_CFLAGS and HDF5_LIBS])])
])

# h5pcc -show names the static library; with -shlib the shared one.
AC_DEFUN([RG_HDF5_FROM_H5PCC], [
AC_PATH_PROGS([H5PCC], [h5pcc h5pcc.openmpi], [no])
AS_IF([test "x$H5PCC" = xno], [HDF5_CFLAGS= HDF5_LIBS=-lhdf5], [
  HDF5_CFLAGS= HDF5_LIBS=
  for rg_word in `$H5PCC -shlib -show`; do
    AS_CASE([$rg_word],
      [-I*|-D*], [HDF5_CFLAGS="$HDF5_CFLAGS $rg_word"],
      [-L*|-l*|-Wl,*|*.a], [HDF5_LIBS="$HDF5_LIBS $rg_word"])
  done])
])
