"""`graph` and `html`: derivative graphs as text, pictures, and a page."""

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from jacfwd.api import name, trace
from jacfwd.cli.output import aligned, as_json, styled
from jacfwd.cli.subject import PointError, Subject, subject
from jacfwd.draw import text
from jacfwd.draw.labels import ratio
from jacfwd.expression import Expression
from jacfwd.traced import Graph

__all__ = ["derivative_graphs", "run_graph", "run_html"]

SHOWN_PATHS = 20


def run_graph(args: argparse.Namespace) -> int:
    """Print the derivative graphs of a formula, one for each input, or of a function."""
    found = subject(args.target, args.at)
    with np.errstate(all="ignore"):
        graph = trace(found.function, *found.args)
        count = graph.at().chain().n
        if args.wrt is not None and not 0 <= args.wrt < count:
            raise PointError(f"--wrt {args.wrt} is out of range for {count} flat inputs")
        if args.svg is not None:
            graph.draw(wrt=args.wrt or 0).save(args.svg)
        if args.dot:
            print(graph.to_dot(wrt=args.wrt or 0), end="")
        elif args.json:
            print(as_json(_data(graph, found, args.wrt)))
        elif args.lanes or found.expression is None:
            print(text(graph, wrt=args.wrt or 0))
        else:
            print("\n".join(_blocks(graph, found.expression, found.point, args.wrt)))
    return 0


def run_html(args: argparse.Namespace) -> int:
    """Write the page of a graph."""
    found = subject(args.target, args.at)
    with np.errstate(all="ignore"):
        page = trace(found.function, *found.args).to_html(args.output)
    print(f"{args.output}: {len(page.encode()) / 1000:.0f} kB; open it in a browser")
    return 0


def derivative_graphs(expression: Expression, point: dict[str, float]) -> Iterator[str]:
    """The lines of one block for each input: values, forward and local derivatives, paths."""
    graph = trace(expression.function(name), *(np.float64(value) for value in point.values()))
    return _blocks(graph, expression, point, None)


def _data(graph: Graph, found: Subject, wrt: int | None) -> list[dict[str, Any]]:
    """One record for each input, or for the one chosen."""
    count = graph.at().chain().n
    return [_record(graph, k) for k in (range(count) if wrt is None else [wrt])]


def _record(graph: Graph, k: int) -> dict[str, Any]:
    report = graph.derivatives(wrt=k)
    return {
        "wrt": k,
        "nodes": {node: {"value": report.values[node], "derivative": slope} for node, slope in report.nodes.items()},
        "edges": [{"parent": p, "child": c, "local": local} for (p, c), local in report.edges.items()],
        "paths": [{"nodes": path.nodes, "factors": path.factors, "product": path.product} for path in _some(graph, k)],
        "path_count": graph.count_paths(0, k),
    }


def _some(graph: Graph, k: int) -> list[Any]:
    return list(islice(graph.paths(0, k), SHOWN_PATHS))


def _blocks(graph: Graph, expression: Expression, point: dict[str, float], wrt: int | None) -> Iterator[str]:
    reports = [graph.derivatives(wrt=k) for k in range(len(point))]
    parents: dict[str, set[str]] = {}
    for parent, child in (edge for report in reports for edge in report.edges):
        parents.setdefault(child, set()).add(parent)
    partial = {child for child, several in parents.items() if len(several) > 1}
    where = ", ".join(f"{variable} = {_number(value)}" for variable, value in point.items())
    chosen = [k for k in range(len(point)) if wrt is None or k == wrt]
    for k in chosen:
        variable, report = list(point)[k], reports[k]
        if k != chosen[0]:
            yield ""
        yield styled(f"Derivative graph of {variable}, at {where}", "bold")
        yield from _node_lines(report, variable)
        yield from _edge_lines(report, partial)
        derivative = report.nodes.get(expression.result, 0.0)
        total = f"{ratio('d', expression.result, variable)} = {_number(derivative)}"
        yield from _path_lines(graph, k, total)


def _node_lines(report: Any, variable: str) -> Iterator[str]:
    rows = [
        (node, _number(report.values[node]), f"{ratio('d', node, variable)} = {_number(derivative)}")
        for node, derivative in report.nodes.items()
    ]
    yield from aligned(("node", "value", "forward derivative"), rows)


def _edge_lines(report: Any, partial: set[str]) -> Iterator[str]:
    rows = []
    for (parent, child), value in report.edges.items():
        label = ratio("∂" if child in partial else "d", child, parent)
        rows.append((f"{parent} -> {child}", f"{label} = {_number(value)}"))
    yield from aligned(("edge", "local derivative"), rows)


def _path_lines(graph: Graph, k: int, total: str) -> Iterator[str]:
    count = graph.count_paths(0, k)
    rows = []
    for path in _some(graph, k):
        factors = " * ".join(_number(factor) for factor in path.factors)
        rows.append((" -> ".join(path.nodes), f"{factors} = {_number(path.product)}"))
    yield from aligned(("path", "product of its local derivatives"), rows)
    if count > len(rows):
        yield f"  ... and {count - len(rows)} more"
    yield f"  {count} path{'' if count == 1 else 's'}, together {total}"


def _number(value: Any) -> str:
    return f"{float(value):.10g}"
