"""Paths through the derivative graph: the sum over paths of products along them is the derivative.

Everything here is about single elements: an array node of k elements is k vertices. A vertex is `(node, flat index)`.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.graph import names_of

__all__ = ["Path", "count_matrix", "paths_between"]

Vertex = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Path:
    """One path from an input to an output: names of its nodes, local derivatives along it, their product."""

    nodes: tuple[str, ...]
    factors: tuple[Any, ...]

    @property
    def product(self) -> Any:
        """The product of the factors; 1 for a path without edges."""
        return math.prod(self.factors)

    def __str__(self) -> str:
        steps = " * ".join(f"{factor:.6g}" for factor in self.factors) or "1"
        return f"{' -> '.join(self.nodes)}: {steps} = {self.product:.6g}"


class ElementGraph:
    """The derivative graph taken apart into elements: edges into each vertex with their local derivatives."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.names = names_of(chain.graph)
        self.into: dict[Vertex, dict[Vertex, Any]] = {}
        for parent, child, fmt in chain.edges():
            rows, cols, values = fmt.coo()
            # Structure may be integers and booleans; derivatives are floats.
            values = np.asarray(values) * 1.0
            for row, col, value in zip(rows.tolist(), cols.tolist(), values.tolist(), strict=True):
                edges = self.into.setdefault((child, row), {})
                # Parallel edges, as in y * y, are one edge with the sum of their derivatives.
                edges[parent, col] = edges.get((parent, col), 0) + value

    def label(self, vertex: Vertex) -> str:
        """The node's name, with an index where the node is an array."""
        at, i = vertex
        shape = self.chain.graph.nodes[at].shape
        if not shape:
            return self.names[at]
        return f"{self.names[at]}[{', '.join(map(str, np.unravel_index(i, shape)))}]"

    def input(self, j: int) -> Vertex:
        """The vertex of flat input j."""
        return _vertex(j, self.chain.offsets, list(self.chain.wrt))

    def output(self, i: int) -> tuple[int | None, int]:
        """The vertex of flat output i."""
        return _vertex(i, self.chain.out_offsets, [out.node for out in self.chain.graph.outputs])


def _vertex(k: int, offsets: list[int], nodes: list) -> Any:
    if not 0 <= k < offsets[-1]:
        raise ValueError(f"flat index {k} is out of range for {offsets[-1]} elements")
    leaf = int(np.searchsorted(offsets, k, side="right")) - 1
    return nodes[leaf], k - offsets[leaf]


def paths_between(chain: Chain, i: int, j: int) -> Iterator[Path]:
    """All paths from flat input j to flat output i; there may be exponentially many, so they come one by one."""
    graph = ElementGraph(chain)
    start, end = graph.input(j), graph.output(i)
    reach = _reached_from(graph, start)
    stack: list[tuple[Any, tuple, tuple]] = [(end, (end,), ())] if end in reach else []
    while stack:
        vertex, nodes, factors = stack.pop()
        if vertex == start:
            yield Path(tuple(graph.label(v) for v in reversed(nodes)), tuple(reversed(factors)))
            continue
        for parent, value in reversed(graph.into.get(vertex, {}).items()):
            if parent in reach:
                stack.append((parent, (*nodes, parent), (*factors, value)))


def _reached_from(graph: ElementGraph, start: Vertex) -> set:
    """Vertices that the start reaches."""
    reach: set = {start}
    for step in graph.chain.steps:
        size = math.prod(graph.chain.graph.nodes[step.node].shape)
        for row in range(size):
            if any(parent in reach for parent in graph.into.get((step.node, row), ())):
                reach.add((step.node, row))
    return reach


def count_matrix(chain: Chain) -> np.ndarray:
    """Numbers of paths, outputs x inputs, as exact Python integers: the product of the layers' 0/1 patterns."""
    counts = np.array([[int(i == j) for j in range(chain.n)] for i in range(chain.n)], object).reshape(chain.n, chain.n)
    for layer in chain.layers():
        rows = layer.matrix.tocsr()
        after = np.zeros((rows.shape[0], chain.n), object)
        for i in range(rows.shape[0]):
            picked = rows.indices[rows.indptr[i] : rows.indptr[i + 1]]
            after[i] = counts[picked].sum(axis=0) if len(picked) else 0
        counts = after
    return counts
