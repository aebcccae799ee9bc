#!/bin/sh
# configure without its libraries: names each that it does not find, with its package in
# Debian and the variable that would name it; refuses options that make no sense.
. "$top_srcdir/tests/cli/lib.sh"
configure=$(cd "$top_srcdir" && pwd)/configure
mkdir "$scratch/empty" "$scratch/build"
cd "$scratch/build" || exit 99

# conf WHAT [ARGUMENT...]: run it; it must fail
conf() {
  what=$1
  shift
  if timeout 300 "$configure" "$@" >"$scratch/out" 2>"$scratch/err"; then
    ok 1 "$what: configure succeeds"
  fi
}
says() { # TEXT WHAT
  grep -qF -e "$1" "$scratch/err"
  ok $? "$2"
}

conf 'no mpicc' CC=no-such-compiler
says 'CC=no-such-compiler does not compile' 'a compiler that is not there is named'
says 'libopenmpi-dev' 'with the packages of Debian'
conf 'no MPI' ac_cv_header_mpi_h=no
says 'finds no mpi.h' 'a compiler without MPI is refused'
conf 'processor' --with-march=no-such-processor
says 'does not accept -march=no-such-processor' 'a processor that is not known is refused'
conf 'modulefiles' --with-modulefiles=relative
says '--with-modulefiles=relative: give a folder that starts with /' \
  'a relative folder of modulefiles is refused'

# Nothing that pkg-config knows, and no headers in their usual places.
conf 'nothing found' PKG_CONFIG_LIBDIR="$scratch/empty" PKG_CONFIG_PATH= H5PCC=no \
  ac_cv_header_hdf5_h=no ac_cv_header_cblas_h=no ac_cv_header_lzf_h=no \
  ac_cv_header_libdeflate_h=no ac_cv_header_uthash_h=no \
  ac_cv_header_Random123_philox_h=no
while read -r library package remedy; do
  grep -q "^  $library.*: .*$remedy" "$scratch/err"
  ok $? "$library is named, with $remedy"
  grep -q "^  apt-get install.* $package\\( \\|\$\\)" "$scratch/err"
  ok $? "and with $package of Debian"
done <<'END'
parallel libhdf5-openmpi-dev HDF5_LIBS
OpenBLAS libopenblas-openmp-dev BLAS_LIBS
libyaml libyaml-dev YAML_LIBS
jansson libjansson-dev JANSSON_LIBS
libdeflate libdeflate-dev DEFLATE_LIBS
zlib zlib1g-dev ZLIB_LIBS
liblzf liblzf-dev LZF_LIBS
xxhash libxxhash-dev XXHASH_LIBS
uthash uthash-dev CPPFLAGS
Random123 librandom123-dev CPPFLAGS
cairo libcairo2-dev CAIRO_LIBS
END
conf 'serial HDF5' ac_cv_func_H5Pset_fapl_mpio=no
says 'the one found is serial' 'a serial HDF5 is refused'
conf 'no ScaLAPACK' ac_cv_search_pdgeqrf_=no
says 'ScaLAPACK (pdgeqrf_): set SCALAPACK_LIBS' 'a missing ScaLAPACK is named'
finish
