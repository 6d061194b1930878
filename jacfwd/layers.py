"""The chain written out: one sparse matrix per level between states, vectors of what is still needed.

The level of a node is one more than the highest level of its parents, inputs have level 0. The state after a level
holds every value that a later level or the output reads, so that matrices contain identity rows for what is only
carried along. A complex node inside has two rows for each element, the real parts and then the imaginary parts:
`v -> A v + B conj(v)` is a matrix on those. Inputs and outputs are whole.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from jacfwd.chain import Chain, storable
from jacfwd.formats.base import Coo, Format
from jacfwd.formats.combined import Pair
from jacfwd.graph import names_of
from jacfwd.memory import require

__all__ = ["Layer", "inputs_state", "layers", "local_derivative", "on_parts"]

State = list[tuple[str, int]]


class Layer(NamedTuple):
    """One factor of the chain and the state it leads to: `(node name, flat index)` for each row."""

    matrix: sp.csr_array
    state: State


class Place(NamedTuple):
    """Where each node of a state begins, and the state's length."""

    begins: dict[int, int]
    size: int


def layers(chain: Chain) -> list[Layer]:
    """The factors, nearest the input first; their product, last times ... times first, is the Jacobian `(m, n)`.

    Raises TypeError under an outer recording, whose values scipy.sparse cannot hold, MemoryBudgetError where there
    would be too many entries.
    """
    chain.require_plain()
    listed = sum(fmt.nnz for step in chain.steps for _, fmt in step.groups)
    require(listed * (8 + chain.dtype.itemsize), f"layers of {listed:,} entries", "use products J @ v")
    return Builder(chain).build()


def inputs_state(chain: Chain) -> State:
    """The first state: the n inputs."""
    names = names_of(chain.graph)
    return [(names[at], i) for at, size in zip(chain.wrt, chain.sizes, strict=True) for i in range(size)]


def on_parts(fmt: Format, split: bool) -> Coo:
    """Entries of a local Jacobian; if the parent is split, on its real parts and then on its imaginary parts.

    `A v + B conj(v)` is `A + B` on the real part of v and `i (A - B)` on the imaginary part.
    """
    if not split:
        return fmt.coo()
    a, b = (fmt.holomorphic, fmt.conjugate) if isinstance(fmt, Pair) else (fmt, None)
    rows, cols, values = a.coo()
    parts = [(rows, cols, values), (rows, cols + fmt.n_in, 1j * values)]
    if b is not None:
        rows, cols, values = b.coo()
        parts += [(rows, cols, values), (rows, cols + fmt.n_in, -1j * values)]
    rows, cols, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, cols, values


def local_derivative(fmts: list[Format], complex_child: bool) -> Any:
    """The sum of parallel local derivatives, to look at: a number between scalars, a sparse matrix else."""
    split = any(isinstance(fmt, Pair) for fmt in fmts)
    rows, cols, values = (np.concatenate(part) for part in zip(*(on_parts(fmt, split) for fmt in fmts), strict=True))
    # Structure may be integers and booleans, and scipy.sparse has no half precision.
    values = values.astype(float) if values.dtype.kind in "bi" or values.dtype == np.float16 else values
    m, n = fmts[0].n_out, fmts[0].n_in
    if not split and fmts[0].in_shape == fmts[0].out_shape == ():
        return values.sum() if len(values) else np.float64(0.0)
    if split and complex_child:
        rows, cols = np.concatenate([rows, rows + m]), np.concatenate([cols, cols])
        values, m = np.concatenate([np.real(values), np.imag(values)]), 2 * m
    elif split:
        values = np.real(values)
    return sp.coo_array((values, (rows, cols)), shape=(m, 2 * n if split else n)).tocsr()


class Builder:
    """Builds the layers of one chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.nodes, self.outputs = chain, chain.graph.nodes, chain.graph.outputs
        self.level = chain.levels()
        self.names = names_of(chain.graph)
        # A chain has at least one factor, be it a selection of inputs or without entries.
        self.last = max([1, *(self.level[out.node] for out in self.outputs if out.node in self.level)])
        self.into: dict[int, list[tuple[int, Format]]] = {}
        for parent, child, fmt in chain.edges():
            self.into.setdefault(child, []).append((parent, fmt))
        self.needed_until = self._needed_until()
        self.real = np.zeros(0, chain.dtype).real.dtype

    def _needed_until(self) -> dict[int, int]:
        """The last level at which somebody reads the node."""
        until = dict.fromkeys(self.level, -1)
        for child, edges in self.into.items():
            for parent, _ in edges:
                until[parent] = max(until[parent], self.level[child])
        until.update({out.node: self.last for out in self.outputs if out.node in until})
        return until

    def build(self) -> list[Layer]:
        """All layers; the last one leads to exactly the outputs."""
        found, before = [], self.place(self.chain.wrt)
        for k in range(1, self.last):
            members = [at for at, level in self.level.items() if level <= k < self.needed_until[at]]
            after = self.place(members)
            parts = [
                part for at in members for part in self.block(at, self.level[at] < k, before.begins, after.begins[at])
            ]
            found.append(Layer(self.matrix(parts, after.size, before.size), self.labels(members)))
            before = after
        return [*found, self.final(before)]

    def final(self, before: Place) -> Layer:
        """The layer that leads to the outputs, repeated and constant ones included."""
        parts, labels = [], []
        for out, start, size in zip(self.outputs, self.chain.out_offsets, self.chain.out_sizes, strict=False):
            if out.node in self.level:
                parts += self.block(out.node, self.level[out.node] < self.last, before.begins, start, whole=True)
            name = "constant" if out.node is None else self.names[out.node]
            labels += [(name, i) for i in range(size)]
        return Layer(self.matrix(parts, self.chain.m, before.size), labels)

    def size(self, at: int) -> int:
        """The number of elements of a node."""
        return math.prod(self.nodes[at].shape)

    def split(self, at: int) -> bool:
        """Whether a node has rows for real and for imaginary parts."""
        return self.nodes[at].dtype.kind == "c" and at not in self.chain.wrt

    def place(self, members: Sequence[int]) -> Place:
        """The state that holds these nodes, one after the other."""
        begins, start = {}, 0
        for at in members:
            begins[at] = start
            start += self.size(at) * (2 if self.split(at) else 1)
        return Place(begins, start)

    def labels(self, members: Sequence[int]) -> State:
        """`(name, flat index)` of each row of a state."""
        found: State = []
        for at in members:
            name = self.names[at]
            parts = [f"{name}.real", f"{name}.imag"] if self.split(at) else [name]
            found += [(part, i) for part in parts for i in range(self.size(at))]
        return found

    def block(self, at: int, carried: bool, begins: dict[int, int], start: int, whole: bool = False) -> list[Coo]:
        """Entries of one node's rows, which begin at `start`; `whole`: complex numbers are put together again."""
        if carried:
            return [(rows + start, cols + begins[at], values) for rows, cols, values in self.copied(at, whole)]
        parts = []
        for parent, fmt in self.into.get(at, ()):
            rows, cols, values = on_parts(fmt, self.split(parent))
            rows, cols = rows + start, cols + begins[parent]
            parts.append((rows, cols, values if whole and self.split(at) else np.real(values)))
            if self.split(at) and not whole:
                parts.append((rows + self.size(at), cols, np.imag(values)))
        return parts

    def copied(self, at: int, whole: bool) -> list[Coo]:
        """Identity rows for a node that is only carried along."""
        span = np.arange(self.size(at))
        one = np.ones(len(span), self.real)
        if not self.split(at):
            return [(span, span, one)]
        imaginary = span + len(span)
        return [(span, span, one), (span, imaginary, 1j * one) if whole else (imaginary, imaginary, one)]

    def matrix(self, parts: Sequence[Coo], m: int, n: int) -> sp.csr_array:
        """Entries as a canonical CSR matrix; structure may be integers and masks, derivatives are floats."""
        columns: Any = zip(*parts, strict=True) if parts else ([], [], [])
        rows, cols, lists = columns
        values = [v if v.dtype.kind in "fc" else v.astype(self.real) for v in lists]
        index = np.int32 if max(m, n, sum(map(len, lists))) < 2**31 else np.int64
        rows, cols = (np.concatenate([np.zeros(0, index), *places], dtype=index) for places in (rows, cols))
        data = np.concatenate([np.zeros(0, self.real), *values])
        matrix = sp.coo_array((data.astype(storable(data.dtype)), (rows, cols)), shape=(m, n)).tocsr()
        matrix.sort_indices()
        return matrix
