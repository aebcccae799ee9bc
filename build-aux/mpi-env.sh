# mpi-env.sh: settings for tests and small runs on one machine; source it. What is set
# already stays. The names are Open MPI's and OpenMP's; other libraries ignore them.
rg_default() {
  eval "test -n \"\${$1+set}\"" || eval "$1=\$2; export $1"
}
if test "$(id -u)" = 0; then # in containers everyone is root
  rg_default OMPI_ALLOW_RUN_AS_ROOT 1
  rg_default OMPI_ALLOW_RUN_AS_ROOT_CONFIRM 1
fi
rg_default OMPI_MCA_rmaps_base_oversubscribe 1    # more ranks than cores
rg_default OMPI_MCA_mpi_yield_when_idle 1         # waiting ranks give their core away
rg_default OMPI_MCA_hwloc_base_binding_policy none # all threads of a rank may run
rg_default OMPI_MCA_pml ob1                       # shared memory and TCP: starts quickly
rg_default OMPI_MCA_btl self,vader,tcp
rg_default OMPI_MCA_mtl ^psm,psm2,ofi
rg_default OMPI_MCA_osc ^ucx
rg_default OMP_NUM_THREADS 1
rg_default OMP_WAIT_POLICY passive                # ranks x threads may exceed the cores
