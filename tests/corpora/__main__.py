"""`python -m tests.corpora [package ...] [--autograd SDIST]`: real code, unmodified, differentiated and judged.

Packages: scipy, astropy, lmfit, colour, opfunu, skfem, statsmodels (the extra `corpora`), and autograd's own checks,
for which the path of its source distribution has to be given. The result goes to docs/corpora.md and .json.
"""

import argparse
import importlib
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpora import report
from tests.corpora.autograd_suite import replay
from tests.corpora.case import Case
from tests.corpora.judge import Verdict, agrees, judge

MODULES = {
    "scipy": "scipy_wheel", "astropy": "astropy_models", "lmfit": "lmfit_lineshapes", "colour": "colour_science",
    "opfunu": "opfunu_functions", "skfem": "skfem_elements", "statsmodels": "statsmodels_models",
}  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs"


def judged(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """The verdicts on cases, as rows."""
    return [row(case.package, case.name, judge(case.f, case.args), agrees(case)) for case in cases]


def row(package: str, name: str, verdict: Verdict, own: bool | None = None) -> dict[str, Any]:
    """One line of the result: what a refusal says, and which line it names, apart from where packages lie."""
    found = {"package": package, "name": name, "verdict": verdict.kind, "own": own}
    if verdict.kind == "refused":
        return found | {"detail": report.reason(verdict.detail), "at": report.place(verdict.detail)}
    return found | {"detail": verdict.detail, "at": ""}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.corpora", description=__doc__)
    parser.add_argument("packages", nargs="*", choices=[*MODULES, []])
    parser.add_argument("--autograd", type=Path, help="autograd's source distribution, a .tar.gz")
    parser.add_argument("--save", action="store_true", help="write docs/corpora.md and docs/corpora.json")
    options = parser.parse_args()
    rows = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in options.packages or ([] if options.autograd else MODULES):
            cases = importlib.import_module(f"tests.corpora.packages.{MODULES[name]}").cases()
            rows += judged(cases)
        if options.autograd:
            suite = replay(options.autograd)
            rows += [row("autograd", name, verdict) for name, verdict in suite.checks]
            rows += [row("autograd", name, Verdict("not replayed", why)) for name, why in suite.skipped]
    print(report.text(rows))
    if options.save:
        lines = [json.dumps({key: value for key, value in each.items() if value not in ("", None)}) for each in rows]
        (DOCS / "corpora.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
        (DOCS / "corpora.md").write_text(report.page(rows))
    raise SystemExit(any(each["verdict"] == "wrong" for each in rows))


if __name__ == "__main__":
    main()
