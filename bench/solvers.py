"""What exact Jacobians do for SciPy's solvers, against the differences that these take by default.

The same problem, method and settings with and without: calls of the user's function (those for differences and for
recordings included), time, and what was reached.
"""

import dataclasses
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.integrate
import scipy.optimize

import jacfwd as jf
from bench import mgh, nist
from bench.measure import interleaved
from bench.problems import brusselator, mass_action, robertson
from bench.report import Row, Section
from jacfwd import solvers
from jacfwd.solvers.exact import Exact

__all__ = ["sections"]

Array = npt.NDArray[Any]


@dataclasses.dataclass
class Outcome:
    """One solver call: the function's calls, processor time, and the result; None where it raised."""

    calls: int
    seconds: float
    result: Any


def solved(solve: Callable[[Callable], Any], f: Callable, rounds: int = 3) -> Outcome:
    """Solve so many times; time is the least."""
    seconds, outcome = np.inf, None
    for _ in range(rounds):
        calls = 0

        def counted(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            return f(*args)

        start = time.process_time()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                result = solve(counted)
            except (RuntimeError, ValueError):
                result = None
        seconds = min(seconds, time.process_time() - start)
        outcome = Outcome(calls, seconds, result)
    assert outcome is not None
    return outcome


def compared(ours: Outcome, theirs: Outcome) -> dict[str, int | float]:
    """Columns that all tables share."""
    return {
        "calls, exact": ours.calls,
        "calls, SciPy": theirs.calls,
        "SciPy's time / ours": theirs.seconds / ours.seconds,
    }


def total(rows: Sequence[Row]) -> str:
    """The sum over a table, and what becomes of it in time."""
    exact, other = (sum(int(row[name] or 0) for row in rows) for name in ("calls, exact", "calls, SciPy"))
    ratio = float(np.median([float(row["SciPy's time / ours"] or 0) for row in rows]))
    text = f"Together {exact:,} calls of the functions against {other:,} ({other / exact:.1f} times as many)."
    if ratio < 1:
        text += (
            f" In the median SciPy with differences takes {ratio:.2g} of our time: these functions take microseconds, "
            "and each solver call records them, which takes the time of some hundred calls."
        )
    return text


# Least squares, roots, minima: More, Garbow and Hillstrom


def least_squares(problems: Sequence[mgh.SumOfSquares]) -> Section:
    """`trf` as it is, on the whole set."""
    rows: list[Row] = []
    for problem in problems:
        start = problem.start.astype(float)
        ours, theirs = (
            solved(lambda f, s=solve, x=start: s(f, x, x_scale="jac", max_nfev=1000), problem.residuals)  # type: ignore[misc]
            for solve in (solvers.least_squares, scipy.optimize.least_squares)
        )
        rows.append(
            {
                "problem": problem.name,
                "n": len(start),
                **compared(ours, theirs),
                "steps, exact": int(ours.result.nfev),
                "steps, SciPy": int(theirs.result.nfev),
                "F, exact": 2 * ours.result.cost,
                "F, SciPy": 2 * theirs.result.cost,
            }
        )
    return Section(
        title="Solvers: least squares",
        about="`least_squares` with `trf`, `x_scale='jac'` and the other settings as they are, on the set of More, "
        "Garbow and Hillstrom (ACM TOMS 7, 1981); F is the sum of squares reached.",
        rows=rows,
        result=total(rows),
    )


def roots(problems: Sequence[mgh.SumOfSquares]) -> Section:
    """`hybr` and `lm` on the square systems, `krylov` on the larger of them."""
    rows: list[Row] = []
    for problem in problems:
        for method in ("hybr", "lm", "krylov"):
            if not problem.square or (method == "krylov" and problem.number not in (28, 29, 30, 31)):
                continue
            start = problem.start.astype(float)
            ours, theirs = (
                solved(lambda f, s=solve, x=start, m=method: s(f, x, method=m), problem.residuals)  # type: ignore[misc]
                for solve in (solvers.root, scipy.optimize.root)
            )
            rows.append(
                {
                    "problem": problem.name,
                    "method": method,
                    **compared(ours, theirs),
                    "max F, exact": float(np.abs(ours.result.fun).max()),
                    "max F, SciPy": float(np.abs(theirs.result.fun).max()),
                }
            )
    return Section(
        title="Solvers: roots",
        about="`root` on those problems of the set that are systems with a root, settings as they are.",
        rows=rows,
        result=total(rows),
    )


def minima(problems: Sequence[mgh.SumOfSquares]) -> Section:
    """Trust region with Hessian products, against what SciPy does without derivatives."""
    rows: list[Row] = []
    for problem in problems:
        start, residuals = problem.start.astype(float), problem.residuals

        def f(x: Array, residuals: Callable = residuals) -> Any:
            return np.sum(residuals(x) ** 2)

        ours = solved(lambda f, x=start: solvers.minimize(f, x, method="trust-ncg"), f)  # type: ignore[misc]
        theirs = solved(lambda f, x=start: scipy.optimize.minimize(f, x), f)  # type: ignore[misc]
        rows.append(
            {
                "problem": problem.name,
                "n": len(start),
                **compared(ours, theirs),
                "F, exact": float(ours.result.fun),
                "F, SciPy": float(theirs.result.fun),
            }
        )
    return Section(
        title="Solvers: minima with Hessian products",
        about="The sums of squares as functions to minimise: `trust-ncg` with exact gradients and `hessp`, which SciPy "
        "cannot run without derivatives, against what it does without, BFGS with differences.",
        rows=rows,
        result=total(rows),
    )


# Differential equations


def stiff(quick: bool) -> Section:
    """Implicit methods: differences, differences along a given pattern, exact."""
    rows = list(small_systems(quick)) + [row for case in grids(quick) for row in grid(*case)]
    return Section(
        title="Solvers: stiff systems",
        about="`solve_ivp`: Robertson's kinetics and a mass-action network (P12), and the Brusselator (P1) on N x N "
        "points, with SciPy's dense differences (where that is thinkable), with differences in the pattern given by "
        "hand as `jac_sparsity`, and with the exact Jacobian, for which no pattern is given.",
        rows=rows,
        result=stiff_result(rows),
    )


def stiff_result(rows: Sequence[Row]) -> str:
    """The ratios that were asked for."""
    parts = []
    for row in rows:
        if row["Jacobian"] != "exact" and str(row["problem"]).startswith("P1,"):
            parts.append(f"{row['problem']}, {row['method']}, {row['Jacobian']}: {row['time / exact']:.2f}")
    return "Time over that with the exact Jacobian: " + "; ".join(parts) + "."


def ivp_rows(name: str, method: str, runs: dict[str, Outcome]) -> Iterator[Row]:
    """A row for each kind of Jacobian."""
    for kind, outcome in runs.items():
        found = outcome.result
        yield {
            "problem": name,
            "method": method,
            "Jacobian": kind,
            "calls": outcome.calls,
            "steps": len(found.t) - 1,
            "Jacobians": int(found.njev),
            "LU": int(found.nlu),
            "time / exact": outcome.seconds / runs["exact"].seconds,
        }


def small_systems(quick: bool) -> Iterator[Row]:
    """P12."""
    for problem, span in ((robertson(), 1e4), (mass_action(), 10.0))[: 1 if quick else 2]:
        f, y0 = problem.function, np.array([1.0, 0, 0]) if problem.n == 3 else problem.point
        for method in ("LSODA",) if quick else ("BDF", "Radau", "LSODA"):
            settings = {"t_span": (0, span), "y0": y0, "method": method, "rtol": 1e-6, "atol": 1e-10}
            runs = {
                kind: solved(lambda f, s=solve, k=settings: s(f, **k), lambda t, y, f=f: f(y))  # type: ignore[misc]
                for kind, solve in (("exact", solvers.solve_ivp), ("differences", scipy.integrate.solve_ivp))
            }
            yield from ivp_rows(problem.title, method, runs)


def grids(quick: bool) -> list[tuple[int, float, str, int]]:
    """Sides, ends of the time, methods and rounds for P1."""
    if quick:
        return [(8, 1.0, "BDF", 1)]
    return [(20, 10.0, "BDF", 4), (20, 10.0, "Radau", 3), (64, 0.1, "BDF", 2), (128, 0.02, "BDF", 1)]


def grid(side: int, end: float, method: str, rounds: int) -> Iterator[Row]:
    """P1 on one grid."""
    problem = brusselator(side)
    pattern = jf.sparsity(problem.function, problem.point).tocsr()
    settings = {"t_span": (0, end), "y0": problem.point, "method": method}
    kinds: dict[str, Callable] = {
        "exact": lambda f: solvers.solve_ivp(f, **settings),
        "jac_sparsity": lambda f: scipy.integrate.solve_ivp(f, jac_sparsity=pattern, **settings),
    }
    if side <= 20:
        kinds["differences"] = lambda f: scipy.integrate.solve_ivp(f, **settings)
    runs = {kind: solved(solve, lambda t, y: problem.function(y), rounds) for kind, solve in kinds.items()}
    for outcome in runs.values():
        np.testing.assert_allclose(outcome.result.y[:, -1], runs["exact"].result.y[:, -1], rtol=1e-4)
    yield from ivp_rows(f"P1, N = {side}, to t = {end:g}", method, runs)


def boundary(quick: bool = False) -> Section:
    """Four boundary value problems, among them SciPy's examples."""
    rows: list[Row] = []
    for name, settings in list(boundary_problems().items())[: 1 if quick else None]:
        fun = settings["fun"]
        ours, theirs = (
            solved(lambda f, s=solve, k=settings: s(**{**k, "fun": f}), fun)  # type: ignore[misc]
            for solve in (solvers.solve_bvp, scipy.integrate.solve_bvp)
        )
        rows.append(
            {
                "problem": name,
                **compared(ours, theirs),
                "iterations, exact": int(ours.result.niter),
                "iterations, SciPy": int(theirs.result.niter),
                "residual, exact": float(np.max(ours.result.rms_residuals)),
                "residual, SciPy": float(np.max(theirs.result.rms_residuals)),
            }
        )
    return Section(
        title="Solvers: boundary value problems",
        about="`solve_bvp` with `tol=1e-8`: Bratu's problem in one dimension, the eigenvalue of a string (an unknown "
        "parameter), Mathieu's equation (q = 5, the eigenvalue unknown), a boundary layer. A recording is made for "
        "each mesh.",
        rows=rows,
        result=total(rows),
    )


def boundary_problems() -> dict[str, dict[str, Any]]:
    """Arguments of `solve_bvp` by name."""
    x, long = np.linspace(0, 1, 11), np.linspace(0, np.pi, 40)
    return {
        "Bratu": {
            "fun": lambda x, y: np.vstack((y[1], -np.exp(y[0]))),
            "bc": lambda a, b: np.array([a[0], b[0]]), "x": x, "y": np.zeros((2, 11)), "tol": 1e-8,
        },
        "string": {
            "fun": lambda x, y, p: np.vstack((y[1], -(p[0] ** 2) * y[0])),
            "bc": lambda a, b, p: np.array([a[0], b[0], a[1] - p[0]]), "x": x,
            "y": np.vstack((np.sin(3 * x), np.cos(3 * x))), "p": [3.0], "tol": 1e-8,
        },
        "Mathieu": {
            "fun": lambda x, y, p: np.vstack((y[1], -(p[0] - 10 * np.cos(2 * x)) * y[0])),
            "bc": lambda a, b, p: np.array([a[1], b[1], a[0] - 1]), "x": long,
            "y": np.vstack((np.cos(4 * long), -4 * np.sin(4 * long))), "p": [15.0], "tol": 1e-8,
        },
        "boundary layer": {
            "fun": lambda x, y: np.vstack((y[1], (y[1] * (1 + y[0] ** 2) - y[0]) / 0.02)),
            "bc": lambda a, b: np.array([a[0], b[0] - 1]), "x": np.linspace(0, 1, 60),
            "y": np.vstack((np.linspace(0, 1, 60), np.ones(60))), "tol": 1e-8, "max_nodes": 20_000,
        },
    }  # fmt: skip


# Regression: NIST


def regression(names: Sequence[str]) -> Section:
    """Digits of the parameters from both starts."""
    rows: list[Row] = []
    for name in names:
        data = nist.data_sets()[name]
        row: dict[str, str | int | float | None] = {"data": name, "level": data.level}
        for k, start in enumerate(data.starts, 1):
            settings = {"method": "trf", "x_scale": "jac", "max_nfev": 5000} | dict.fromkeys(
                ("xtol", "ftol", "gtol"), 1e-15
            )
            for kind, solve in (("exact", solvers.curve_fit), ("SciPy", scipy.optimize.curve_fit)):
                outcome = solved(
                    lambda f, s=solve, d=data, p=start, kw=settings: s(f, d.x, d.y, p0=p, **kw),  # type: ignore[misc]
                    data.model,
                    1,
                )
                right = None if outcome.result is None else nist.digits(outcome.result[0], data.certified)
                row |= {f"digits {k}, {kind}": right, f"calls {k}, {kind}": outcome.calls}
        rows.append(row)
    columns = [f"digits {k}, {{}}" for k in (1, 2)]
    worst = {
        kind: min(float(row[column.format(kind)] or 0) for row in rows for column in columns)
        for kind in ("exact", "SciPy")
    }
    return Section(
        title="Solvers: NIST's nonlinear regressions",
        about="`curve_fit` with `trf`, `x_scale='jac'` and tolerances of 1e-15, from both starts: correct digits of "
        "the worst parameter (11 are certified), and calls of the model. Data and certified values: NIST, Statistical "
        "Reference Datasets.",
        rows=rows,
        result=f"The fewest digits are {worst['exact']:.1f} with exact derivatives, "
        f"{worst['SciPy']:.1f} with differences.",
    )


# What a call costs


def overhead(quick: bool = False) -> Section:
    """The solver's Jacobian call for three species, and the recording."""
    problem = robertson()
    f, y = (lambda t, y: problem.function(y)), problem.point
    exact = Exact(f, 2, (1,))
    for _ in range(5):
        exact.dense(0.0, y)
    exact.value(0.0, y)
    timings = interleaved(
        {
            "f": lambda: f(0.0, y),
            "value, counted": lambda: exact.value(0.0, y),
            "the solver's Jacobian call": lambda: exact.dense(0.0, y),
            "recording, with the first Jacobian": lambda: Exact(f, 2, (1,)).dense(0.0, y),
            "recording, program and two Jacobians": lambda: twice(f, y),
        },
        rounds=2 if quick else 9,
        at_least=1e-3 if quick else 1e-2,
    )
    rows: list[Row] = [{"what": name, "us": 1e6 * timings.seconds(name)} for name in timings.samples]
    return Section(
        title="Solvers: overhead",
        about="Robertson's right-hand side, three species: what `solve_ivp` calls for a Jacobian, the comparison of "
        "the replayed value with the function's included, and what is done once for each solver call.",
        rows=rows,
        result="The first Jacobian is read off the recording itself; the program is made at the second.",
    )


def twice(f: Callable, y: Array) -> None:
    """Two Jacobians: at the second the program is made."""
    exact = Exact(f, 2, (1,))
    exact.dense(0.0, y)
    exact.dense(1.0, y)


def sections(quick: bool = False) -> list[Section]:
    """All tables on solvers."""
    problems = mgh.PROBLEMS[:3] if quick else mgh.PROBLEMS
    names = ["Misra1a"] if quick else sorted(nist.data_sets())
    return [
        least_squares(problems),
        roots(problems),
        minima(problems),
        stiff(quick),
        boundary(quick),
        regression(names),
        overhead(quick),
    ]
