"""How fast recorded functions are replayed: `python -m bench.replay [P1 P3 ...]` prints measure, target and result.

Everything is a multiple of the time of the function itself in plain NumPy, in the same run and on one thread unless
it says otherwise; every Jacobian is confirmed against its closed form before it is timed.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

import jacfwd as jf
from bench import problems
from bench.measure import direction_of, growth, peak_memory, verify
from bench.problems import Problem
from bench.report import Row, Section, targets_met

__all__ = ["Measure", "measures"]

Array = npt.NDArray[Any]
Calls = Mapping[str, Callable[[], object]]


@dataclasses.dataclass(frozen=True)
class Measure:
    """One figure: the problem, what is compared with what, its size, the target (None: told, not asked for)."""

    problem: str
    text: str
    n: int | None
    measured: float
    target: float | None = None
    unit: str = "x f"

    @property
    def key(self) -> str:
        """What names it from one run to the next."""
        return f"{self.problem}, {self.text}" + (f", n = {self.n:,}" if self.n is not None else "")

    @property
    def missed(self) -> bool:
        """Whether the target was not reached."""
        return self.target is not None and self.measured > self.target

    def __str__(self) -> str:
        verdict = "    " if self.target is None else "MISS" if self.missed else "ok  "
        target = "" if self.target is None else f" (target {self.target:g})"
        return f"{verdict} {self.key}: {self.measured:.3g} {self.unit}{target}"


# Clocks


def best(calls: Calls, seconds: float = 1.0, clock: Callable[[], float] = time.process_time) -> dict[str, float]:
    """The shortest time of one call of each, called in turn for about so many seconds.

    What else a machine does only ever adds time, so that the least of many is the one to compare.
    """
    numbers, spent = {}, 0.0
    for name, call in calls.items():
        call()
        number, taken = 1, timed(call, 1, clock)
        while taken < 1e-3:
            number *= 2
            taken = timed(call, number, clock)
        numbers[name], spent = number, spent + taken
    found = dict.fromkeys(calls, np.inf)
    for _ in range(max(5, int(seconds / spent))):
        for name, call in calls.items():
            found[name] = min(found[name], timed(call, numbers[name], clock) / numbers[name])
    return found


def timed(call: Callable[[], object], number: int, clock: Callable[[], float]) -> float:
    """Time of so many calls."""
    start = clock()
    for _ in range(number):
        call()
    return clock() - start


# Jacobians


def confirmed(problem: Problem, J: Any) -> None:
    """Compare a Jacobian with the closed form; AssertionError: a benchmark of a wrong result is a defect."""
    assert problem.jacobian is not None or problem.n > 1000
    if problem.jacobian is None:
        v = direction_of(problem)
        verify(problem, v, np.reshape(J @ v, np.shape(problem.function(problem.point))))
        return
    expected = problem.jacobian(problem.point)
    if sp.issparse(J) or sp.issparse(expected):
        J, expected = sp.csr_array(J), sp.csr_array(expected)
    difference, largest = abs(J - expected), abs(expected).max()
    assert difference.max() <= 1e-12 * largest, f"{problem.title}: wrong by {difference.max() / largest:.2g}"


def sparse_jacobians(cases: Sequence[tuple[Problem, float | None]], text: str = "Jacobian") -> Iterator[Measure]:
    """Replay of sparse Jacobians into the same matrix, over f."""
    for problem, target in cases:
        f, x = problem.function, problem.point
        G = jf.trace(f, x)
        out = G.jacobian(x, sparse=True)
        confirmed(problem, out)
        times = best({"f": partial(f, x), "J": partial(G.jacobian, x, sparse=True, out=out)})
        yield Measure(problem.name, text, problem.n, times["J"] / times["f"], target)


def brusselator() -> Iterator[Measure]:
    """P1: the Jacobian over both forms of f, preparation, a block of seeds, growth and memory."""
    sides, targets = (32, 100, 316, 1000), (0.3, 0.6, 1.2, 1.2)
    seconds: list[list[float]] = [[], []]
    for side, target in zip(sides, targets, strict=True):
        problem, fast = problems.brusselator(side), problems.brusselator(side, slices=True)
        f, x = problem.function, problem.point
        start = time.process_time()
        G = jf.trace(f, x)
        out = G.jacobian(x, sparse=True)
        preparation = time.process_time() - start
        confirmed(problem, out)
        replay = partial(G.jacobian, x, sparse=True, out=out)
        times = best({"f": partial(f, x), "fast f": partial(fast.function, x), "J": replay})
        yield Measure("P1", "Jacobian", problem.n, times["J"] / times["f"], target)
        yield Measure("P1", "Jacobian over the fastest form of f", problem.n, times["J"] / times["fast f"])
        limit = {316: 0.5, 1000: 5.0}.get(side)
        yield Measure("P1", "recording and preparation", problem.n, preparation, limit, "s")
        seconds[0].append(times["J"])
        seconds[1].append(preparation)
    sizes = [2.0 * side**2 for side in sides]
    yield Measure("P1", "exponent of growth of the replay", None, growth(sizes[1:], seconds[0][1:]), unit="")
    yield Measure("P1", "exponent of growth of preparation", None, growth(sizes[1:], seconds[1][1:]), unit="")
    problem = problems.brusselator(100)
    G = jf.trace(problem.function, problem.point)
    peak = peak_memory(lambda: G.jacobian(problem.point, sparse=True))
    yield Measure("P1", "peak memory of preparation", problem.n, peak / (6 * problem.n), None, "bytes per nonzero")
    lines = [line for line in G.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    yield Measure("P1", "statements per node of the graph", None, len(lines) / len(G.data.nodes), unit="")
    yield from seeds(problems.brusselator(100), 12)


def seeds(problem: Problem, p: int) -> Iterator[Measure]:
    """A block of p seeds, pushed forward at once; per seed."""
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    V = np.random.default_rng(0).normal(size=(p, x.size))
    moved = G.push(x, V)
    np.testing.assert_allclose(moved, (problem.jacobian(x) @ V.T).T, rtol=0, atol=1e-12 * np.abs(moved).max())
    times = best({"f": partial(f, x), "block": partial(G.push, x, V)})
    yield Measure(problem.name, f"{p} seeds at once, each", problem.n, times["block"] / times["f"] / p, 0.75)


def stencils() -> Iterator[Measure]:
    """P2, P3 and P5."""
    yield from sparse_jacobians([(problems.burgers(64), 1.2), (problems.burgers(256), 2.5)])
    for make in (problems.bratu, partial(problems.bratu, assigned=True)):
        yield from sparse_jacobians([(make(100), 2.0), (make(1000), 2.0)])
    for banded in (problems.broyden_tridiagonal, problems.broyden_banded):
        yield from sparse_jacobians([(banded(10**4), 2.0), (banded(10**6), 2.0)])
    yield from sparse_jacobians([(problems.burgers(64, upwind=True), None), (problems.arrowhead(10**5), None)])


def irregular() -> Iterator[Measure]:
    """P9 and P10."""
    yield from sparse_jacobians([(problems.bundle_adjustment(21, 11315, 36455), 3.5)])
    yield from sparse_jacobians([(problems.gather_scatter(2 * 10**5), 2.0)], "Jacobian, 10^6 terms")
    yield from sparse_jacobians([(problems.gather_scatter(2 * 10**5, at=True), None)], "Jacobian, 10^6 terms")


# Loops and small things


def loops() -> Iterator[Measure]:
    """P4: a loop in Python."""
    problem = problems.heat(1000)
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    out = G.jacobian(x, sparse=True)
    confirmed(problem, out)
    np.testing.assert_allclose(G(x), f(x), rtol=1e-14)
    calls = {"f": partial(f, x), "value": partial(G, x), "J": partial(G.jacobian, x, sparse=True, out=out)}
    times = best(calls)
    yield Measure("P4", "value", problem.n, times["value"] / times["f"], 0.02)
    yield Measure("P4", "Jacobian", problem.n, times["J"] / times["f"], 0.05)


def logistic(a: Any, b: Any, x: Any) -> Any:
    """P8 of three scalars."""
    return 1 / (1 + np.exp(-(a * x + b)))


def small() -> Iterator[Measure]:
    """P8 as scalars, and Robertson's system."""
    g = jf.gradient(logistic, argnums=(0, 1, 2), record=True)
    s = logistic(2.0, -1.0, 0.75)
    np.testing.assert_allclose(g(2.0, -1.0, 0.75), s * (1 - s) * np.array([0.75, 1.0, 2.0]), rtol=1e-14)
    times = best({"f": partial(logistic, 2.0, -1.0, 0.75), "g": partial(g, 2.0, -1.0, 0.75)})
    yield Measure("P8", "gradient of the scalar form, one call", None, 1e6 * times["g"], 2.0, "us")
    yield Measure("P8", "gradient of the scalar form", None, times["g"] / times["f"])
    problem = problems.robertson()
    f, x = problem.function, problem.point
    once, kept = jf.jacobian(f), jf.jacobian(f, record=True)
    confirmed(problem, once(x))
    start = time.process_time()
    kept(x)
    confirmed(problem, kept(x))  # the second call is the first that finds a recording, and compiles it
    first = time.process_time() - start
    times = best({"f": partial(f, x), "once": partial(once, x), "kept": partial(kept, x)})
    yield Measure("P12", "Robertson, one-off Jacobian", 3, 1e3 * times["once"], 0.5, "ms")
    yield Measure("P12", "Robertson, replay of the Jacobian", 3, 1e6 * times["kept"], 5.0, "us")
    yield Measure("P12", "Robertson, first two calls: recording, compilation", 3, 1e3 * first, 20.0, "ms")


def gradients() -> Iterator[Measure]:
    """P7: gradient, sparse Hessian, products with the Hessian."""
    for n, target in ((1000, 1.5), (10**6, 2.0)):
        problem = problems.rosenbrock(n)
        f, x = problem.function, problem.point
        G = jf.trace(f, x)
        confirmed(problem, np.reshape(G.gradient(x), (1, -1)))
        times = best({"f": partial(f, x), "g": partial(G.gradient, x)})
        yield Measure("P7", "Rosenbrock, gradient", n, times["g"] / times["f"], target)
    problem = problems.rosenbrock(10**4)
    f, x, v = problem.function, problem.point, direction_of(problem)
    G = jf.trace(f, x)
    H, Hv = rosenbrock_hessian(x), G.hvp(x, v)[1]
    assert abs(G.hessian(x, sparse=True) - H).max() <= 1e-12 * abs(H).max()
    np.testing.assert_allclose(Hv, H @ v, rtol=0, atol=1e-12 * np.abs(Hv).max())
    times = best({"f": partial(f, x), "H": partial(G.hessian, x, sparse=True), "Hv": partial(G.hvp, x, v)})
    yield Measure("P7", "Rosenbrock, sparse Hessian", problem.n, times["H"] / times["f"], 5.0)
    yield Measure("P7", "Rosenbrock, Hessian times a vector, value included", problem.n, times["Hv"] / times["f"], 4.0)


def rosenbrock_hessian(x: Array) -> sp.csr_array:
    """The closed form: tridiagonal."""
    diagonal = np.zeros(x.size)
    diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    beside = -400 * x[:-1]
    return sp.diags_array([beside, diagonal, beside], offsets=[-1, 0, 1]).tocsr()


def elementwise() -> Iterator[Measure]:
    """P13 on one thread and on two."""
    problem = problems.elementwise_chain(10**6)
    f, x, v = problem.function, problem.point, direction_of(problem)
    G = jf.trace(f, x)
    verify(problem, v, G.jvp(x, v)[1])
    for count, target in ((1, 1.5), (2, 0.85)):
        jf.set_threads(count)
        try:
            times = best({"f": partial(f, x), "jvp": partial(G.jvp, x, v)}, clock=time.perf_counter)
        finally:
            jf.set_threads(1)
        text = "value and JVP, " + ("one thread" if count == 1 else "two threads")
        yield Measure("P13", text, problem.n, times["jvp"] / times["f"], target)


def dense() -> Iterator[Measure]:
    """P11: the Jacobian of a perceptron with respect to its input."""
    problem = problems.perceptron(512)
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    confirmed(problem, G.jacobian(x))
    times = best({"f": partial(f, x), "J": partial(G.jacobian, x)})
    yield Measure("P11", "dense Jacobian", problem.n, times["J"] / times["f"])


BESIDE = """
import numpy, scipy.sparse.linalg, time
start = time.perf_counter()
import jacfwd
print(time.perf_counter() - start)
"""


def imports() -> Iterator[Measure]:
    """What importing costs beyond NumPy and scipy.sparse.linalg."""
    with tempfile.TemporaryDirectory() as cache:  # where bytecode goes, in case that it is not kept
        where = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        where |= {"PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": str(Path(jf.__file__).parent.parent)}
        found = [float(subprocess.check_output([sys.executable, "-c", BESIDE], env=where)) for _ in range(9)]
    yield Measure("import", "jacfwd beyond numpy and scipy.sparse.linalg", None, 1e3 * min(found), 50.0, "ms")


measures: dict[str, Callable[[], Iterator[Measure]]] = {
    "P1": brusselator,
    "P2-P5": stencils,
    "P4": loops,
    "P7": gradients,
    "P8": small,
    "P9-P10": irregular,
    "P11": dense,
    "P13": elementwise,
    "import": imports,
}


def rows(names: Sequence[str]) -> list[Row]:
    """Measures by name, as rows of a table; what fails is a row without a figure."""
    found: list[Row] = []
    for name in names:
        for each in measures[name]():
            row = {"problem": each.problem, "measure": each.text, "n": each.n, "measured": float(each.measured)}
            verdict = "" if each.target is None else "no" if each.missed else "yes"
            found.append({**row, "unit": each.unit, "target": each.target, "met": verdict})
    return found


def section(quick: bool = False) -> Section:
    """The table, with the number of targets met."""
    table = rows(QUICK if quick else list(measures))
    return Section(
        title="Replay",
        about="What has been recorded is run again, at the same point: shortest times of many calls in turn. `x f` "
        "is the multiple of the time of the function in plain NumPy. Sparse Jacobians are written into the same "
        "matrix (`out=`). Everything on one thread unless it says otherwise.",
        rows=table,
        result=targets_met(table),
    )


def regressions(table: Sequence[Row], before: Sequence[Row]) -> list[str]:
    """Ratios that are more than `SLACK` times those of an earlier table; seconds are never compared."""
    known = {(row["problem"], row["measure"], row["n"]): row for row in before}
    found = []
    for row in table:
        old = known.get((row["problem"], row["measure"], row["n"]))
        if (
            old is not None
            and row["unit"] == "x f"
            and float(row["measured"] or 0) > SLACK * float(old["measured"] or 0)
        ):
            what = f"{row['problem']}, {row['measure']}" + (f", n = {row['n']}" if row["n"] else "")
            found.append(f"{what}: {row['measured']:.3g} x f, was {old['measured']:.3g}")
    return found


QUICK = ("P4", "P7", "P8")
# How many times larger a ratio may be than it was before it counts as a regression: other work disturbs them.
SLACK = 1.5


def main() -> int:
    """Print every measure, or those named on the command line; the exit status is 0 if all targets are met."""
    missed = 0
    for name in sys.argv[1:] or measures:
        try:
            for measure in measures[name]():
                print(measure, flush=True)
                missed += measure.missed
        except Exception as error:  # one failure must not hide what the others show
            print(f"MISS {name}: {type(error).__name__}: {error}", flush=True)
            missed += 1
    print(f"{missed} missed" if missed else "all targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
