# SPDX-License-Identifier: BSD-3-Clause

from spack.package import *


class Regatta(AutotoolsPackage):
    """Joint representations of single cells measured in several modalities (RNA, ATAC,
    protein, ...), learnt on CPU clusters from the files of the field."""

    # There is no archive to download: build from a clone or an unpacked release, in its
    # folder, with `spack dev-build regatta@0.1.0`.
    license("BSD-3-Clause")
    version("0.1.0")

    variant("debug", default=False, description="No optimisation, more checks")
    variant("modulefiles", default=False, description="Install the modulefiles of regatta")

    depends_on("c", type="build")
    depends_on("autoconf@2.71:", type="build")
    depends_on("automake@1.16:", type="build")
    depends_on("m4", type="build")
    depends_on("libtool", type="build")  # Spack asks for it before it runs autoreconf
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi@3:")
    depends_on("hdf5@1.10:+mpi")
    depends_on("openblas threads=openmp")
    depends_on("scalapack")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("libdeflate")
    depends_on("zlib-api")
    depends_on("liblzf")
    depends_on("xxhash")
    depends_on("uthash", type="build")
    depends_on("random123", type="build")
    depends_on("cairo+png+svg+ft+fc")

    # Unit tests need Criterion, which Spack does not have; the others run without it.
    sanity_check_is_file = ["bin/regatta", "share/man/man1/regatta.1"]

    def test_simulate(self):
        """simulated cells are written and found sound"""
        regatta = which(self.prefix.bin.regatta)
        regatta("simulate", "-o", "cells.h5mu", "--cells", "100")
        regatta("check", "cells.h5mu")

    def configure_args(self):
        spec = self.spec
        args = [
            "CC={0}".format(spec["mpi"].mpicc),
            "BLAS_CFLAGS={0}".format(spec["openblas"].headers.cpp_flags),
            "BLAS_LIBS={0}".format(spec["openblas"].libs.ld_flags),
            "SCALAPACK_LIBS={0}".format(spec["scalapack"].libs.ld_flags),
            "HDF5_CFLAGS={0}".format(spec["hdf5"].headers.cpp_flags),
            "HDF5_LIBS={0}".format(spec["hdf5"].libs.ld_flags),
            "LZF_CFLAGS={0}".format(spec["liblzf"].headers.cpp_flags),
            "LZF_LIBS={0}".format(spec["liblzf"].libs.ld_flags),
            "--without-march",  # Spack's compiler adds the flags of the target
        ]
        args += self.enable_or_disable("debug")
        args += self.with_or_without("modulefiles")
        return args
