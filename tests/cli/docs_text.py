"""docs_text.py links|words|losses ROOT: what is wrong with the links of the pages under
ROOT, or the words that they are written in, or what is wrong with the pages of losses, one
a line. Exit code 1 when something is wrong.

A link leads to a file of the sources, and its anchor to a heading there; an address is an
address by its form (nothing is asked of the network). A path of the sources in code
(`src/base/fault.c`) is there as well. Rows of a table are as wide as its head."""
import glob
import json
import os
import re
import sys

PATTERNS = ("*.md", "docs/**/*.md", "examples/**/*.md", "jobs/**/*.md", "modules/**/*.md",
            "tests/**/*.md")
LINK = re.compile(r"!?\[(?:[^\]]*)\]\(([^)\s]*)\)")
ADDRESS = re.compile(r"https?://[\w-]+(\.[\w-]+)+(:\d+)?(/[^\s<>\"]*)?$|mailto:\S+@\S+$")
PATH = re.compile(r"`((?:src|tests|include|docs|jobs|examples|modules|build-aux|m4)/"
                  r"[\w./+-]*[\w/])`")


def pages(root):
    """All pages, without those of a build folder."""
    found = [p for pattern in PATTERNS
             for p in glob.glob(os.path.join(root, pattern), recursive=True)]
    return sorted(p for p in set(found) if "/build" not in p[len(root):])


def prose(text):
    """A page without fenced and indented code and comments, its lines kept."""
    def blank(match):
        return "\n" * match.group(0).count("\n")
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.S)
    text = re.sub(r"^ *(`{3,}).*?^ *\1", blank, text, flags=re.S | re.M)
    lines, before = text.split("\n"), ""
    for k, line in enumerate(lines):
        code = line.startswith("    ") and not before.strip()
        before = "" if code else line
        lines[k] = "" if code else line
    return "\n".join(lines)


def anchors(path):
    """The anchors of a page's headings, as hosts of sources and MyST make them."""
    with open(path, encoding="utf-8") as f:
        titles = re.findall(r"^#+ +(.*)$", prose(f.read()), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def wrong(page, target):
    """What is wrong with a link of a page, or None."""
    if re.match(r"[a-z]+:", target):
        return None if ADDRESS.match(target) else "is no address"
    name, _, anchor = target.partition("#")
    path = os.path.join(os.path.dirname(page), name) if name else page
    if not os.path.exists(path):
        return "is not there"
    if anchor and (not path.endswith(".md") or anchor not in anchors(path)):
        return "has no such heading"
    return None


def torn_rows(text):
    """Numbers of the lines that are rows of a table with more or fewer cells than its
    head: what is beyond is not shown."""
    wide = 0
    for number, line in enumerate(text.split("\n"), 1):
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        wide = (wide or cells) if cells else 0
        if cells != wide:
            yield number


def links(root):
    """Print wrong links and paths, and torn rows of tables; their number."""
    count = 0
    for page in pages(root):
        with open(page, encoding="utf-8") as f:
            text = prose(f.read())
        for number in torn_rows(text):
            print(f"{os.path.relpath(page, root)}:{number}: a row of another width")
            count += 1
        for number, line in enumerate(text.split("\n"), 1):
            found = [(t, wrong(page, t)) for t in LINK.findall(re.sub(r"`[^`]*`", "", line))]
            found += [(t, "is not there") for t in PATH.findall(line)
                      if not re.search(r"[A-Z]{4}", t) and
                      not os.path.exists(os.path.join(root, t))]
            for target, why in found:
                if why:
                    print(f"{os.path.relpath(page, root)}:{number}: {target} {why}")
                    count += 1
    return count


def words(root):
    """Print the words of the pages' prose, each once; code and addresses left out."""
    found = set()
    for page in pages(root):
        with open(page, encoding="utf-8") as f:
            text = prose(f.read())
        text = re.sub(r"`[^`]*`", " ", text)
        text = LINK.sub(lambda m: m.group(0).partition("](")[0], text)
        text = re.sub(r"https?://\S+|\S+@\S+|\S*_\S*|\S+/\S+\.\w+", " ", text)
        found |= set(re.findall(r"(?<![\w'.])[A-Za-z][a-z]+(?![\w(=^])", text))
    print("\n".join(sorted(found)))


def users(root):
    """For each loss the recipes whose sources in src/model ask for it."""
    found = {}
    for path in glob.glob(os.path.join(root, "src/model/*.c")):
        stem = os.path.basename(path)[:-2]
        recipe = re.sub(r"_(parts|decode)$", "", stem.removeprefix("recipe_"))
        with open(path, encoding="utf-8") as f:
            for call in re.findall(r"\brg_loss\(([^,]*,[^,]*),", f.read()):
                for loss in re.findall(r'"(\w+)"', call):
                    found.setdefault(loss, set()).add(recipe)
    return found


def losses(root, known):
    """Print what the pages of losses lack: an option, or a recipe; their number."""
    count, uses = 0, users(root)
    for loss in known:
        path = os.path.join(root, "docs/theory/losses", loss["name"] + ".md")
        if not os.path.exists(path):
            print(f"{loss['name']}: has no page in docs/theory/losses")
            count += 1
            continue
        with open(path, encoding="utf-8") as f:
            text = f.read()
        said = re.search(r"^Used by: (.*?)\.$", text, flags=re.M | re.S)
        names = set(re.findall(r"\w+", said.group(1))) if said else set()
        names -= {"no", "recipe", "yet"}
        if names != uses.get(loss["name"], set()):
            print(f"{loss['name']}: used by {sorted(uses.get(loss['name'], []))}, said "
                  f"are {sorted(names)}")
            count += 1
        for option in loss["options"]:
            if not re.search(rf"`{option['name']}\b", text):
                print(f"{loss['name']}: nothing of its option {option['name']}")
                count += 1
    return count


if __name__ == "__main__":
    if sys.argv[1] == "words":
        words(sys.argv[2])
    elif sys.argv[1] == "losses":
        sys.exit(losses(sys.argv[2], json.load(sys.stdin)) > 0)
    else:
        sys.exit(links(sys.argv[2]) > 0)
