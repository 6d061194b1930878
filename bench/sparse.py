"""Sparse Jacobians and Hessians, what they must show: `python -m bench.sparse [coloring ...]` prints them.

Times are multiples of the time of the function itself in the same run, on one thread, unless a unit says otherwise;
every matrix is confirmed by directional differences or a closed form first.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

import jacfwd as jf
from bench import further, problems
from bench.measure import direction_of, growth, peak_memory, verify
from bench.problems import Problem
from bench.replay import Measure, best
from bench.report import Row, Section, targets_met
from jacfwd.chain import Chain
from jacfwd.estimates import Estimator
from jacfwd.pattern import Pattern
from jacfwd.program.jacobian import SparseJacobian

__all__ = ["measures", "section"]


def spent(call: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of one call, and what it returned."""
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def confirm(problem: Problem, J: Any) -> None:
    """A Jacobian against a complex step, or differences, in a random direction."""
    v = direction_of(problem)
    verify(problem, v, np.reshape(J @ v.reshape(-1), np.shape(problem.function(problem.point))))


# Structure once, then values


def numeric() -> Iterator[Measure]:
    """Replay of the numeric phase, interpreted node by node and compiled, at n = 10^4 and 10^6."""
    cases = {
        "P1": (problems.brusselator(71), problems.brusselator(707)),
        "P2": (problems.bratu(100), problems.bratu(1000)),
        "P3": (problems.burgers(71), problems.burgers(707)),
        "P5, banded": (problems.broyden_banded(10**4), problems.broyden_banded(10**6)),
        "P10": (problems.gather_scatter(10**4), problems.gather_scatter(10**6)),
    }
    for name, sizes in cases.items():
        for problem in sizes:
            f, x = problem.function, problem.point
            graph = jf.trace(f, x)
            program = SparseJacobian(graph.data, [x], graph.data.inputs)
            out = program([x])[1]
            confirm(problem, out)
            times = best(
                {
                    "f": partial(f, x),
                    "interpreted": partial(program.interpreted, [x]),
                    "compiled": partial(program, [x], out),
                }
            )
            yield Measure(name, "numeric phase, interpreted", problem.n, times["interpreted"] / times["f"], 4)
            yield Measure(name, "numeric phase, program", problem.n, times["compiled"] / times["f"], 4)
    problem = problems.heat(10**4)
    seconds, J = spent(lambda: jf.jacobian(problem.function, sparse=True)(problem.point))
    confirm(problem, J)
    yield Measure("P4", "one-off, a loop over elements", problem.n, seconds, 2, "s")


def preparation() -> Iterator[Measure]:
    """Recording and symbolic phase of P1 in time and memory, and memory at replay."""
    sizes, seconds = [], []
    for side, bound in ((100, None), (316, 0.4), (1000, 4.0)):
        problem = problems.brusselator(side)
        f, x = problem.function, problem.point

        def prepare(f: Any = f, x: Any = x) -> SparseJacobian:
            graph = jf.trace(f, x)
            return SparseJacobian(graph.data, [x], graph.data.inputs)

        taken, program = min((spent(prepare) for _ in range(3)), key=lambda pair: pair[0])
        sizes.append(problem.n)
        seconds.append(taken)
        yield Measure("P1", "recording and symbolic phase", problem.n, taken, bound, "s")
    confirm(problem, program([x])[1])
    yield Measure("P1", "exponent of its growth", None, growth(sizes, seconds), 1.1, "")
    nnz = program.slots.template.size
    del program
    yield Measure("P1", "peak memory of preparation", problem.n, peak_memory(prepare) / nnz, 200, "bytes per entry")
    program = prepare()
    program([x])
    peak = peak_memory(lambda: program.interpreted([x]))
    yield Measure("P1", "peak memory of a replay, interpreted", problem.n, peak / nnz, 60, "bytes per entry")
    yield Measure(
        "P1", "peak memory of a replay", problem.n, peak_memory(lambda: program([x])) / nnz, 60, "bytes per entry"
    )


# Orders of multiplication, and methods


def brackets() -> Iterator[Measure]:
    """Multiply-adds of the bracketing found and of those from one side alone, and the time of a Jacobian."""
    for name, problem in (
        ("P6", problems.arrowhead(10**6)),
        ("P9", problems.bundle_adjustment(21, 11315, 36455)),
        ("hourglass", further.hourglass(600)),
        ("several waists", further.waists(1000)),
        ("scalar feedback", further.feedback(600)),
    ):
        f, x = problem.function, problem.point
        graph = jf.trace(f, x)
        estimator = Estimator(Chain(graph.data, graph.data.evaluate([x]), graph.data.inputs), True, True)
        found, seeds = estimator.bracketing, estimator.seeds()
        for text, count in (
            ("structured, in the order found", found.multiply_adds),
            ("structured, from the input side", found.forward),
            ("structured, from the output side", found.reverse or 0),
            ("forward, a seed for each input", seeds["forward"].multiply_adds),
            ("reverse, a seed for each output", seeds["reverse"].multiply_adds),
        ):
            yield Measure(name, f"multiply-adds {text}", problem.n, count / 1e6, None, "million")
        program = SparseJacobian(graph.data, [x], graph.data.inputs)
        out = program([x])[1]
        confirm(problem, out)
        times = best({"f": partial(f, x), "J": partial(program, [x], out)}, seconds=2)
        yield Measure(name, "Jacobian in the order found", problem.n, times["J"] / times["f"])


def second_order() -> Iterator[Measure]:
    """Hessian of Rosenbrock by replay, and products with it at three sizes."""
    for n in (10**4, 10**5, 10**6):
        problem = problems.rosenbrock(n)
        f, x, v = problem.function, problem.point, np.ones(n)
        graph = jf.trace(f, x)
        H = graph.hessian(x, sparse=True)
        assert H.nnz == 3 * n - 2
        np.testing.assert_allclose(H @ v, graph.hvp(x, v)[1], rtol=1e-10, atol=1e-9)
        times = best(
            {
                "f": partial(f, x),
                "hessian": partial(graph.hessian, x, sparse=True),
                "hvp": partial(graph.hvp, x, v),
            }
        )
        yield Measure("P7", "sparse Hessian of Rosenbrock", n, times["hessian"] / times["f"], 8)
        yield Measure("P7", "Hessian-vector product", n, times["hvp"] / times["f"], 6)


def matrix_free() -> Iterator[Measure]:
    """`linearize` of P1 at a million unknowns, and products with the object."""
    problem = problems.brusselator(707)
    f, x = problem.function, problem.point
    v, V = direction_of(problem), np.random.default_rng(0).normal(size=(problem.n, 4))
    _, J = jf.linearize(f, x)
    confirm(problem, J)
    calls = {
        "f": lambda: f(x),
        "linearize": lambda: jf.linearize(f, x),
        "J @ v": lambda: J @ v,
        "J.T @ w": lambda: J.T @ v,
        "J @ V": lambda: J @ V,
        "J.T @ W": lambda: J.T @ V,
    }
    times = best(calls, seconds=4)
    for name in ("linearize", "J @ v", "J.T @ w"):
        yield Measure("P1", name, problem.n, times[name] / times["f"])
    for name in ("J @ V", "J.T @ W"):
        yield Measure("P1", f"{name}, a column of four", problem.n, times[name] / times["f"] / 4)
    peak = peak_memory(lambda: jf.linearize(f, x)[1] @ v)
    yield Measure("P1", "peak memory of linearize and J @ v", problem.n, peak / x.nbytes, None, "arrays")


# Colors


def brusselator_pattern(side: int) -> Pattern:
    """Of P1, without computing it."""
    at = np.arange(side * side).reshape(side, side)
    near = [np.roll(at, shift, (0, 1)).reshape(-1) for shift in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))]
    own, size = at.reshape(-1), at.size
    rows = np.concatenate([np.tile(own, 6), np.tile(own, 6) + size])
    cols = np.concatenate([*near, own + size, *(place + size for place in near), own])
    return Pattern.from_coo(rows, cols, (2 * size, 2 * size))


def colors() -> Iterator[Measure]:
    """Time and number of colors of P1's pattern; random patterns as well, whose best colors nobody knows."""
    large, medium = brusselator_pattern(707), brusselator_pattern(223)
    seconds, found = spent(lambda: jf.coloring(large, order="natural"))
    yield Measure("P1", "coloring in natural order", found.colors.size, seconds, 3, "s")
    yield Measure("P1", "its colors, best known 12", found.colors.size, found.n_colors, 15, "")
    for kind in ("columns", "rows", "star"):
        pattern = medium | medium.T if kind == "star" else medium
        seconds, found = spent(partial(jf.coloring, pattern, kind))
        yield Measure("P1", f"best coloring of all orders, {kind}", found.colors.size, seconds, 10, "s")
        text = f"its colors ({kind}, at least {found.lower_bound})"
        yield Measure("P1", text, found.colors.size, found.n_colors, None, "")
    random = sp.random_array((10**5, 10**5), density=5e-5, rng=np.random.default_rng(0), format="csr")
    seconds, found = spent(lambda: jf.coloring(random))
    yield Measure("random, 5 per row", "best coloring of all orders", 10**5, seconds, 10, "s")
    yield Measure("random, 5 per row", f"its colors (at least {found.lower_bound})", 10**5, found.n_colors, None, "")


measures: dict[str, Callable[[], Iterator[Measure]]] = {
    "numeric": numeric,
    "preparation": preparation,
    "bracketing": brackets,
    "second order": second_order,
    "matrix-free": matrix_free,
    "coloring": colors,
}
QUICK = ("coloring",)


def rows(names: Sequence[str]) -> list[Row]:
    """The measures as rows of a table."""
    found = [measure for name in names for measure in measures[name]()]
    return [
        {
            "problem": each.problem,
            "measure": each.text,
            "n": each.n,
            "measured": each.measured,
            "unit": each.unit,
            "target": each.target,
            "met": None if each.target is None else "no" if each.missed else "yes",
        }
        for each in found
    ]


def section(quick: bool = False) -> Section:
    """The table, with the number of targets met."""
    table = rows(QUICK if quick else list(measures))
    return Section(
        title="Sparse derivatives",
        about="Structure is found once (recording and symbolic phase), values at each point (numeric phase): by "
        "interpretation of the derivative's graph, or by the program compiled from it. `x f` is the multiple of the "
        "time of the function in plain NumPy. Multiply-adds are estimates, by which the order of multiplication is "
        "chosen, from a sample of columns and rows.",
        rows=table,
        result=targets_met(table),
    )


def main() -> int:
    """Print every measure, or those named on the command line; the exit status is 0 if all targets are met."""
    missed = 0
    for name in sys.argv[1:] or measures:
        for measure in measures[name]():
            print(measure, flush=True)
            missed += measure.missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
