"""Mutation testing: how many small mistakes in a file do the tests that reach it notice?

A mutant is a file with one operator, constant, comparison, condition, result or statement changed. Coverage by test
tells which tests reach the line; they run against the mutant up to the first failure (`tests/mutant_runs.py`). Run by
`.ci/mutation`; the samples depend on nothing but the seed and the file. Verdicts are kept as they come, so that a run
goes on where it was left, and takes up changed files anew.
"""

import argparse
import ast
import datetime
import hashlib
import json
import os
import random
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import hypothesis  # noqa: F401  (imported once, before the forks)
import numpy  # noqa: F401
import scipy.linalg
import scipy.sparse.linalg
import scipy.special  # noqa: F401
from coverage import CoverageData

from tests.mutant_runs import SAME, Collected, Verdict, collect, fresh, swapped_codes
from tests.mutants import mutants

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "mutation.md"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.toml"
READINGS = [f"tests/test_{name}.py" for name in ("accumulate", "chain", "layers", "linear", "methods", "cost")]
TESTS = {
    "jacfwd/formats": ["tests/formats", *READINGS],
    "jacfwd/rules": [
        "tests/rules",
        *(f"tests/recording/test_{name}.py" for name in ("indexing", "methods", "operators")),
        *(f"tests/laws/test_{name}.py" for name in ("conventions", "programs")),
    ],
}
MOST_TESTS = 300
NEAR = (0, 2, 8)

Reach = dict[int, list[str]]


class Sample:
    """Some mutants of a file, in the order of its text."""

    def __init__(self, path: Path, reach: Reach, options: argparse.Namespace) -> None:
        self.path, self.reach, self.seed = path, reach, options.seed
        self.source = path.read_text(encoding="utf-8")
        self.digest = hashlib.sha256(self.source.encode()).hexdigest()[:16]
        found = mutants(ast.parse(self.source))
        chosen = self.random().sample(range(len(found)), len(found))[: options.mutants]
        self.chosen = {k: found[k] for k in sorted(chosen, key=lambda k: found[k].line)}

    def random(self, what: object = "") -> random.Random:
        return random.Random(f"{self.seed} {self.path.name} {what}".strip())

    def tree(self, k: int | None) -> ast.Module:
        """The module, with one mutant made."""
        tree = ast.parse(self.source)
        if k is not None:
            mutants(tree)[k].apply()
        return ast.fix_missing_locations(tree)

    def tests(self, k: int) -> list[str]:
        """Tests that reach the mutant: its line, or (at import) anything, the nearest lines first."""
        line, rng = self.chosen[k].line, self.random(k)
        if on_line := [test for test in self.reach.get(line, ()) if test]:
            return varied(on_line, rng)[:MOST_TESTS]
        near, far = self.uses(line), defaultdict(set)
        for n, tests in self.reach.items():
            distance = 0 if n in near else abs(n - line)
            far[next((d for d in NEAR if distance <= d), len(self.source))].update(tests)
        found = [test for d in sorted(far) for test in varied(sorted(far[d] - {""}), rng)]
        return list(dict.fromkeys(found))[:MOST_TESTS]

    def uses(self, line: int) -> set[int]:
        """Lines that use what a line at import defines: names, or the parameters of a function."""
        tree = ast.parse(self.source)
        at = next((s for s in tree.body if s.lineno <= line <= (s.end_lineno or 0)), None)
        if isinstance(at, ast.FunctionDef):
            return set(range(line, (at.end_lineno or line) + 1))
        names = {n.id for n in ast.walk(at) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} if at else ()
        found = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        return {n.lineno for n in found if n.id in names}

    def at_import(self, k: int) -> bool:
        """Whether the line runs before any test, or within none."""
        return not self.reach.get(self.chosen[k].line) or "" in self.reach[self.chosen[k].line]

    def record(self, k: int, killer: Verdict) -> dict:
        mutant = self.chosen[k]
        code = self.source.splitlines()[mutant.line - 1].strip()
        return {"file": str(self.path.relative_to(ROOT)), "digest": self.digest, "mutant": k, "line": mutant.line,
                "code": code, "change": mutant.change, "killer": killer}  # fmt: skip


def reaching(group: str, scratch: Path) -> dict[str, Reach]:
    """For each file and line of a group the tests that reach it; '' for import and collection."""
    data = scratch / group.replace("/", "-")
    if not data.exists():
        command = [sys.executable, "-m", "pytest", "-n", "2", f"--cov={group}", "--cov-context=test",
                   "--cov-report=", "--cov-fail-under=0", *SAME, *TESTS[group]]  # fmt: skip
        subprocess.run(command, cwd=ROOT, env={**os.environ, "COVERAGE_FILE": str(data)}, check=True)
    found = CoverageData(str(data))
    found.read()
    reach: dict[str, Reach] = defaultdict(dict)
    for path in found.measured_files():
        for line, contexts in found.contexts_by_lineno(path).items():
            reach[path][line] = sorted({context.partition("|")[0] for context in contexts})
    return reach


def varied(tests: list[str], rng: random.Random) -> list[str]:
    """In random order, but by turns: of every file one, within it one case of every function before a second of any."""
    shuffled = rng.sample(tests, len(tests))
    return by_turns(by_turns(shuffled, "["), "::")


def by_turns(tests: list[str], until: str) -> list[str]:
    """The first of every group, then the second ...; groups share what stands before a sign."""
    groups: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        groups[test.partition(until)[0]].append(test)
    return [test for turn in zip_longest(*groups.values()) for test in turn if test]


def examine(sample: Sample, todo: list[int], collected: Collected) -> Iterator[tuple[int, Verdict, bool]]:
    """Mutants with the tests that fail, if any; those of what runs at import are left, and marked as such."""
    original = compile(sample.tree(None), str(sample.path), "exec")
    sound: dict[str, bool] = {}
    for k in todo:
        tests = sample.tests(k)
        if not tests:
            yield k, None, True
            continue
        codes = swapped_codes(original, compile(sample.tree(k), str(sample.path), "exec"))
        if not codes:
            yield k, None, False
            continue
        while True:
            made, killer = collected.judged(sample.path, codes, tests)
            if killer not in tests:
                break
            if killer not in sound:
                sound[killer] = collected.judged(sample.path, {}, [killer])[1] is None
            if sound[killer]:
                break
            tests.remove(killer)  # it fails although nothing is changed
        yield k, killer, made and (killer is not None or not sample.at_import(k))


def examine_imports(sample: Sample, left: list[int], files: list[str]) -> Iterator[tuple[int, Verdict]]:
    """Mutants of what runs at import, each in a process that imports it: tests of one file first, then of all."""
    for k in left:
        tests = sample.tests(k)
        counts = defaultdict(int)
        for test in tests:
            counts[test.partition("::")[0]] += 1
        killer = None
        for chosen in sorted(counts, key=lambda f: -counts[f])[:1], sorted(counts, key=lambda f: -counts[f])[1:]:
            some = [test for test in tests if test.partition("::")[0] in chosen]
            if killer is None and some:
                killer = fresh(sample.path, ROOT, sample.tree(k), some)
                if killer in some and fresh(sample.path, ROOT, None, [killer]) is not None:
                    killer = None
        yield k, killer


class Kept:
    """Verdicts in a file of one JSON object a line; the last of a mutant counts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[tuple, dict]:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return {(r["file"], r["digest"], r["mutant"]): r for r in map(json.loads, lines)}

    def add(self, record: dict) -> None:
        with self.path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(record) + "\n")
        outcome = record["killer"] or "SURVIVED"
        print(f"{record['file']}:{record['line']} {record['change']}: {outcome}", file=sys.stderr, flush=True)


def measure(group: str, samples: list[Sample], kept: Kept, again: bool) -> None:
    """Judge what has no verdict yet (or survived, if again) of some files of a group."""
    known, equal = kept.all(), equivalents()

    def todo(sample: Sample) -> list[int]:
        file = str(sample.path.relative_to(ROOT))
        had = {k: known.get((file, sample.digest, k)) for k in sample.chosen}
        return [k for k, r in had.items() if r is None or (again and not r["killer"] and not reason(r, equal))]

    wanted = {sample: todo(sample) for sample in samples}
    left = {sample: [] for sample in samples}
    listen, tell = os.pipe()

    def work(collected: Collected) -> None:
        for sample, which in wanted.items():
            for k, killer, made in examine(sample, which, collected):
                if made:
                    kept.add(sample.record(k, killer))
                else:
                    left[sample].append(k)
        os.write(tell, json.dumps(list(left.values())).encode())

    # In a process of its own, so that this one stays without any import of the package.
    child = os.fork()
    if child == 0:
        collect(TESTS[group], work)
        os._exit(0)
    os.close(tell)
    with os.fdopen(listen) as told:
        text = told.read()
    os.waitpid(child, 0)
    for sample, which in zip(samples, json.loads(text), strict=True):
        for k, killer in examine_imports(sample, which, TESTS[group]):
            kept.add(sample.record(k, killer))


def equivalents() -> dict[tuple, str]:
    """Why mutants compute the same, by file, code and change."""
    return {(e["file"], e["code"], e["change"]): e["why"] for e in tomllib.loads(EQUIVALENT.read_text())["mutant"]}


def reason(record: dict, known: dict[tuple, str]) -> str | None:
    """Why this mutant computes the same, if it does."""
    return known.get((record["file"], record["code"], record["change"])) or known.get(
        (record["file"], record["code"], "*")
    )


def report(results: dict[str, list[dict]], seed: int) -> str:
    """The page: scores by file and directory, then the survivors; equivalent mutants do not count."""
    known = equivalents()
    rows, listed = [], []
    total: dict[str, list[int]] = {f"jacfwd/{name}/": [0, 0, 0] for name in ("rules", "formats")}
    for file, found in results.items():
        alive = [r for r in found if not r["killer"]]
        why = [reason(r, known) for r in alive]
        counts = len(found), len(found) - len(alive), sum(text is not None for text in why)
        rows.append(row(f"`{file}`", *counts))
        directory = file.rpartition("/")[0] + "/"
        total[directory] = [a + b for a, b in zip(total[directory], counts, strict=True)]
        for record, text in zip(alive, why, strict=True):
            verdict = f"equivalent: {text}" if text else "**survived**"
            listed.append(f"* `{file}:{record['line']}` `{record['code']}`: {record['change']}. {verdict}")
    head = (PAGE.read_text(encoding="utf-8") if PAGE.exists() else "").partition("<!-- results -->")[0]
    date = datetime.datetime.now(datetime.UTC).date()
    sums = [row(f"**`{directory}`**", *counts) for directory, counts in total.items() if counts[0]]
    table = ["| file | mutants | killed | equivalent | score |", "|---|---|---|---|---|", *sums, *rows]
    listed = listed or ["None."]
    return "\n".join(
        [head + "<!-- results -->", "", f"Seed {seed}, {date}.", "", *table, "", "## Survivors", "", *listed, ""]
    )


def row(name: str, count: int, killed: int, equivalent: int) -> str:
    """A row of the table."""
    counted = count - equivalent
    return f"| {name} | {count} | {killed} | {equivalent} | {f'{100 * killed / counted:.1f} %' if counted else ''} |"


def main() -> None:
    """Examine the files named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files under jacfwd/rules and jacfwd/formats; all by default")
    parser.add_argument("--mutants", type=int, default=10, help="how many of a file's mutants are tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="try once more what survived")
    parser.add_argument("--report", action="store_true", help="write the page from the verdicts kept; run nothing")
    parser.add_argument("--scratch", type=Path, default=ROOT / ".mutation", help="where coverage and verdicts are kept")
    options = parser.parse_args()
    options.scratch.mkdir(exist_ok=True)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(options.scratch / "hypothesis")
    kept = Kept(options.scratch / "verdicts.jsonl")
    results = defaultdict(list)
    for group in TESTS:
        files = [ROOT / f for f in options.files if f.startswith(group)]
        files = files if options.files else sorted((ROOT / group).glob("*.py"))
        if not files:
            continue
        reach = {} if options.report else reaching(group, options.scratch)
        samples = [Sample(path, reach.get(str(path), {}), options) for path in files]
        if not options.report:
            measure(group, samples, kept, options.again)
        verdicts = kept.all()
        for sample in samples:
            file = str(sample.path.relative_to(ROOT))
            keys = [(file, sample.digest, k) for k in sample.chosen]
            results[file] = [verdicts[key] for key in keys if key in verdicts]
    page = report(results, options.seed)
    print(page.partition("<!-- results -->")[2])
    if not options.files:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
