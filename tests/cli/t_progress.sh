#!/bin/sh
# t_progress.sh: a bar on a terminal that fits it, plain text in a log.
. "${top_srcdir:-.}/tests/cli/lib.sh"
. "${top_srcdir:-.}/tests/cli/python.sh"

file=$scratch/cells.h5mu
on 1 simulate -o "$file" --cells 600 --genes 300 --peaks 600 --proteins 5
ok $? 'simulate'
test "$(tr -d -c '\r\033' <"$scratch/err" | wc -c)" = 0
ok $? 'no bar where stderr is a file'

if ! python_with pty; then
  skip 'a bar on a terminal' 'there is no Python with pty'
  finish
fi
"$python" - "$regatta" "$file" "$scratch/run" >"$scratch/said" 2>&1 <<'END'
import fcntl, os, pty, re, struct, sys, termios

regatta, file, run = sys.argv[1:]
COLUMNS = 60
command = [regatta, "train", file, "-o", run, "--recipe", "clue", "--set", "clue.epochs=4",
           "--log", "warn"]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    os.execv(regatta, command)
said = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    said += piece
status = os.waitpid(pid, 0)[1]
text = said.decode().replace("\r\n", "\n")
bars = [b.removesuffix("\033[K") for b in re.findall(r"\r([^\r\n]*)", text)]
assert status == 0, text
assert len(bars) > 3, text
assert all(b.isascii() and len(b) < COLUMNS for b in bars), bars
train = [b for b in bars if b.startswith("train")]
shares = [int(re.search(r"(\d+)%", b).group(1)) for b in train]
assert shares == sorted(shares) and shares[-1] == 100, shares
last = text.rindex(train[-1])
assert text[last:].split("\n")[0].endswith("\033[K"), text[last:]
END
ok $? 'a bar in one line of the terminal, up to the end, and then a new line'
sed 's/^/# /' "$scratch/said"
finish
