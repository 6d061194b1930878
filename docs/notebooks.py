"""The tutorial as notebooks, made from its pages.

    python docs/notebooks.py            write `docs/notebooks/*.ipynb`
    python docs/notebooks.py --check    exit status 1 if something would change
    python docs/notebooks.py --run      run every cell of every notebook

Blocks with prompts become cells without them: what they show is then computed. Pictures are shown from the folder.
"""

import argparse
import doctest
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
FOLDER = DOCS / "notebooks"
FENCE = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|\.\./)([^)#\s]+)\.md((?:#[^)]*)?)\)")


def cells(text: str) -> Iterator[dict]:
    """Markdown and code, in order."""
    end = 0
    for match in FENCE.finditer(text):
        yield from prose(text[end : match.start()])
        yield from code(match[1])
        end = match.end()
    yield from prose(text[end:])


def prose(text: str) -> Iterator[dict]:
    """Words between blocks, if there are any; links to pages of the tutorial lead to their notebooks."""
    if text.strip():
        yield {"cell_type": "markdown", "metadata": {}, "source": lines(LINK.sub(r"](\1.ipynb\2)", text.strip()))}


def code(source: str) -> Iterator[dict]:
    """A block as one cell, or where it has prompts one cell for each group of statements up to an output."""
    parts = [source.strip()]
    if ">>>" in source:
        parts, waiting = [], ""
        for example in doctest.DocTestParser().get_examples(source):
            waiting += example.source
            if example.want:
                parts.append(waiting.strip())
                waiting = ""
        parts += [waiting.strip()] * bool(waiting)
    for part in parts:
        yield {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines(part)}


def lines(text: str) -> list[str]:
    """The text as notebooks keep it."""
    return text.splitlines(keepends=True)


def notebook(page: Path) -> str:
    """A page as a notebook."""
    found = [{"id": f"cell-{k}", **cell} for k, cell in enumerate(cells(page.read_text(encoding="utf-8")))]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": found, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def run(path: Path) -> None:
    """Run a notebook; an error in a cell is raised."""
    import nbformat
    from nbclient import NotebookClient

    found = nbformat.read(path, as_version=4)
    NotebookClient(found, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in found.cells)} cells ran")


def main() -> int:
    """Write, check or run; the exit status is 1 where a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--run", action="store_true")
    args = parser.parse_args()
    if args.run:
        for path in sorted(FOLDER.glob("*.ipynb")):
            run(path)
        return 0
    kept = {FOLDER / f"{page.stem}.ipynb": notebook(page) for page in sorted(DOCS.glob("tutorial/[0-9]*.md"))}
    stale = [path for path, text in kept.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in FOLDER.glob("*.ipynb") if path not in kept]
    if args.check:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is not what docs/notebooks.py makes", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        if path in kept:
            path.write_text(kept[path], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
