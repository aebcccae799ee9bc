"""report_peer.py check PAGE RUN [LACKING...]: is the page of a run whole, well formed, on its
own and true to the files of the run; a line "ok ..." or "not ok ..." for each thing. Sections
that are named after RUN are there without contents.
report_peer.py names RESULTS: give the labels of results names that are hard to show.
report_peer.py drop PAGE SECTION OUT: the page without what is in a section.
report_peer.py blank PICTURE.png: exit 1 when a picture has hardly any colours."""
import csv
import json
import os
import re
import struct
import sys
import zlib
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "source"}
SECTIONS = ["cells", "losses", "scores", "groups", "modalities", "time", "origin"]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.where = [], [], None
        self.text = {name: "" for name in ["summary", *SECTIONS]}
        self.tags = {name: [] for name in self.text}
        self.outside, self.ids, self.all = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.all.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for key, value in attributes.items():
            if key in ("src", "srcset", "href") and not value.startswith(("data:", "#")):
                self.outside.append(value[:60])
            if key.startswith("on") or key in ("action", "poster"):
                self.outside.append(key)
        if tag in ("section", "header") and attributes.get("id") in self.text:
            self.where = attributes["id"]
        if self.where:
            self.tags[self.where].append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")
        if tag in ("section", "header"):
            self.where = None

    def handle_data(self, data):
        if self.where:
            self.text[self.where] += data

    def pictures(self, section):
        return [a for t, a in self.tags[section] if t == "img"]


def say(good, what):
    print(("ok " if good else "not ok ") + what)


def check_form(text, page):
    say(not page.wrong and not page.open, f"well formed {page.wrong[:3]}{page.open[:3]}")
    say(text.startswith("<!DOCTYPE html>") and '<html lang="en">' in text, "HTML in English")
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    say(not page.outside and "url(" not in style and "@import" not in style,
        f"nothing from outside {page.outside[:3]}")
    say("script" not in page.all, "no script")
    links = re.findall(r'href="#([^"]*)"', text)
    say(sorted(links) == sorted(SECTIONS) and set(links) <= set(page.ids), "links lead somewhere")
    images = [a for name in page.text for a in page.pictures(name)]
    say(all(len(a.get("alt", "")) > 20 for a in images), "pictures have words in their stead")
    tables = [a for tags in page.tags.values() for t, a in tags if t == "table"]
    say(tables and all(a.get("aria-label") for a in tables), "tables have captions")
    say(page.all.count("h1") == 1 and page.all.count("h2") == len(SECTIONS), "headings")
    say("prefers-color-scheme:dark" in style and "@media print" in style
        and 'name="viewport"' in text, "dark, paper and phone")


def rows_of(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f))


def check_contents(page, run, lacking):
    lines = {}
    metrics = rows_of(f"{run}/metrics.csv")
    with open(f"{run}/commands.jsonl", encoding="utf-8") as f:
        commands = [json.loads(line) for line in f]
    scores = json.load(open(f"{run}/scores.json")) if os.path.exists(f"{run}/scores.json") else {}
    text, cells = page.text, [a["alt"] for a in page.pictures("cells")]
    lines["cells"] = len(cells) == 4 and all("coloured by" in alt for alt in cells)
    terms = {row["term"] for row in metrics}
    lines["losses"] = (len(page.pictures("losses")) == 1
                       and all(t in text["losses"] for t in terms))
    numbers = [k for k, v in scores.items() if isinstance(v, float)]
    lines["scores"] = (len(page.pictures("scores")) == 1 and "★" in text["scores"]
                       and all(f"{scores[k]:.4f}" in text["scores"] for k in numbers)
                       and all(c in text["scores"] for c in scores["controls"]))
    lines["groups"] = len(page.pictures("groups")) == 1 and "%" in text["groups"]
    lines["modalities"] = all(m in text["modalities"] for m in ("rna", "atac", "adt",
                                                                "rna + atac + adt"))
    phases = [row["phase"] for row in rows_of(f"{run}/timers.csv") if row["phase"] != "report"]
    lines["time"] = (len(page.pictures("time")) == 2
                     and all(p in text["time"] for p in phases)
                     and all(r["host"] in text["time"] for r in rows_of(f"{run}/ranks.csv")))
    lines["origin"] = (all(c["command"] in text["origin"] and c["version"] in text["origin"]
                           and c["input"] in text["origin"] for c in commands)
                       and os.environ["HASH"] in text["origin"] and "seed" in text["origin"])
    if "time" not in lacking:  # configuration as the run wrote it, with where values came from
        config = open(f"{run}/used_config.yaml", encoding="utf-8").read()
        lines["origin"] = lines["origin"] and config.strip() in text["origin"]
    for name, good in lines.items():
        if name in lacking:
            say("missing" in str(page.tags[name]) and not page.pictures(name),
                f"{name}: said to be missing")
        else:
            say(good, f"{name}: as the run has it")


def check_summary(page, lacking):
    words = page.text["summary"]
    say(all(w in words for w in ("cells", "multivi", "recipe", "clusters", "knn_purity")),
        "summary: the main numbers")
    say(("Not converged" in words) != ("losses" in lacking),
        "summary: not converged after three epochs")


def hard_names(path):
    import h5py
    names = ["<script>alert('1')</script>", "\u03b1\u03b2 T-Zelle \u2013 na\u00efve & \"quoted\"",
             "a very long name of a type of cell " * 12, "</section></body>", "\u4e2d\u6587"]
    with h5py.File(path, "r+") as f:
        group = f["obs/cell_type"]
        n = len(group["categories"])
        attributes = dict(group["categories"].attrs)
        del group["categories"]
        group.create_dataset("categories", data=names[:n], dtype=h5py.string_dtype())
        group["categories"].attrs.update(attributes)


def is_blank(path):
    data, at, packed = open(path, "rb").read(), 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + n] if kind == b"IDAT" else b""
        at += n + 12
    raw = zlib.decompress(packed)
    return len(set(raw[i:i + 3] for i in range(0, len(raw) - 3, 3))) < 200


def main():
    verb = sys.argv[1]
    if verb == "check":
        text = open(sys.argv[2], encoding="utf-8").read()
        page = Page(text)
        check_form(text, page)
        check_summary(page, sys.argv[4:])
        check_contents(page, sys.argv[3], sys.argv[4:])
    elif verb == "names":
        hard_names(sys.argv[2])
    elif verb == "drop":
        text = open(sys.argv[2], encoding="utf-8").read()
        text = re.sub(f'(<section id="{sys.argv[3]}">\n<h2>[^<]*</h2>).*?</section>',
                      r"\1</section>", text, flags=re.S)
        open(sys.argv[4], "w", encoding="utf-8").write(text)
    else:
        sys.exit(is_blank(sys.argv[2]))


main()
