"""`logistic`: the scalar example, a fit with its check, and the measured n-fold table."""

import argparse
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from jacfwd import logistic
from jacfwd.cli.graphs import derivative_graphs
from jacfwd.cli.output import aligned, as_json, followed, say, styled
from jacfwd.expression import parse

__all__ = ["run_logistic"]

SCALAR_POINT = {"a": 2.0, "x": 1.5, "b": -1.0}
INPUT_COUNTS = (1, 4, 16, 64, 256, 1024, 4096)
MILLION = 10**6
TOLERANCE = 1e-12


def run_logistic(args: argparse.Namespace) -> int:
    """Fit a logistic regression, check its gradient and measure what a gradient costs."""
    table = logistic.iris() if args.data is None else logistic.load_csv(args.data)
    fitted = logistic.fit(table)
    difference = logistic.gradient_difference(table)
    if args.json:
        print(as_json(_data(table, fitted, difference)))
    else:
        _print(args.data, table, fitted, difference)
    if difference > TOLERANCE:
        say("logistic", f"the gradients differ by more than {TOLERANCE}")
        return 1
    return 0


def _print(path: str | None, table: logistic.Table, fitted: logistic.Fit, difference: float) -> None:
    source = "Fisher's irises" if path is None else path
    print(f"One data point: {logistic.SCALAR}\n")
    print("\n".join(derivative_graphs(parse(logistic.SCALAR), SCALAR_POINT)))
    print(styled(f"\nLogistic regression on {source}, {len(table.y)} rows", "bold"))
    print("\n".join(_fit_lines(table, fitted)))
    print(f"  largest relative difference of forward mode's gradient from the closed form: {difference:.1e}")
    print(styled("\nWhat a gradient costs, in runs of the loss itself (medians, one thread)\n", "bold"))
    for line in _cost_lines():
        print(line, flush=True)


def _data(table: logistic.Table, fitted: logistic.Fit, difference: float) -> dict[str, Any]:
    """The same as data."""
    costs = list(_measured(INPUT_COUNTS))
    return {
        "rows": len(table.y),
        "classes": table.classes,
        "coefficients": {**dict(zip(table.features, fitted.w, strict=True)), "1": fitted.b},
        "loss": fitted.loss,
        "steps": fitted.steps,
        "gradient_difference": difference,
        "costs": [{"n": c.n, "jvp": c.jvp, "jacfwd": c.jacfwd, "reverse": c.reverse} for c in costs],
    }


def _fit_lines(table: logistic.Table, fitted: logistic.Fit) -> Iterator[str]:
    no, yes = table.classes
    rows = [(label, f"{value:.10g}") for label, value in zip(table.features, fitted.w, strict=True)]
    rows.append(("1", f"{fitted.b:.10g}"))
    yield from aligned(("feature", f"coefficient for {yes} against {no}"), rows)
    yield f"  mean negative log-likelihood {fitted.loss:.10g}, after {fitted.steps} Newton steps"


def _cost_lines() -> Iterator[str]:
    """The n-fold table, row by row as it is measured, and what it means for a million inputs."""
    yield f"  {'inputs n':>10} {'one JVP':>10} {'jacfwd':>10} {'reverse':>10}"
    rows = []
    for costs in followed(_measured(INPUT_COUNTS), len(INPUT_COUNTS), "measuring"):
        rows.append((costs.jvp, costs.jacfwd, costs.reverse))
        yield f"  {costs.n:>10} " + " ".join(f"{ratio:>10.3g}" for ratio in rows[-1])
    beyond = [logistic.extrapolate(INPUT_COUNTS, ratios, MILLION) for ratios in zip(*rows, strict=True)]
    yield f"  {MILLION:>10} " + " ".join(f"{ratio:>10.2g}" for ratio, _ in beyond) + "   (extrapolated)"
    exponents = " ".join(f"{exponent:>10.2f}" for _, exponent in beyond)
    yield f"  {'exponent':>10} {exponents}   (log-log slope of the last three)"


def _measured(counts: Sequence[int]) -> Iterator[logistic.Costs]:
    """Costs for each number of inputs, measured in a process whose linear algebra runs on one thread.

    Several threads that wait for each other on busy cores would be measured instead of the work. Their number
    is read when NumPy is loaded, hence the new process.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=os.putenv, initargs=("OMP_NUM_THREADS", "1")) as worker:
        yield from worker.map(logistic.measure, counts)
