"""The documentation runs: every Python block of a page, in order, in one namespace.

A block with prompts (`>>>`) is a doctest, whose output must be the one shown; any other is simply run. A comment
`<!-- needs: numba -->` on the line before passes over a block where that package is not installed.
"""

import contextlib
import doctest
import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest

from tests.test_ladder import RANKS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)]
FENCE = re.compile(r"^(?:<!-- needs: (\w+) -->\n)?```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(page):
    """The Python blocks of a page that can run: line number (from 1) of the first line, and text."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start(2)) + 1, match[2])
        for match in FENCE.finditer(text)
        if match[1] is None or importlib.util.find_spec(match[1])
    ]


def run(page):
    """Run a page's blocks; tracebacks and doctest reports name the line in the Markdown file."""
    namespace = {"__name__": page.stem}
    for line, source in blocks(page):
        if ">>>" in source:
            run_doctest(source, namespace, page, line)
        else:
            code = compile("\n" * (line - 1) + source, str(page), "exec")
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, namespace)


def run_doctest(source, namespace, page, line):
    test = doctest.DocTestParser().get_doctest(source, {}, page.stem, str(page), line - 1)
    test.globs = namespace
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)
    if runner.run(test, out=report.write, clear_globs=False).failed:
        pytest.fail(report.getvalue(), pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run(page):
    with np.errstate(), np.printoptions():
        run(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(page):
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def listed(page):
    """The pages that a page's tables of contents name, patterns written out."""
    for table in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for entry in table.splitlines():
            if entry and not entry.startswith(":"):
                yield from page.parent.glob(f"{entry}.md")


def test_every_page_is_linked():
    """From the front page of the documentation every other page can be reached."""
    reached, waiting = set(), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            targets = LINK.findall(page.read_text(encoding="utf-8"))
            waiting += [path.resolve() for path in listed(page)]
            waiting += [(page.parent / t).resolve() for t in targets if t.endswith(".md") and "://" not in t]
    pages = {page.resolve() for page in PAGES if page.name != "README.md"}
    assert pages - {page.resolve() for page in reached} == set()


def test_the_picture_of_the_modules_is_true():
    """The table of the architecture page lists every module and package with its rank, and nothing else."""
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    table = {name: int(rank) for rank, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    package = ROOT / "jacfwd"
    there = {p.stem for p in package.glob("*.py")} | {p.parent.name for p in package.glob("*/__init__.py")}
    assert table == {name: RANKS[name] for name in there}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\n>>> 1 + 1\n3\n```\n", "line 2"),
        ("```python\nx = 1\n```\n\n```python\n>>> x\n2\n```\n", "line 6"),
    ],
)
def test_a_wrong_output_is_found(tmp_path, text, complaint):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(pytest.fail.Exception, match=complaint):
        run(page)


def test_blocks_that_need_a_package_are_passed_over_without_it(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- needs: no_such_package -->\n```python\n1 / 0\n```\n<!-- needs: numpy -->\n```python\nx = 1\n```\n"
    )
    assert blocks(page) == [(7, "x = 1\n")]


def test_a_failing_block_is_found_with_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nx = 1\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        run(page)
    assert caught.traceback[-1].lineno == 4
