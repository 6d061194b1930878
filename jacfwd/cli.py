"""The command line: `python -m jacfwd logistic` and `python -m jacfwd graph`."""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from jacfwd import logistic
from jacfwd.api import name, trace
from jacfwd.expression import Expression, ExpressionError, parse

__all__ = ["main"]

SHOWN_PATHS = 20
SCALAR_POINT = {"a": 2.0, "x": 1.5, "b": -1.0}
INPUT_COUNTS = (1, 4, 16, 64, 256, 1024, 4096)
MILLION = 10**6
TOLERANCE = 1e-12


class PointError(ValueError):
    """Values of variables (`--at`) that do not fit the expression."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 if a check failed, or 2 if the input was no good."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except (ExpressionError, PointError, logistic.DataError) as error:
        print(f"jacfwd {args.command}: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m jacfwd", description="Forward-mode derivatives of NumPy code.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    fit = commands.add_parser("logistic", help="fit a logistic regression and measure what its gradient costs")
    fit.add_argument(
        "--data",
        metavar="FILE.csv",
        help="a table of your own: a line of column names, numeric features, and the two classes in the"
        " column 'target' or else in the last one (default: two species of Fisher's irises)",
    )
    fit.set_defaults(run=run_logistic)

    graph = commands.add_parser("graph", help="show the derivative graphs of an expression, one per input")
    graph.add_argument("expression", help="a formula, or assignments such as 'g = 3*x; f = g**2'")
    graph.add_argument(
        "--at",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="the value of an input, such as x=4 or x=pi/2; once for each input",
    )
    graph.set_defaults(run=run_graph)
    return parser


def run_graph(args: argparse.Namespace) -> int:
    """Print the derivative graphs of an expression."""
    expression = parse(args.expression)
    if not expression.variables:
        raise PointError("the expression has no variable to differentiate with respect to")
    point = _point(args.at, expression.variables)
    with np.errstate(all="ignore"):
        lines = list(derivative_graphs(expression, point))
    print("\n".join(lines))
    return 0


def _point(settings: Iterable[str], variables: Sequence[str]) -> dict[str, float]:
    """The values of the variables, in their order."""
    values: dict[str, float] = {}
    for setting in settings:
        variable, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise PointError(f"--at {setting}: expected NAME=VALUE, such as x=4")
        if variable not in variables:
            raise PointError(f"--at {setting}: {variable!r} is not among the inputs {', '.join(variables)}")
        if variable in values:
            raise PointError(f"--at {setting}: {variable!r} has a value already")
        values[variable] = _constant(setting, text)
    missing = [v for v in variables if v not in values]
    if missing:
        raise PointError(f"no value for {', '.join(missing)}; add --at {missing[0]}=VALUE")
    return {v: values[v] for v in variables}


def _constant(setting: str, text: str) -> float:
    """The value of a formula without variables."""
    try:
        formula = parse(text)
    except ExpressionError as error:
        raise PointError(f"--at {setting}: in {text!r}, {error}") from None
    if formula.variables or "=" in text:
        raise PointError(f"--at {setting}: {text!r} is no number")
    with np.errstate(all="ignore"):
        value = float(formula.function()())
    if not np.isfinite(value):
        raise PointError(f"--at {setting}: {text!r} is {value}")
    return value


def derivative_graphs(expression: Expression, point: dict[str, float]) -> Iterator[str]:
    """The lines of one block for each input: values, forward and local derivatives, paths."""
    args = tuple(np.float64(value) for value in point.values())
    graph = trace(expression.function(name), *args)
    reports = [graph.derivatives(*args, wrt=k) for k in range(len(args))]
    parents: dict[str, set[str]] = {}
    for parent, child in (edge for report in reports for edge in report.edges):
        parents.setdefault(child, set()).add(parent)
    partial = {child for child, several in parents.items() if len(several) > 1}
    where = ", ".join(f"{variable} = {_number(value)}" for variable, value in point.items())
    for k, (variable, report) in enumerate(zip(point, reports, strict=True)):
        if k:
            yield ""
        yield f"Derivative graph of {variable}, at {where}"
        yield from _node_lines(report, variable)
        yield from _edge_lines(report, partial)
        derivative = report.nodes.get(expression.result, 0.0)
        total = f"{_ratio('d', expression.result, variable)} = {_number(derivative)}"
        yield from _path_lines(graph, k, total)


def _node_lines(report: Any, variable: str) -> Iterator[str]:
    rows = [
        (node, _number(report.values[node]), f"{_ratio('d', node, variable)} = {_number(derivative)}")
        for node, derivative in report.nodes.items()
    ]
    yield from _aligned(("node", "value", "forward derivative"), rows)


def _edge_lines(report: Any, partial: set[str]) -> Iterator[str]:
    rows = []
    for (parent, child), value in report.edges.items():
        ratio = _ratio("∂" if child in partial else "d", child, parent)
        rows.append((f"{parent} -> {child}", f"{ratio} = {_number(value)}"))
    yield from _aligned(("edge", "local derivative"), rows)


def _path_lines(graph: Any, k: int, total: str) -> Iterator[str]:
    count = graph.count_paths(0, k)
    rows = []
    for path in islice(graph.paths(0, k), SHOWN_PATHS):
        factors = " * ".join(_number(factor) for factor in path.factors)
        rows.append((" -> ".join(path.nodes), f"{factors} = {_number(path.product)}"))
    yield from _aligned(("path", "product of its local derivatives"), rows)
    if count > len(rows):
        yield f"  ... and {count - len(rows)} more"
    yield f"  {count} path{'' if count == 1 else 's'}, together {total}"


def run_logistic(args: argparse.Namespace) -> int:
    """Print the scalar example, the fit with its check, and the measured n-fold table."""
    table = logistic.iris() if args.data is None else logistic.load_csv(args.data)
    fitted = logistic.fit(table)
    difference = logistic.gradient_difference(table)
    source = "Fisher's irises" if args.data is None else args.data

    print(f"One data point: {logistic.SCALAR}\n")
    print("\n".join(derivative_graphs(parse(logistic.SCALAR), SCALAR_POINT)))
    print(f"\nLogistic regression on {source}, {len(table.y)} rows")
    print("\n".join(_fit_lines(table, fitted)))
    print(f"  largest relative difference of forward mode's gradient from the closed form: {difference:.1e}")
    print("\nWhat a gradient costs, in runs of the loss itself (medians, one thread)\n")
    for line in _cost_lines():
        print(line, flush=True)
    if difference > TOLERANCE:
        print(f"jacfwd logistic: the gradients differ by more than {TOLERANCE}", file=sys.stderr)
        return 1
    return 0


def _fit_lines(table: logistic.Table, fitted: logistic.Fit) -> Iterator[str]:
    no, yes = table.classes
    rows = [(label, _number(value)) for label, value in zip(table.features, fitted.w, strict=True)]
    rows.append(("1", _number(fitted.b)))
    yield from _aligned(("feature", f"coefficient for {yes} against {no}"), rows)
    yield f"  mean negative log-likelihood {_number(fitted.loss)}, after {fitted.steps} Newton steps"


def _cost_lines() -> Iterator[str]:
    """The n-fold table, row by row as it is measured, and what it means for a million inputs."""
    yield f"  {'inputs n':>10} {'one JVP':>10} {'jacfwd':>10} {'reverse':>10}"
    rows = []
    for costs in _measured(INPUT_COUNTS):
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


def _ratio(sign: str, above: str, below: str) -> str:
    """A derivative's label, such as `dg/dx` or, with the partial sign, `∂f/∂(sin(x))`."""
    return "/".join(sign + (part if part.isidentifier() else f"({part})") for part in (above, below))


def _number(value: Any) -> str:
    return f"{float(value):.10g}"


def _aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A blank line and rows of cells as lines with aligned columns, indented; nothing without rows."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    yield ""
    for row in (head, *rows):
        yield ("  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
