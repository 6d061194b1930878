"""Mutation testing: how many small mistakes in a file do the tests that reach it notice?

A mutant is a file with one operator, constant, comparison, condition, result or statement changed. Coverage by test
tells which tests reach the line; they run in a forked process that imports the mutant in place of the module, up to
the first failure. Run by `.ci/mutation`; the samples depend on nothing but the seed and the file.
"""

import argparse
import ast
import importlib.util
import os
import random
import resource
import signal
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from itertools import zip_longest
from pathlib import Path

import hypothesis  # noqa: F401  (imported once, before the forks)
import numpy  # noqa: F401
import pytest
import scipy.linalg
import scipy.sparse.linalg
import scipy.special  # noqa: F401
from coverage import CoverageData

from tests.mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "mutation.md"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.toml"
READINGS = [f"tests/test_{name}.py" for name in ("accumulate", "chain", "layers", "linear", "methods", "cost")]
TESTS = {
    "jacfwd/rules": [
        "tests/rules",
        *(f"tests/recording/test_{name}.py" for name in ("indexing", "methods", "operators")),
        *(f"tests/laws/test_{name}.py" for name in ("conventions", "programs")),
    ],
    "jacfwd/formats": ["tests/formats", *READINGS],
}
# The same examples each time, and no trace left of failures.
QUIET = ["--hypothesis-seed=0", "-p", "no:cacheprovider"]
MOST_TESTS = 150
SECONDS = 60


class MutantLoader(SourceFileLoader):
    """Loads a module from the syntax tree of its mutant."""

    tree: ast.Module

    def get_code(self, fullname):
        return compile(self.tree, self.path, "exec")


class MutantFinder:
    """Finds the mutant where its module is looked for."""

    def __init__(self, module: str, path: str, tree: ast.Module) -> None:
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        loader = MutantLoader(name, self.path)
        loader.tree = self.tree
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


class Chosen:
    """The pytest plugin that runs some tests only."""

    def __init__(self, tests: list[str]) -> None:
        self.rank = {test: k for k, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if item.nodeid in self.rank), key=lambda i: self.rank[i.nodeid])


def reaching(group: str, scratch: Path) -> dict[str, dict[int, list[str]]]:
    """For each file and line of a group the tests that reach it."""
    data = scratch / group.replace("/", "-")
    if not data.exists():
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--cov={group}", "--cov-context=test",
                   "--cov-report=", "--cov-fail-under=0", *QUIET, *TESTS[group]]  # fmt: skip
        subprocess.run(command, cwd=ROOT, env={**os.environ, "COVERAGE_FILE": str(data)}, check=True)
    found = CoverageData(str(data))
    found.read()
    reach: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for path in found.measured_files():
        for line, contexts in found.contexts_by_lineno(path).items():
            reach[path][line] = sorted({context.partition("|")[0] for context in contexts if context})
    return reach


def tests_of(mutant: Mutant, reach: dict[int, list[str]], rng: random.Random) -> list[str]:
    """Tests that reach the mutant: its line, else its statement, else (at import) anything in the file."""
    lines = [range(mutant.line, mutant.line + 1), mutant.statement, reach]
    found: list[str] = next((t for span in lines if (t := sorted({x for n in span for x in reach.get(n, ())}))), [])
    return varied(found, rng)[:MOST_TESTS]


def varied(tests: list[str], rng: random.Random) -> list[str]:
    """In random order, but by turns: one case of every test function before the second of any."""
    cases: dict[str, list[str]] = defaultdict(list)
    for test in rng.sample(tests, len(tests)):
        cases[test.partition("[")[0]].append(test)
    return [test for turn in zip_longest(*cases.values()) for test in turn if test]


def survives(path: Path, mutant: Mutant, tree: ast.Module, tests: list[str]) -> bool:
    """Whether all tests pass with the mutant in the module's place, in a process of its own."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    signal.alarm(6 * SECONDS)
    mutant.apply()
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    sys.meta_path.insert(0, MutantFinder(module, str(path), ast.fix_missing_locations(tree)))
    files = sorted({test.partition("::")[0] for test in tests})
    options = ["-x", "-q", "--assert=plain", "-p", "no:xdist", *QUIET]
    code = pytest.main([*options, *files], plugins=[Chosen(tests)])
    os._exit(int(code) if code != pytest.ExitCode.NO_TESTS_COLLECTED else 0)


def examine(path: Path, reach: dict[int, list[str]], count: int, seed: int) -> Iterator[tuple[Mutant, bool]]:
    """A sample of a file's mutants, each with whether it survived."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found, rng = mutants(tree), random.Random(f"{seed} {path.name}")
    unchanged = Mutant(0, range(0), "nothing", lambda: None)
    if found and not survives(path, unchanged, tree, tests_of(unchanged, reach, rng)):
        raise RuntimeError(f"tests of {path.name} fail although nothing is changed")
    for mutant in sorted(rng.sample(found, min(count, len(found))), key=lambda m: m.line):
        tests = tests_of(mutant, reach, rng)
        lives = not tests or survives(path, mutant, tree, tests)
        print(f"{path.relative_to(ROOT)}:{mutant.line} {mutant.change}: {'SURVIVED' if lives else 'killed'}")
        yield mutant, lives


def report(results: dict[str, list[tuple[Mutant, bool]]], seed: int) -> str:
    """The page: scores by file, then the survivors; equivalent mutants do not count."""
    known = {(e["file"], e["code"], e["change"]): e["why"] for e in tomllib.loads(EQUIVALENT.read_text())["mutant"]}
    rows, listed, total = [], [], [0, 0]
    for file, found in results.items():
        source = (ROOT / file).read_text(encoding="utf-8").splitlines()
        code = {mutant: source[mutant.line - 1].strip() for mutant, _ in found}
        why = {
            mutant: known.get((file, code[mutant], mutant.change)) or known.get((file, code[mutant], "*"))
            for mutant, lives in found
            if lives
        }
        equal = sum(reason is not None for reason in why.values())
        killed, counted = len(found) - len(why), len(found) - equal
        total = [total[0] + killed, total[1] + counted]
        score = f"{100 * killed / counted:.0f} %" if counted else ""
        rows.append(f"| `{file}` | {len(found)} | {killed} | {equal} | {score} |")
        for mutant, reason in why.items():
            verdict = f"equivalent: {reason}" if reason else "**survived**"
            listed.append(f"* `{file}:{mutant.line}` `{code[mutant]}`: {mutant.change}. {verdict}")
    head = (PAGE.read_text(encoding="utf-8") if PAGE.exists() else "").partition("<!-- results -->")[0]
    score = f"Score: **{100 * total[0] / max(total[1], 1):.1f} %** ({total[0]} of {total[1]}), seed {seed}."
    table = ["| file | mutants | killed | equivalent | score |", "|---|---|---|---|---|", *rows]
    return "\n".join([head + "<!-- results -->", "", score, "", *table, "", "## Survivors", "", *listed, ""])


def main() -> None:
    """Examine the files named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files under jacfwd/rules and jacfwd/formats; all by default")
    parser.add_argument("--mutants", type=int, default=20, help="how many of a file's mutants are tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, default=ROOT / ".mutation", help="where coverage by test is kept")
    options = parser.parse_args()
    options.scratch.mkdir(exist_ok=True)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(options.scratch / "hypothesis")
    results = {}
    for group in TESTS:
        files = [ROOT / f for f in options.files if f.startswith(group)] or sorted((ROOT / group).glob("*.py"))
        if options.files and not any(f.startswith(group) for f in options.files):
            continue
        reach = reaching(group, options.scratch)
        for path in files:
            found = list(examine(path, reach.get(str(path), {}), options.mutants, options.seed))
            results[str(path.relative_to(ROOT))] = found
    page = report(results, options.seed)
    print(page.partition("<!-- results -->")[2])
    if not options.files:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
