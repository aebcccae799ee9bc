# RG_MPI_COMPILER: make CC an MPI compiler wrapper that works; call before AC_PROG_CC.
AC_DEFUN([RG_MPI_COMPILER], [
AC_ARG_VAR([MPICC], [MPI C compiler wrapper])
AS_IF([test -z "$CC"], [
  AC_CHECK_PROGS([MPICC], [mpicc mpicc.openmpi mpiicc cc], [no])
  AS_IF([test "x$MPICC" = xno], [RG_NO_MPI([there is no mpicc])])
  CC=$MPICC])
AC_MSG_CHECKING([whether CC=$CC compiles])
AS_ECHO(["int main(void) { return 0; }"]) >conftest.c
AS_IF([$CC -o conftest conftest.c >conftest.err 2>&1], [AC_MSG_RESULT([yes])], [
  AC_MSG_RESULT([no])
  sed 's/^/  /' conftest.err >&2
  RG_NO_MPI([CC=$CC does not compile])])
rm -f conftest conftest.c conftest.err
])

# RG_MPI: check that CC compiles and links MPI; find the launcher of the tests.
AC_DEFUN([RG_MPI], [
AC_CHECK_HEADER([mpi.h], [], [RG_NO_MPI([CC=$CC finds no mpi.h])])
AC_SEARCH_LIBS([MPI_Init_thread], [mpi], [], [RG_NO_MPI([CC=$CC does not link MPI])])
AC_ARG_VAR([MPIEXEC], [launcher of the tests: MPIEXEC -n RANKS PROGRAM])
AC_PATH_PROGS([MPIEXEC], [mpirun mpiexec srun], [no])
AS_IF([test "x$MPIEXEC" = xno],
  [RG_MISSING([a launcher of MPI (mpirun, mpiexec or srun)], [openmpi-bin], [set MPIEXEC])])
])

# RG_NO_MPI(WHAT): stop; without a compiler nothing else can be looked for.
AC_DEFUN([RG_NO_MPI], [
AC_MSG_ERROR([$1:
  install Open MPI and a compiler (Debian: gcc libopenmpi-dev openmpi-bin), load an MPI
  module, or set CC to an MPI compiler wrapper])])
