"""How good is `method="auto"`? Every method is timed on every problem: `python -m bench.choice [P1 P9 ...]`.

What `auto` takes is decided by an estimate from sizes and structure alone, before anything is timed. It should be the
fastest method, or one within 1.5 times of it, in at least nine cases of ten: of P1 to P13, with which the estimate's
constants were found, and of functions that it had not seen then (`bench.further`), counted separately.
"""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jacfwd as jf
from bench import problems
from bench.further import FURTHER
from bench.problems import Problem
from bench.report import Row, Section
from jacfwd.estimates import Explanation

__all__ = ["Case", "cases", "section"]

METHODS = ("forward", "compress", "accumulate", "reverse")
WITHIN, SHARE = 1.5, 0.9
# Methods that would take longer than so many times the cheapest estimate, or more numbers than so many, are not run.
HOPELESS, NUMBERS = 1e3, 1e7
SIZES: dict[str, tuple[Callable[[int], Problem], tuple[int, ...]]] = {
    "P1": (problems.brusselator, (5, 70)),
    "P2": (problems.bratu, (10, 100)),
    "P2-assigned": (partial(problems.bratu, assigned=True), (10, 100)),
    "P3": (problems.burgers, (5, 70)),
    "P3-upwind": (partial(problems.burgers, upwind=True), (5, 70)),
    "P4": (problems.heat, (20, 500)),
    "P4-vectorised": (partial(problems.heat, loop=False), (100, 10**4)),
    "P5-tridiagonal": (problems.broyden_tridiagonal, (10, 100, 10**4)),
    "P5-banded": (problems.broyden_banded, (10, 100, 10**4)),
    "P6": (problems.arrowhead, (10, 100, 10**4)),
    "P7-rosenbrock": (problems.rosenbrock, (2, 100, 10**4)),
    "P7-ackley": (problems.ackley, (2, 100, 10**4)),
    "P8": (problems.logistic_regression, (4, 64, 1024)),
    "P9": (lambda k: problems.bundle_adjustment(1 + k // 150, 1 + k // 3, k), (6, 3000)),
    "P10": (problems.gather_scatter, (100, 10**4)),
    "P11-input": (problems.perceptron, (6, 100, 400)),
    "P11-weights": (problems.perceptron_of_weights, (3, 16)),
    "P12-robertson": (lambda _: problems.robertson(), (3,)),
    "P12-network": (lambda _: problems.mass_action(), (20,)),
    "P13": (problems.elementwise_chain, (10, 1000, 10**5)),
}
QUICK = ("P12-robertson", "P7-rosenbrock")


@dataclasses.dataclass(frozen=True)
class Case:
    """One problem, dense or sparse, in a single call or by replay: what was chosen, and the seconds of each method."""

    problem: Problem
    sparse: bool
    prepared: bool
    chosen: str
    seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """The time of what was chosen over that of the fastest."""
        return self.seconds[self.chosen] / min(self.seconds.values())

    def row(self) -> Row:
        """As a row of the table, times in microseconds."""
        return {
            "problem": self.problem.name,
            "n": self.problem.n,
            "m": self.problem.m,
            "result": "sparse" if self.sparse else "dense",
            "call": "replay" if self.prepared else "single",
            **{method: 1e6 * self.seconds[method] if method in self.seconds else None for method in METHODS},
            "auto": self.chosen,
            "over the fastest": self.ratio,
        }


def cases(names: Sequence[str], seconds: float = 0.1) -> Iterator[Case]:
    """Every case of these problems; each method is run for about so many seconds."""
    for name in names:
        build, sizes = (SIZES | FURTHER)[name]
        for size in sizes:
            problem = build(size)
            for sparse in (False, True):
                for prepared in (False, True) if sparse or problem.m * problem.n <= NUMBERS else ():
                    yield case(problem, sparse, prepared, seconds)


def case(problem: Problem, sparse: bool, prepared: bool, seconds: float) -> Case:
    """One case: the methods in turn, the shortest time of each."""
    f, x = problem.function, problem.point
    explained = jf.jacobian(f, sparse=sparse, record=prepared).explain(x)
    calls = {}
    for method in METHODS:
        if feasible(explained, method, problem):
            J = jf.jacobian(f, sparse=sparse, method=method, record=prepared, verify=False)
            for _ in range(3 if prepared else 1):
                J(x)
            calls[method] = partial(J, x)
    return Case(problem, sparse, prepared, explained.chosen, shortest(calls, seconds))


def feasible(explained: Explanation, method: str, problem: Problem) -> bool:
    """Whether a method is worth a try."""
    least = min(each.cost for each in explained.estimates.values())
    seeds = explained.estimates[method].seeds or 0
    affordable = explained.estimates[method].cost <= HOPELESS * max(least, 1e5)
    return affordable and seeds * max(problem.n, problem.m) <= 3 * NUMBERS


def shortest(calls: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Least processor time of one call of each."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(3):
        for name, call in calls.items():
            spent, number, start = 0.0, 0, time.process_time()
            while spent < seconds / 3 and number < 300:
                call()
                number += 1
                spent = time.process_time() - start
            found[name] = min(found[name], spent / number)
    return found


def section(quick: bool = False) -> Section:
    """The table, with the share of cases in which the choice was good."""
    found, fresh = (list(cases(QUICK if quick else list(sizes))) for sizes in (SIZES, {} if quick else FURTHER))
    shares = [share(found, "of P1 to P13"), *([share(fresh, "of other functions")] if fresh else [])]
    return Section(
        title="The choice of a method",
        about="Processor time of each method in microseconds, a single call (recording included) or a replay of a "
        'recording; `auto` is what `method="auto"` takes by its estimate. Methods without a time were hopeless. The '
        "estimate's constants were found with P1 to P13; it had not seen the functions with other names.",
        rows=[each.row() for each in [*found, *fresh]],
        result=f"`auto` takes the fastest method, or one within {WITHIN} times of it, in {' and in '.join(shares)} "
        f"(asked for: {SHARE:.0%}).",
    )


def good(found: Sequence[Case]) -> int:
    """In how many cases the choice was good."""
    return sum(each.ratio <= WITHIN for each in found)


def share(found: Sequence[Case], text: str) -> str:
    """How many that is, in words."""
    return f"{good(found)} of {len(found)} cases {text} ({good(found) / len(found):.0%})"


def main() -> int:
    """Print every case, or those of the problems named; the exit status is 0 if enough choices were good."""
    missed = 0
    for sizes, text in ((SIZES, "of P1 to P13"), (FURTHER, "of other functions")):
        found = []
        for each in cases([name for name in sys.argv[1:] or sizes if name in sizes]):
            found.append(each)
            times = ", ".join(f"{method} {1e6 * spent:.0f}" for method, spent in each.seconds.items())
            kind = f"{'sparse' if each.sparse else 'dense'}, {'replay' if each.prepared else 'single call'}"
            verdict = "    " if each.ratio <= WITHIN else "MISS"
            print(f"{verdict} {each.problem.title}, {kind}: {each.chosen}, {each.ratio:.2f} of the best ({times} us)")
            sys.stdout.flush()
        if found:
            print(f"within {WITHIN} of the best: {share(found, text)}")
            missed += good(found) < SHARE * len(found)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
