"""What the engine must show, measured: `python -m bench.must_show [P8 jvp ...]` prints target and result."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

import jacfwd as jf
from bench import solvers
from bench.measure import direction_of, growth, interleaved, peak_memory, verify
from bench.problems import PROBLEMS, Problem, arrowhead, brusselator, elementwise_chain, heat
from bench.recording import scalar_chain
from jacfwd.differences import difference_jacobian

Array = npt.NDArray[Any]

METHODS = ("forward", "compress", "accumulate", "reverse")
MEGA = 10**6


@dataclasses.dataclass(frozen=True)
class Claim:
    """One thing to show: what was measured, the bound it must keep, and whether it does."""

    text: str
    measured: float
    bound: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the measured value is within the bound."""
        return self.measured <= self.bound

    def __str__(self) -> str:
        verdict = "ok  " if self.holds else "MISS"
        return f"{verdict} {self.text}: {self.measured:.3g} {self.unit} (at most {self.bound:.3g})"


def dense(matrix: Any, shape: tuple[int, int]) -> Array:
    """A Jacobian of any kind as a dense matrix (m, n)."""
    return matrix.toarray() if sparse.issparse(matrix) else np.reshape(matrix, shape)


def agreement(problem: Problem) -> Iterator[Claim]:
    """Layers' product, methods and oracle agree, on the scale of max (|L_K| ... |L_1|)."""
    f, x, shape = problem.function, problem.point, (problem.m, problem.n)
    layers = jf.linearize(f, x)[1].layers
    product = reduce(lambda done, layer: layer @ done, layers).toarray()
    scale = np.max(reduce(lambda done, layer: abs(layer) @ done, layers[1:], abs(layers[0])).toarray())
    oracle = difference_jacobian(f, x) if problem.jacobian is None else problem.jacobian(x)
    tolerance = 1e-8 if problem.jacobian is None else 1e-12
    error = np.max(np.abs(product - dense(oracle, shape)))
    yield Claim(f"{problem.name}: layers' product against the oracle", error / scale, tolerance)
    for method in METHODS:
        for kind in (False, True):
            jacobian = dense(jf.jacobian(f, method=method, sparse=kind)(x), shape)
            error = np.max(np.abs(jacobian - product))
            text = f"{problem.name}: {method}{', sparse' if kind else ''}, against the layers' product"
            yield Claim(text, error / scale, 1e-12)


def thousand_operations(x: Array) -> Array:
    """1,000 elementwise operations."""
    for _ in range(250):
        x = np.sin(x) * 0.5 + np.cos(x)
    return x


def no_tape() -> Iterator[Claim]:
    """Memory of a JVP through 1,000 operations on 10^6 doubles, in arrays of that size."""
    x, v = np.linspace(-1, 1, MEGA), np.ones(MEGA)
    peak = peak_memory(lambda: jf.jvp(thousand_operations, x, v))
    yield Claim("peak memory of jvp through 1,000 operations", peak / x.nbytes, 10, "arrays")


def costs_of_jvp() -> Iterator[Claim]:
    """P13 at n = 10^6, both run on stand-ins and replayed."""
    problem = elementwise_chain(MEGA)
    f, x, v = problem.function, problem.point, direction_of(problem)
    graph = jf.trace(f, x)
    verify(problem, v, jf.jvp(f, x, v)[1])
    calls: dict[str, Callable[[], object]] = {
        "f": lambda: f(x),
        "jvp": lambda: jf.jvp(f, x, v),
        "replay": lambda: graph.jvp(x, v),
    }
    timings = interleaved(calls, rounds=15)
    yield Claim("P13, n = 10^6: jvp", timings.ratio("jvp", "f"), 2.5, "x f")
    yield Claim("P13, n = 10^6: jvp of the recorded graph", timings.ratio("replay", "f"), 2.5, "x f")


def costs_of_recording() -> Iterator[Claim]:
    """Time per scalar operation from two lengths, so that fixed costs cancel; P4 up to n = 10^4."""
    x = np.float64(0.5)
    calls: dict[str, Callable[[], object]] = {
        "short": lambda: jf.trace(lambda x: scalar_chain(x, 1000), x),
        "long": lambda: jf.trace(lambda x: scalar_chain(x, 4000), x),
    }
    timings = interleaved(calls, rounds=15)
    each = (timings.seconds("long") - timings.seconds("short")) / 3000
    yield Claim("recording one scalar operation", 1e6 * each, 4, "us")
    sizes = (1000, 3000, 10**4)
    loops = {n: heat(n) for n in sizes}
    timings = interleaved(
        {str(n): partial(jf.trace, p.function, p.point) for n, p in loops.items()},
        rounds=7,
    )
    seconds = [timings.seconds(str(n)) for n in sizes]
    yield Claim("recording P4, n = 10^4", seconds[-1], 0.5, "s")
    yield Claim("exponent of its growth from n = 10^3", growth(sizes, seconds), 1.15)
    layers = jf.linearize(loops[10**4].function, loops[10**4].point)[1].layers
    yield Claim("layers of P4, n = 10^4", len(layers), 20)


def costs_of_sparse_jacobians() -> Iterator[Claim]:
    """P1 at n = 20,000 in time, P6 at n = 10^5 in memory."""
    problem = brusselator(100)
    f, x, v = problem.function, problem.point, direction_of(problem)
    jacobian = jf.jacobian(f, sparse=True)
    verify(problem, v, jacobian(x) @ v)
    timings = interleaved({"f": lambda: f(x), "jacobian": lambda: jacobian(x)}, rounds=15)
    yield Claim("P1, n = 20,000: sparse Jacobian, one-off", timings.ratio("jacobian", "f"), 60, "x f")
    problem = arrowhead(10**5)
    f, x = problem.function, problem.point
    difference = abs(jf.jacobian(f, sparse=True)(x) - problem.jacobian(x)).max()
    yield Claim("P6, n = 10^5: largest difference to the closed form", difference, 1e-12)
    peak = peak_memory(lambda: jf.jacobian(f, sparse=True)(x))
    yield Claim("P6, n = 10^5: peak memory, where a dense Jacobian is 10^5 rows", peak / x.nbytes, 100, "rows")


def singular_points() -> Iterator[Claim]:
    """sqrt and a guarded logarithm where a naive product would make nan."""

    def guarded(x: Array) -> Array:
        return np.where(x > 0, np.log(x), 0)

    cases = [
        ("sqrt at [0, 1, 4]", np.sqrt, np.array([0.0, 1.0, 4.0]), [np.inf, 0.5, 0.25]),
        ("where-log at [0, 1]", guarded, np.array([0.0, 1.0]), [0.0, 1.0]),
    ]
    with np.errstate(divide="ignore"):
        for name, f, x, diagonal in cases:
            expected = np.zeros((x.size, x.size))
            np.fill_diagonal(expected, diagonal)
            for method in METHODS:
                for kind in (False, True):
                    actual = dense(jf.jacobian(f, method=method, sparse=kind)(x), expected.shape)
                    text = f"{name}: {method}{', sparse' if kind else ''}, wrong entries"
                    yield Claim(text, np.count_nonzero(actual != expected), 0)
            columns = np.stack([jf.jvp(f, x, seed)[1] for seed in np.eye(x.size)], axis=1)
            yield Claim(f"{name}: jvp, wrong entries", np.count_nonzero(columns != expected), 0)


def costs_of_solvers() -> Iterator[Claim]:
    """P1 under BDF against SciPy's differences, dense and along a given pattern, and what a call of a solver costs."""
    for side, end, rounds in ((20, 10.0, 4), (64, 0.1, 2), (128, 0.02, 1)):
        for row in solvers.grid(side, end, "BDF", rounds):
            # A twentieth is what the same factorizations differ by from run to run.
            bound = {"differences": 1 / 5, "jac_sparsity": 1.05}.get(str(row["Jacobian"]))
            if bound is not None:
                measured = 1 / float(row["time / exact"] or np.nan)
                yield Claim(f"P1, N = {side}, BDF: time over that with {row['Jacobian']}", measured, bound)
    bounds = {"the solver's Jacobian call": 10.0, "recording, with the first Jacobian": 5000.0}
    for row in solvers.overhead().rows:
        if row["what"] in bounds:
            yield Claim(f"n = 3: {row['what']}", float(row["us"] or np.nan), bounds[str(row["what"])], "us")


def main() -> int:
    """Print every claim, or those named on the command line; the exit status is 0 if all hold."""
    sources: dict[str, Callable[[], Iterator[Claim]]] = {
        **{problem.name: partial(agreement, problem) for problem in PROBLEMS},
        "memory": no_tape,
        "jvp": costs_of_jvp,
        "recording": costs_of_recording,
        "sparse Jacobians": costs_of_sparse_jacobians,
        "singular points": singular_points,
        "solvers": costs_of_solvers,
    }
    missed = 0
    for name in sys.argv[1:] or sources:
        try:
            for claim in sources[name]():
                print(claim, flush=True)
                missed += not claim.holds
        except Exception as error:  # one failure must not hide what the others show
            print(f"MISS {name}: {type(error).__name__}: {error}", flush=True)
            missed += 1
    print(f"{missed} missed" if missed else "all hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
