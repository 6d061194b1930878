"""The site: `sphinx-build -W docs docs/_build`, which `.ci/docs` does with warnings as errors."""

import re
from pathlib import Path

from jacfwd import __version__

project = "jacfwd"
author = "jacfwd contributors"
copyright = "jacfwd contributors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# A test sees to it that every page is linked, be it from a table of contents or from a text.
suppress_warnings = ["toc.not_included"]

html_theme = "furo"
html_title = f"jacfwd {version}"
html_static_path = []

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = True
# Other projects' inventories would need the network; references to them are left as text.
intersphinx_mapping = {}

# Pages that are files of the repository's root.
ROOT = Path(__file__).parent.parent
PAGES = {"readme": "README.md", "changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}


def renamed(app, docname, source):
    """Fill in the files of the root, and lead links to them to these pages."""
    text = source[0]
    if docname in PAGES:
        text = (ROOT / PAGES[docname]).read_text(encoding="utf-8").replace("](docs/", "](")
        text = re.sub(r"\[([^\]]*)\]\((?:LICENSE|CITATION\.cff)\)", r"\1", text)
    for page, file in PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)*{file}", f"](/{page}.md", text)
    source[0] = text


def sectioned(app, what, name, obj, options, lines):
    """Headings before examples and paragraphs after a section; words after a colon as an indented line."""
    text = "\n".join(lines)
    made, inside = [], False
    for paragraph in re.split(r"\n\s*\n", text):
        first, _, rest = paragraph.partition("\n")
        if re.match(r"-{4,}", rest):
            inside = True
            paragraph = re.sub(r"^(\S.*?) : (.*)$", r"\1\n    \2", paragraph, flags=re.MULTILINE)
        elif first.startswith(">>>"):
            made.append("Examples\n--------")
            inside = False
        elif inside and " : " not in first and not first.startswith(" "):
            made.append("Notes\n-----")
            inside = False
        made.append(paragraph)
    # One backtick is code in these docstrings, as in Markdown.
    lines[:] = re.sub(r"(?<![`:\w])`([^`\n]+)`(?!`)", r"``\1``", "\n\n".join(made)).split("\n")


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", renamed)
    app.connect("autodoc-process-docstring", sectioned, priority=400)
