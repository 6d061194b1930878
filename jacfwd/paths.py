"""Paths through the derivative graph: the sum over paths of products along them is the derivative.

Everything here is about single elements: an array node of k elements is k vertices `(node, flat index)`. A
complex node has one for the real and one for the imaginary part of each element, as in the layers: what `abs`
or `conj` does to a complex number is no product with one number.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.formats.base import Coo
from jacfwd.graph import names_of
from jacfwd.layers import layers, on_parts

__all__ = ["Path", "count_matrix", "paths_between", "walks"]

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
    """The derivative graph taken apart into elements: edges into each vertex, with local derivatives.

    Complex numbers are whole again where they leave the graph: element i of an output node is the vertex
    `(node, i - size)`, with edges from what the output is made of.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.names = names_of(chain.graph)
        self.into: dict[Vertex, dict[Vertex, Any]] = {}
        self.level = chain.levels()
        outputs = {out.node for out in chain.graph.outputs if out.node in self.level}
        last = max((self.level[at] for at in outputs), default=0)
        for parent, child, fmt in chain.edges():
            rows, cols, values = on_parts(fmt, self.split(parent))
            if not self.split(child):
                self.connect(parent, child, (rows, cols, np.real(values)), 0)
                continue
            self.connect(parent, child, (rows, cols, np.real(values)), 0)
            self.connect(parent, child, (rows, cols, np.imag(values)), fmt.n_out)
            if child in outputs and self.level[child] == last:
                self.connect(parent, child, (rows, cols, values), -fmt.n_out)
        for at in outputs:
            if self.split(at) and self.level[at] < last:
                span = np.arange(self.size(at))
                self.connect(at, at, (span, span, np.ones(len(span))), -len(span))
                self.connect(at, at, (span, span + len(span), np.full(len(span), 1j)), -len(span))

    def split(self, at: int) -> bool:
        """Whether a node has vertices for real and imaginary parts."""
        return self.chain.graph.nodes[at].dtype.kind == "c" and at not in self.chain.wrt

    def size(self, at: int) -> int:
        """The number of elements of a node."""
        return math.prod(self.chain.graph.nodes[at].shape)

    def connect(self, parent: int, child: int, entries: Coo, start: int) -> None:
        """Edges to the vertices of the child from `start` on."""
        rows, cols, values = entries
        # Structure may be integers and booleans; derivatives are floats.
        values = np.asarray(values) * 1.0
        for row, col, value in zip((rows + start).tolist(), cols.tolist(), values.tolist(), strict=True):
            edges = self.into.setdefault((child, row), {})
            # Parallel edges, as in y * y, are one edge with the sum of their derivatives.
            edges[parent, col] = edges.get((parent, col), 0) + value

    def label(self, vertex: Vertex) -> str:
        """The node's name, with its part where it is complex and with an index where it is an array."""
        at, i = vertex
        node = self.chain.graph.nodes[at]
        part = (".real" if i < self.size(at) else ".imag") if self.split(at) and i >= 0 else ""
        if not node.shape:
            return self.names[at] + part
        where = np.unravel_index(i % self.size(at), node.shape)
        return f"{self.names[at]}{part}[{', '.join(map(str, where))}]"

    def input(self, j: int) -> Vertex:
        """The vertex of flat input j."""
        return _vertex(j, self.chain.offsets, list(self.chain.wrt))

    def output(self, i: int) -> tuple[int | None, int]:
        """The vertex of flat output i."""
        at, k = _vertex(i, self.chain.out_offsets, [out.node for out in self.chain.graph.outputs])
        return (at, k - self.size(at)) if at is not None and self.split(at) else (at, k)


def _vertex(k: int, offsets: list[int], nodes: list) -> Any:
    if not 0 <= k < offsets[-1]:
        raise ValueError(f"flat index {k} is out of range for {offsets[-1]} elements")
    leaf = int(np.searchsorted(offsets, k, side="right")) - 1
    return nodes[leaf], k - offsets[leaf]


def paths_between(chain: Chain, i: int, j: int) -> Iterator[Path]:
    """All paths from flat input j to flat output i, one by one: there may be exponentially many."""
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
        size = graph.size(step.node)
        # Parts first, for the whole outputs may be made of them.
        for row in [*range(2 * size), *range(-size, 0)]:
            if any(parent in reach for parent in graph.into.get((step.node, row), ())):
                reach.add((step.node, row))
    return reach


def count_matrix(chain: Chain) -> np.ndarray:
    """Numbers of paths, outputs x inputs, as exact Python integers: the product of the layers' patterns."""
    counts = np.eye(chain.n, dtype=int).astype(object)
    for layer in layers(chain):
        rows = layer.matrix.tocsr()
        after = np.zeros((rows.shape[0], chain.n), object)
        for i in range(rows.shape[0]):
            picked = rows.indices[rows.indptr[i] : rows.indptr[i + 1]]
            after[i] = counts[picked].sum(axis=0) if len(picked) else 0
        counts = after
    return counts


def walks(factors: Sequence[Any], start: Sequence[int]) -> list[list[int]]:
    """Numbers of paths to each element of the states, from the first, which holds `start`, to the last.

    `factors` are the layers' matrices, nearest the input first; the numbers are exact.
    """
    found = [list(start)]
    for matrix in factors:
        before, picked = found[-1], matrix.indices.tolist()
        found.append([sum(before[k] for k in picked[a:b]) for a, b in pairwise(matrix.indptr.tolist())])
    return found
