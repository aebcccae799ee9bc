# RG_MPI_COMPILER: make CC an MPI compiler wrapper; call before AC_PROG_CC.
AC_DEFUN([RG_MPI_COMPILER], [
AC_ARG_VAR([MPICC], [MPI C compiler wrapper])
AS_IF([test -z "$CC"], [
  AC_CHECK_PROGS([MPICC], [mpicc mpicc.openmpi mpiicc cc], [no])
  AS_IF([test "x$MPICC" = xno],
    [AC_MSG_ERROR([no MPI compiler wrapper found: install Open MPI (Debian: libopenmpi-dev), load an MPI module, or set CC])])
  CC=$MPICC])
])

# RG_MPI: check that CC compiles and links MPI; find the launcher of the tests.
AC_DEFUN([RG_MPI], [
AC_CHECK_HEADER([mpi.h], [],
  [AC_MSG_ERROR([mpi.h not found with CC=$CC: set CC to an MPI compiler wrapper])])
AC_SEARCH_LIBS([MPI_Init_thread], [mpi], [],
  [AC_MSG_ERROR([cannot link MPI with CC=$CC: set CC to an MPI compiler wrapper])])
AC_ARG_VAR([MPIEXEC], [launcher of the tests: MPIEXEC -n RANKS PROGRAM])
AC_PATH_PROGS([MPIEXEC], [mpirun mpiexec srun], [no])
AS_IF([test "x$MPIEXEC" = xno],
  [AC_MSG_ERROR([no MPI launcher found: install mpirun (Debian: openmpi-bin) or set MPIEXEC])])
])
