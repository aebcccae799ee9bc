"""docs_commands.py TOP SCRATCH REGATTA [PAGE...]: run what the pages show; prints TAP.

A block of commands (sh, console, python, R, or lines that begin with a command) has a mark,
a comment right above it:

  <!-- run -->             run it; needs=NAME,...: where these commands, Python modules and
                           R packages (R:NAME) are there; status=N: it ends with this exit
                           code
  <!-- check: why -->      it cannot run here: its options and the scripts it names are
                           checked
  <!-- setup               (needs=NAME,... behind it, as above)
  commands                 commands that the reader does not see, for stand-in data
  -->                    (`stand-in FILE.h5mu ...` gives names to simulated cells and
                         features: stand_in.py)

The blocks of a page run in order in one folder; training ends after two epochs there,
and there are at most two ranks and 400 simulated cells. In docs/performance, blocks without
a mark are checked."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

COMMAND = re.compile(r"^(\$ +)?((\w+=(\"[^\"]*\"|\S*) +)*(regatta|mpirun|srun|sbatch|make|sh|"
                     r"python3|Rscript|module|cd|apt-get|apt|spack|eb|apptainer|scp|ssh|curl|"
                     r"wget|git) +[-\w./$\"]|\./\w)")
SHELLS = ("sh", "bash", "console", "shell")
WRAPPERS = {
    "regatta": r"""#!/bin/sh
# the program; training ends after two epochs, whatever the recipe, and simulated files have
# 400 cells at the most
case $1 in
simulate)
  cells=2000
  for word; do
    case $last in --cells) cells=$word ;; esac
    last=$word
  done
  test "$cells" -le 400 || set -- "$@" --cells 400
  ;;
train | run)
  recipe=sailerx
  for word; do
    case $last in --config) file=$word ;; --init-from) file=$word/used_config.yaml ;; esac
    case $last in --recipe) name=$word ;; esac
    case $word in train.recipe=*) name=${word#*=} ;; esac
    last=$word
  done
  test -z "$file" || recipe=$(sed -n 's/^  recipe: *\([a-z]*\).*/\1/p' "$file")
  case " $* " in *' --print-config '* | *' --help '*) ;; *)
    case ${name:-$recipe} in
{settings}
    esac ;;
  esac ;;
esac
exec {regatta} "$@"
""",
    "mpirun": """#!/bin/sh
for word; do
  shift
  case $last in -n | -np) test "$word" -le 2 || word=2 ;; esac
  set -- "$@" "$word"
  last=$word
done
exec {mpiexec} "$@"
"""}


class Block:
    """Code of a page: where it begins, its language, its text and the mark above it."""

    def __init__(self, line, language, text, mark):
        self.line, self.language, self.text, self.mark = line, language, text, mark

    def commands(self):
        """The shell commands of the block, or None when it has none."""
        lines = self.text.splitlines()
        known = self.language in SHELLS
        if not known and self.language not in ("", "text"):
            return None
        if not known and not any(COMMAND.match(x) for x in lines):
            return None
        if not any(x.startswith("$ ") for x in lines):
            return self.text
        shown, going = [], False
        for line in lines:
            if line.startswith("$ ") or going:
                shown.append(line[2:] if line.startswith("$ ") else line)
                going = line.endswith("\\")
        return "\n".join(shown) + "\n"


def blocks_of(path):
    """The blocks of code of a page, fenced and indented, and the hidden set-ups."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    found, mark, at, before = [], None, 0, ""
    while at < len(lines):
        line = lines[at]
        fence = re.match(r"( *)(`{3,})([\w-]*)", line)
        if line.startswith("<!--"):
            end = next(k for k in range(at, len(lines)) if "-->" in lines[k])
            text = "\n".join(lines[at:end + 1])[4:].partition("-->")[0].strip()
            at, start = end + 1, at
            first, _, rest = text.partition("\n")
            if re.fullmatch(r"setup( needs=\S+)?", first.strip()):
                found.append(Block(start + 1, "sh", rest + "\n", "run:" + first[5:]))
            elif re.match(r"(run\b|check:)", text):
                mark = text
            before = ""
            continue
        if fence:
            end = next(k for k in range(at + 1, len(lines))
                       if lines[k].strip() == fence.group(2))
            cut = len(fence.group(1))
            text = "\n".join(x[cut:] for x in lines[at + 1:end]) + "\n"
            found.append(Block(at + 1, fence.group(3), text, mark))
            at, mark = end, None
        elif line.startswith("    ") and not before.strip():
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            text = "\n".join(x[4:] for x in lines[at:end]).rstrip() + "\n"
            found.append(Block(at + 1, "", text, mark))
            at, mark = end - 1, None
        elif line.strip():
            mark = None
        before = lines[at]
        at += 1
    return found


def short_settings(regatta):
    """Lines of a case: the settings that make the training of a recipe short."""
    text = subprocess.run([regatta, "list", "recipes", "--as", "json"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    lines = []
    for recipe in json.loads(text):
        names = [o["name"] for o in recipe["options"]]
        sets = [f"--set {recipe['name']}.{name}={epochs}" for name, epochs in
                (("epochs", 2), ("pretrain", 1), ("finetune", 1), ("warm_up", 1))
                if name in names]
        lines.append(f"    {recipe['name']}) set -- \"$@\" {' '.join(sets)} ;;")
    return "\n".join(lines)


class Runner:
    """Runs or checks blocks, and says so in TAP."""

    def __init__(self, top, scratch, regatta):
        self.top, self.scratch, self.regatta = top, scratch, regatta
        self.tests = self.ran = self.checked = self.excepted = self.failed = 0
        self.bin = os.path.join(scratch, "bin")
        os.makedirs(self.bin)
        launcher = shlex.split(os.environ.get("MPIEXEC", "mpirun"))
        launcher[0] = shutil.which(launcher[0]) or launcher[0]
        for name, text in WRAPPERS.items():
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace("{settings}", short_settings(regatta))
                        .replace("{regatta}", shlex.quote(regatta))
                        .replace("{mpiexec}", shlex.join(launcher)))
            os.chmod(path, 0o755)
        os.symlink(sys.executable, os.path.join(self.bin, "python3"))
        path = os.path.join(self.bin, "stand-in")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} "
                    f"{shlex.quote(top)}/tests/cli/stand_in.py \"$@\"\n")
        os.chmod(path, 0o755)
        self.env = dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"],
                        MPLBACKEND="Agg")
        self.known = {}

    def say(self, failed, what, why=""):
        """One line of TAP; the reason of a failure below it."""
        self.tests += 1
        self.failed += bool(failed)
        print(f"{'not ok' if failed else 'ok'} {self.tests} - {what}")
        if failed:
            print("\n".join("# " + x for x in why.splitlines()[-12:]))
        sys.stdout.flush()

    def there(self, name):
        """Whether a command, a Python module or an R package (R:NAME) is installed."""
        if name not in self.known:
            asked = [sys.executable, "-c", f"import {name}"]
            if name.startswith("R:"):
                asked = ["Rscript", "-e", f"q(status = !nzchar(system.file(package = "
                                          f"'{name[2:]}')))"]
            self.known[name] = bool(shutil.which(name) or shutil.which(asked[0]) and
                                    subprocess.run(asked, stderr=subprocess.DEVNULL,
                                                   check=False).returncode == 0)
        return self.known[name]

    def missing(self, block):
        """The first of what a block needs that is not there, or None."""
        needs = re.search(r"needs=(\S+)", block.mark)
        names = needs.group(1).split(",") if needs else []
        if block.language == "r":
            names.insert(0, "Rscript")
        return next((name for name in names if not self.there(name)), None)

    def interpreter(self, block, text):
        """The command that runs a block: Python, R (which reads a file only) or a shell."""
        if block.language == "python":
            return [sys.executable, "-c", text]
        if block.language == "r":
            script = os.path.join(self.scratch, "block.R")
            with open(script, "w", encoding="utf-8") as f:
                f.write(text)
            return ["Rscript", "--vanilla", script]
        return ["sh", "-ec", text]

    def run(self, folder, block, text, what):
        """Run a block in the folder of its page."""
        need = self.missing(block)
        if need:
            self.tests += 1
            print(f"ok {self.tests} - {what} # SKIP {need} is not installed")
            return
        status = re.search(r"status=(\d+)", block.mark)
        try:
            done = subprocess.run(self.interpreter(block, text), cwd=folder, env=self.env,
                                  timeout=100, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            wrong = done.returncode != int(status.group(1) if status else 0)
            self.say(wrong, what, f"{done.stdout}\nstatus {done.returncode}")
        except subprocess.TimeoutExpired as e:
            self.say(True, what, f"{(e.stdout or b'').decode()}\ntakes more than 100 s")
        self.ran += 1

    def check(self, text, what):
        """Options of the program and scripts of a block that cannot run here."""
        wrong = []
        for words in simple_commands(text):
            names = [os.path.basename(w) for w in words]
            if "regatta" in names:
                wrong += self.check_options(words[names.index("regatta") + 1:])
            wrong += [f"there is no {w}" for w in words
                      if re.fullmatch(r"(\./)?(jobs|tests|examples|build-aux|modules|docs)/"
                                      r"[\w./-]+\.(sh|py|def|sbatch)|\./[\w-]+\.sh", w)
                      and not os.path.exists(os.path.join(self.top, w))]
        self.say(wrong, what, "\n".join(wrong))
        self.checked += 1

    def check_options(self, words):
        """What the program says of these words: with --print-config where it takes a
        configuration, which is checked as well; with --help elsewhere."""
        if not words or not re.fullmatch(r"[a-z]+", words[0]):
            return []
        words = [re.sub(r"\bRECIPE$|\bNAME$", "sailer", re.sub(r"\bSEED$", "1", w))
                 for w in words]
        stop = "--print-config" if words[0] in ("train", "run", "prepare") else "--help"
        done = subprocess.run([self.regatta, *words, stop], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              cwd=self.scratch, check=False)
        return [done.stderr.strip()] if done.returncode else []

    def page(self, path):
        """All blocks of a page."""
        name = os.path.relpath(path, self.top)
        folder = os.path.join(self.scratch, re.sub(r"\W", "_", name))
        os.makedirs(os.path.join(folder, "build"))
        os.symlink(os.path.join(self.bin, "regatta"), os.path.join(folder, "build/regatta"))
        for shown in ("examples", "jobs"):
            os.symlink(os.path.join(self.top, shown), os.path.join(folder, shown))
        for block in blocks_of(path):
            code = block.language in ("python", "r")
            text = block.text if code else block.commands()
            if text is None:
                continue
            if block.mark is None and "docs/performance/" in path:
                block.mark = "check: measured elsewhere"
            elif block.mark and block.mark.startswith("check"):
                self.excepted += 1
            first = text.strip().split("\n")[0].rstrip("\\ ")
            what = f"{name}:{block.line}: {first}".replace("#", "")
            if block.mark is None:
                self.say(True, what, "this block has no mark: <!-- run --> or "
                         "<!-- check: why -->, see docs/develop/testing.md")
            elif block.mark.startswith("check"):
                self.check("" if code else text, f"{what} (checked:{block.mark[6:]})")
            else:
                self.run(folder, block, text, what)
        shutil.rmtree(folder)


def simple_commands(text):
    """The words of each simple command of a script; comments and quotes as in a shell."""
    text = re.sub(r"\\\n", " ", text)
    for line in text.splitlines():
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            words = line.split()
        command = []
        for word in [*words, ";"]:
            if re.fullmatch(r"[();<>|&]+", word):
                yield command
                command = []
            else:
                command.append(word)


def main():
    top, scratch, regatta = (os.path.abspath(x) for x in sys.argv[1:4])
    pages = [os.path.join(top, x) for x in sys.argv[4:]]
    every = not pages
    if every:
        for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "jobs/**/*.md",
                        "modules/**/*.md", "tests/**/*.md"):
            pages += sorted(glob.glob(os.path.join(top, pattern), recursive=True))
        pages = [p for p in pages if "/build" not in p[len(top):]]
    runner = Runner(top, scratch, regatta)
    for page in pages:
        runner.page(page)
    if every:
        print(f"# {runner.ran} blocks ran, {runner.checked} were checked only, "
              f"{runner.excepted} of them outside docs/performance")
        runner.say(2 * runner.excepted > runner.ran,
                   f"{runner.ran} blocks ran, at most half as many are excepted")
    print(f"1..{runner.tests}")
    return runner.failed > 0


sys.exit(main())
