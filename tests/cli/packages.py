"""packages.py TOP CONFIGURE_HELP: the recipes of packages, run with stand-ins for Spack and
EasyBuild: are they whole, of this version, and do they ask for the libraries of
build-aux/setup.sh and for options that configure has? Prints TAP."""

import ast
import re
import sys
import types
from pathlib import Path

top = Path(sys.argv[1])
packages = top / "build-aux/packages"
options = set(re.findall(r"--(?:with|enable)-[a-z-]+", Path(sys.argv[2]).read_text()))
variables = set(re.findall(r"^  ([A-Z0-9_]+)\s", Path(sys.argv[2]).read_text(), re.M))
version = re.search(r"AC_INIT\(\[regatta\], \[(.*?)\]\)", (top / "configure.ac").read_text())[1]

# Each package of Debian in build-aux/setup.sh, what it is called in Spack and EasyBuild.
# None: the recipe needs no such name, since its toolchain brings it, or does without.
NAMES = {
    "gcc": ("c", None),
    "make": ("gmake", None),
    "autoconf": ("autoconf", None),  # the archive that EasyBuild builds has configure
    "automake": ("automake", None),
    "pkg-config": ("pkgconfig", "pkgconf"),
    "openmpi-bin": ("mpi", None),  # foss
    "libopenmpi-dev": ("mpi", None),
    "libhdf5-openmpi-dev": ("hdf5", "HDF5"),
    "libopenblas-openmp-dev": ("openblas", None),
    "libscalapack-openmpi-dev": ("scalapack", None),
    "libcriterion-dev": (None, None),  # neither has it
    "libyaml-dev": ("libyaml", "libyaml"),
    "libjansson-dev": ("jansson", "Jansson"),
    "libdeflate-dev": ("libdeflate", "libdeflate"),
    "zlib1g-dev": ("zlib-api", "zlib"),
    "liblzf-dev": ("liblzf", "liblzf"),
    "libxxhash-dev": ("xxhash", "xxHash"),
    "uthash-dev": ("uthash", "uthash"),
    "librandom123-dev": ("random123", "Random123"),
    "libcairo2-dev": ("cairo", "cairo"),
}
SPACK_ONLY = {"m4", "libtool"}  # of its way to run autoreconf

count = 0


def ok(condition, what, *details):
    global count
    count += 1
    print(f"{'ok' if condition else 'not ok'} {count} - {what}")
    for detail in details if not condition else ():
        print(f"# {detail}")


def same(got, wanted, what):
    ok(got == wanted, what, f"got {got}", f"wanted {wanted}")


def listed(text):
    """The packages of the longest apt-get line, its continued lines joined."""
    found = re.findall(r"apt-get.* install (?:-\S+ )*((?:[^\n]*\\\n)*[^\n]*)", text)
    words = max(found, key=len).replace("\\\n", " ").split()
    return [w for w in words if not w.startswith("-")]


def known(arguments):
    """Those among the arguments for configure that it does not have."""
    unknown = []
    for argument in arguments:
        name = argument.split("=")[0]
        bare = re.sub(r"^--(?:without|disable)-", lambda m: m[0].replace("without", "with")
                      .replace("disable", "enable"), name)
        if name.startswith("--") and bare not in options:
            unknown.append(name)
        elif not name.startswith("--") and name not in variables:
            unknown.append(name)
    return unknown


# ---- Debian: one list -------------------------------------------------------------------

setup = (top / "build-aux/setup.sh").read_text()
debian = re.search(r'^packages="(.*?)"', setup, re.S | re.M)[1].split()
same(sorted(debian), sorted(NAMES), "this test knows the packages of build-aux/setup.sh")
same(sorted(listed((top / "README.md").read_text())), sorted(debian),
     "README.md names the packages of build-aux/setup.sh")
named = set()
for macro in (top / "m4").glob("rg_*.m4"):
    named |= set(re.findall(r"\b(lib[a-z0-9-]+-dev|uthash-dev|zlib1g-dev)\b", macro.read_text()))
same(sorted(named), sorted(p for p in debian if p.endswith("-dev")),
     "configure names the same packages")

page = (top / "docs/guide/install.md").read_text()
table = re.findall(r"`(--(?:with|without|enable)-[a-z-]+)", page)
same(known(table), [], "docs/guide/install.md names options that configure has")
own = set()
for file in [top / "configure.ac", *(top / "m4").glob("rg_*.m4")]:
    own |= set(re.findall(r"AS_HELP_STRING\(\[(--[a-z-]+)", file.read_text()))
ok(len(own) >= 5 and own <= set(table), "and all that are its own", own - set(table))

# ---- Spack ------------------------------------------------------------------------------


class Spec:
    """What configure_args asks of a spec."""

    def __init__(self, name="regatta", on=()):
        self.name, self.on = name, on
        self.mpicc = f"/{name}/bin/mpicc"
        self.headers = types.SimpleNamespace(cpp_flags=f"-I/{name}/include")
        self.libs = types.SimpleNamespace(ld_flags=f"-L/{name}/lib -l{name}")

    def __getitem__(self, name):
        assert name in depends, f"spec[{name!r}] is no dependency"
        return Spec(name)


class AutotoolsPackage:
    def enable_or_disable(self, name):
        assert name in variants
        return [f"--{'enable' if name in self.spec.on else 'disable'}-{name}"]

    def with_or_without(self, name):
        assert name in variants
        return [f"--{'with' if name in self.spec.on else 'without'}-{name}"]


depends, variants, versions, licences = {}, {}, [], []
stand_in = types.ModuleType("spack.package")
stand_in.AutotoolsPackage = AutotoolsPackage
stand_in.depends_on = lambda spec, type=("build", "link"), when=None: depends.update(
    {re.split(r"[@+~ %]", spec)[0]: type})
stand_in.variant = lambda name, default, description: variants.update({name: default})
stand_in.version = lambda number, **how: versions.append(number)
stand_in.license = lambda name, **how: licences.append(name)
sys.modules["spack"] = types.ModuleType("spack")
sys.modules["spack.package"] = stand_in

recipe = packages / "spack/packages/regatta/package.py"
names = {}
exec(compile(ast.parse(recipe.read_text()), str(recipe), "exec"), names)
regatta = names["Regatta"]
ok(issubclass(regatta, AutotoolsPackage), "Spack: class Regatta is an AutotoolsPackage")
ok(len(regatta.__doc__) > 60, "Spack: it says what it is")
same(versions, [version], "Spack: the version is that of configure.ac")
same(licences, ["BSD-3-Clause"], "Spack: the licence")
same(set(depends) - SPACK_ONLY, {s for s, _ in NAMES.values() if s},
     "Spack: the dependencies are those of build-aux/setup.sh")
for on in ((), tuple(variants)):
    package = regatta()
    package.spec = Spec(on=on)
    same(known(package.configure_args()), [],
         f"Spack: configure has the options of variants ({' '.join(on) or 'none'})")
ok((packages / "spack/repo.yaml").read_text().startswith("repo:\n  namespace: regatta"),
   "Spack: the folder is a repository of packages")

# ---- EasyBuild --------------------------------------------------------------------------

CONSTANTS = {"SYSTEM": {"name": "system", "version": "system"},
             "SOURCELOWER_TAR_XZ": "%(namelower)s-%(version)s.tar.xz",
             "SOURCE_TAR_GZ": "%(name)s-%(version)s.tar.gz"}
NEEDED = {"easyblock", "name", "version", "homepage", "description", "toolchain", "sources",
          "sanity_check_paths", "moduleclass"}
configs = {}
for path in sorted((packages / "easybuild").glob("*.eb")):
    values = dict(CONSTANTS)
    exec(compile(ast.parse(path.read_text()), str(path), "exec"), values)
    configs[values["name"]] = values
    same(sorted(NEEDED - set(values)), [], f"EasyBuild: {path.name} has what is needed")
    chain = values["toolchain"]
    suffix = "" if chain["name"] == "system" else f"-{chain['name']}-{chain['version']}"
    same(path.name, f"{values['name']}-{values['version']}{suffix}.eb",
         f"EasyBuild: {path.name} is named after what it builds")
    ok(values["name"] == "regatta" or re.fullmatch("[0-9a-f]{64}", values["checksums"][0]),
       f"EasyBuild: {path.name} has a checksum of what is downloaded")
config = configs["regatta"]
same(config["version"], version, "EasyBuild: the version is that of configure.ac")
needs = {d[0]: d for d in config["dependencies"] + config["builddependencies"]}
same(set(needs), {e for _, e in NAMES.values() if e},
     "EasyBuild: the dependencies are those of build-aux/setup.sh")
for name in set(configs) - {"regatta"}:
    same(needs[name][1], configs[name]["version"], f"EasyBuild: {name} is the one beside it")
given = re.findall(r"(?:^| )(--[a-z-]+|[A-Z0-9_]+)(?==| |$)",
                   re.sub(r'"[^"]*"', "", config["configopts"]))
ok(len(given) >= 6, "EasyBuild: options for configure are seen", given)
same(known(given), [], "EasyBuild: configure has its options")

# ---- Apptainer --------------------------------------------------------------------------

definition = (packages / "apptainer/regatta.def").read_text()
header, *rest = re.split(r"^%(\w+)[^\n]*\n", definition, flags=re.M)
sections = dict(zip(rest[::2], rest[1::2]))
head = dict(re.findall(r"^(\w+): (\S+)$", header, re.M))
same(head, {"Bootstrap": "docker", "From": "debian:12"}, "Apptainer: the base is Debian 12")
same(sorted(sections), sorted("files post environment runscript test labels help".split()),
     "Apptainer: its sections")
same(sorted(set(listed(sections["post"])) - {"xz-utils"}), sorted(debian),
     "Apptainer: the packages are those of build-aux/setup.sh")
same(set(re.findall(r"regatta-(\d[\d.]*\d)", definition)), {version},
     "Apptainer: the archive is of the version of configure.ac")
same(re.search(r"Version (\S+)", sections["labels"])[1], version, "Apptainer: and the label")
same(known(re.findall(r"--with\S+", sections["post"])), [],
     "Apptainer: configure has its options")
for name in ("post", "test", "runscript", "environment"):
    Path(sys.argv[2]).with_name(f"section_{name}").write_text(sections[name])
print(f"1..{count}")
