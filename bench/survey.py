"""Every problem at several sizes: `python -m bench.survey [P1 P9 ...]` prints one row for each problem and size.

What a Jacobian costs from end to end: recording, the first call with what it prepares, products and Jacobians after it.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

import jacfwd as jf
from bench import problems
from bench.measure import direction_of, growth, peak_memory, verify
from bench.problems import Problem
from bench.replay import best, confirmed
from bench.report import Row, Section

__all__ = ["rows", "section"]

# A builder of each problem with about n inputs.
BUILDERS: dict[str, Callable[[int], Problem]] = {
    "P1": lambda n: problems.brusselator(max(3, round((n / 2) ** 0.5))),
    "P2": lambda n: problems.bratu(round(n**0.5)),
    "P2-assigned": lambda n: problems.bratu(round(n**0.5), assigned=True),
    "P3": lambda n: problems.burgers(max(3, round((n / 2) ** 0.5))),
    "P3-upwind": lambda n: problems.burgers(max(3, round((n / 2) ** 0.5)), upwind=True),
    "P4": problems.heat,
    "P5-tridiagonal": problems.broyden_tridiagonal,
    "P5-banded": problems.broyden_banded,
    "P6": problems.arrowhead,
    "P7-rosenbrock": problems.rosenbrock,
    "P7-ackley": problems.ackley,
    "P8": lambda n: problems.logistic_regression(n - 1, 500),
    "P9": lambda n: problems.bundle_adjustment(max(1, n // 3400), max(1, n // 6), max(2, n // 2)),
    "P10": problems.gather_scatter,
    "P11-input": problems.perceptron,
    "P11-weights": lambda n: problems.perceptron_of_weights(round(n**0.5)),
    "P12-network": lambda n: problems.mass_action(n, n + n // 4),
    "P13": problems.elementwise_chain,
}
SIZES = (100, 10**4, 10**6)
# A loop over elements, matrices of data and full Jacobians, which memory and patience hold to these sizes.
LARGEST = {"P4": 10**4, "P8": 10**4, "P11-input": 1000, "P11-weights": 1000, "P12-network": 100}
# Colors of a pattern with a full row or column are its columns, which takes no search to know.
UNCOLORED = {"P6", "P7-rosenbrock", "P7-ackley", "P8", "P11-input", "P11-weights"}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of one call, and what it returned."""
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def confirm(problem: Problem, J: Any) -> None:
    """Compare with the closed form, or in a random direction where there is none."""
    if problem.jacobian is not None:
        return confirmed(problem, J)
    v = direction_of(problem)
    verify(problem, v, np.reshape(J @ v, np.shape(problem.function(problem.point))))
    return None


def row(name: str, problem: Problem) -> Row:
    """One problem at one size; its Jacobian is confirmed first."""
    f, x, v = problem.function, problem.point, direction_of(problem)
    recording, G = timed(lambda: jf.trace(f, x))
    call: Callable[[], Any] = partial(G.gradient, x) if problem.m == 1 else partial(G.jacobian, x, sparse=True)
    first, J = timed(call)
    confirm(problem, np.reshape(J, (1, -1)) if problem.m == 1 else J)
    nnz = J.nnz if sp.issparse(J) else J.size
    if sp.issparse(J):
        call = partial(call, out=J)
    colors = None
    if name not in UNCOLORED and problem.n <= 10**6 and sp.issparse(J):
        colors = jf.coloring(G.pattern, order="natural" if problem.n > 10**5 else "best").n_colors
    times = best({"f": partial(f, x), "jvp": partial(G.jvp, x, v), "J": call}, 0.5)
    peak = peak_memory(lambda: prepared(f, x, problem.m == 1))
    return {
        "problem": name,
        "n": problem.n,
        "m": problem.m,
        "nnz": nnz,
        "colors": colors,
        "f [us]": 1e6 * times["f"],
        "recording [ms]": 1e3 * recording,
        "first call [ms]": 1e3 * first,
        "JVP / f": times["jvp"] / times["f"],
        "J / f": times["J"] / times["f"],
        "peak [bytes per entry]": peak / nnz,
    }


def prepared(f: Callable[..., Any], x: Any, gradient: bool) -> Any:
    """Record and take the derivative once: what memory is needed for."""
    G = jf.trace(f, x)
    return G.gradient(x) if gradient else G.jacobian(x, sparse=True)


def rows(names: Sequence[str], sizes: Sequence[int] = SIZES) -> list[Row]:
    """The rows of the problems named."""
    found = []
    for name in names:
        allowed = sorted({min(size, LARGEST.get(name, size)) for size in sizes})
        found += [row(name, BUILDERS[name](size)) for size in allowed]
    return found


def section(quick: bool = False) -> Section:
    """The table, and how replay and preparation grow from the second to the last size."""
    table = rows(list(BUILDERS), SIZES[:1] if quick else SIZES)
    slopes = []
    for name in BUILDERS:
        own = [each for each in table if each["problem"] == name and float(each["n"] or 0) >= 5000]
        if len(own) > 1:
            n = [float(each["n"] or 1) for each in own]
            J = [float(each["J / f"] or 0) * float(each["f [us]"] or 0) for each in own]
            first = [float(each["first call [ms]"] or 0) + float(each["recording [ms]"] or 0) for each in own]
            slopes.append(f"{name} {growth(n, J):.2f} and {growth(n, first):.2f}")
    return Section(
        title="All problems",
        about="Time of f in plain NumPy, of its recording, of the first derivative with all that it prepares, and of "
        "the following ones as multiples of f: value and one JVP, and the whole Jacobian (sparse, into the same "
        "matrix; the gradient where there is one output). `peak` is the memory that recording and the first derivative "
        "take at most beyond what was there, over the number of entries.",
        rows=table,
        result="Growth between the two larger sizes, exponents for replay and for preparation: "
        + "; ".join(slopes)
        + "."
        if slopes
        else "Small sizes alone.",
    )


def main() -> None:
    """Print the rows of the problems named on the command line, or of all."""
    for name in sys.argv[1:] or BUILDERS:
        for each in rows([name]):
            print(
                *(
                    f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in each.items()
                ),
                sep=" · ",
                flush=True,
            )


if __name__ == "__main__":
    main()
