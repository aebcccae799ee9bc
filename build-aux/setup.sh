# setup.sh: what both set-up commands share; sourced from the top folder, with for_tests=yes
# to install what the tests drive as well. Leaves a built program in ./build and the
# environment of small machines set.
packages="gcc make autoconf automake pkg-config openmpi-bin libopenmpi-dev
  libhdf5-openmpi-dev libopenblas-openmp-dev libscalapack-openmpi-dev libcriterion-dev
  libyaml-dev libjansson-dev libdeflate-dev zlib1g-dev liblzf-dev libxxhash-dev uthash-dev
  librandom123-dev libcairo2-dev"

# What only tests drive: a test is skipped, with a line, where its tool is missing.
test_packages="slurmctld slurmd slurm-client munge iproute2 lmod chromium hunspell
  hunspell-en-us man-db python3-sphinx python3-myst-parser python3-sphinx-rtd-theme
  python3-numpy python3-scipy python3-sklearn python3-h5py python3-anndata
  python3-matplotlib r-bioc-rhdf5 r-cran-seuratobject"

# rg_missing PACKAGE...: those that are not installed, on one line.
rg_missing() {
  for package; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
      printf '%s ' "$package"
  done
}

# rg_install PACKAGE...: Debian and its kin, as root: install. Otherwise say what to install
# and fail. Elsewhere configure names each thing it does not find.
rg_install() {
  command -v dpkg-query >/dev/null || return 0
  missing=$(rg_missing "$@")
  test -n "$missing" || return 0
  if test "$(id -u)" != 0; then
    echo "missing: install these, then try again:" >&2
    echo "  sudo apt-get install --no-install-recommends $missing" >&2
    return 2
  fi
  echo "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=900 update
  # shellcheck disable=SC2086 # a list of words
  apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=900 install $missing
}

rg_build() {
  test -x configure || autoreconf -fi
  mkdir -p build
  test -f build/Makefile || (cd build && ../configure) || return
  make -C build -j"$(getconf _NPROCESSORS_ONLN)"
}

# shellcheck disable=SC2086 # lists of words
rg_install $packages
# shellcheck disable=SC2086
test "${for_tests:-no}" = no || rg_install $test_packages || echo "going on without them" >&2
rg_build
. build-aux/mpi-env.sh
