"""Sphinx configuration of the site. docs/build.sh copies docs, adds the reference that the
program prints of itself, and runs Sphinx with this.

The pages are plain Markdown, which also reads well where the sources are hosted:
the table of contents of a folder is the links of its index.md, in their order."""
import os
import re

project = "regatta"
author = "the regatta developers"
copyright = "2026, the regatta developers"

extensions = ["myst_parser"]
myst_heading_anchors = 4
highlight_language = "none"
smartquotes = False
exclude_patterns = ["Makefile.am", "build.sh"]

html_theme = "sphinx_rtd_theme"
html_theme_options = {"navigation_depth": 3, "collapse_navigation": True}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_title = "regatta"

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```\s*$)", re.M | re.S)


def rewrite(folder, match):
    """A link to a folder leads to its index; one that leaves docs becomes the path."""
    picture, text, target = match.groups()
    if picture or re.match(r"[a-z]+:|#", target):
        return match.group(0)
    path, _, anchor = target.partition("#")
    path = os.path.normpath(os.path.join(folder, path))
    if path.startswith(".."):
        path = path.replace("../", "")
        name = text.strip("`")
        return f"`{path}`" if name in path else f"{text} (`{path}`)"
    if not path.endswith(".md") and "." not in os.path.basename(path):
        return f"[{text}]({target.rstrip('/')}/index.md)"
    return match.group(0)


def contents(text, extra=()):
    """The pages linked from an index, as a table of contents."""
    pages = [t.partition("#")[0] for p, _, t in LINK.findall(FENCE.sub("", text))
             if not p and ".md" in t and not t.startswith("..") and ":" not in t]
    pages = [p[:-3] for p in dict.fromkeys(pages)]
    hidden = "" if extra else ":hidden:\n"
    return f"\n\n```{{toctree}}\n{hidden}:maxdepth: 1\n\n" + \
        "\n".join([*pages, *extra]) + "\n```\n"


def read(app, name, source):
    """Called by Sphinx with each page before it is parsed."""
    folder = os.path.dirname(name)
    parts = FENCE.split(source[0])
    text = "".join(p if p.startswith("```") else LINK.sub(lambda m: rewrite(folder, m), p)
                   for p in parts)
    if os.path.basename(name) == "index":
        extra = []
        if folder == "reference":
            with open(os.path.join(app.srcdir, folder, "contents"), encoding="utf-8") as f:
                extra = f.read().split()
        text += contents(text, extra)
    source[0] = text


def setup(app):
    app.connect("source-read", read)
