"""Derivatives at many points: one graph for each branch that is met, results as stacks or block-diagonal matrices."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from jacfwd.accumulate import accumulate, listed, require_room
from jacfwd.batch.points import Points
from jacfwd.chain import Chain, Sides, storable
from jacfwd.formats.dispatch import as_dtype, is_tracer
from jacfwd.formats.index import IndexMap
from jacfwd.graph import Node, Output
from jacfwd.linear import check_holomorphic
from jacfwd.methods import in_format
from jacfwd.program.reading import Reading
from jacfwd.recorded import Recorded
from jacfwd.structure import Spec, flatten

__all__ = ["Batch", "Branch", "Part", "Reads", "Stretch", "Structure", "batched"]

# Branches that are evaluated at all points left; what then remains is recorded point by point.
BRANCHES = 32


class Reads(Protocol):
    """A derivative: its options, and what it reads off a chain."""

    wanted: Any

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        """The derivative at one point as it was asked for."""


@dataclasses.dataclass(frozen=True)
class Structure:
    """Where a Jacobian `(m, n)` has its entries: rows and columns in CSR order."""

    rows: np.ndarray
    cols: np.ndarray


class Branch:
    """One branch of a function: what it computes at many points, and the structure of its derivative there.

    The outputs of `points` are the function's, if they are wanted, then the derivative's leaves; of a sparse one its
    entries in CSR order.
    """

    def __init__(self, reads: Reads, found: Recorded, point: Sequence[Any], wrt: Sequence[int]) -> None:
        options = reads.wanted
        self.found, self.sides = found, Sides(found.graph, wrt)
        self.structure: Structure | None = None
        self.spec: Spec | None = None

        def read(chain: Chain) -> list[Any]:
            if options.sparse:
                data, self.structure = entries_of(chain)
                return [data]
            leaves, self.spec = flatten(reads.matrix(found, chain), is_leaf=is_tracer)
            return leaves

        reading = Reading(found.graph, point, wrt, read, n_values=None if options.value else 0)
        self.n_values = reading.n_values
        self.points = Points(reading.graph)


def entries_of(chain: Chain) -> tuple[Any, Structure]:
    """The entries of an accumulated Jacobian in CSR order, those that meet added up."""
    check_holomorphic(chain)
    parts = accumulate(chain)
    require_room(parts, 8 + chain.dtype.itemsize)
    terms = list(listed(chain, parts))
    none = np.zeros(0, np.int64)
    keys = [rows.astype(np.int64) * max(chain.n, 1) + cols for rows, cols, _ in terms]
    places, slots = np.unique(np.concatenate([none, *keys]), return_inverse=True)
    total: Any = np.zeros((1, len(places)), storable(chain.dtype))
    start = 0
    for key, (_, _, values) in zip(keys, terms, strict=True):
        index = IndexMap.of_positions(slots[start : start + len(key)], (len(places),))
        spread = np.broadcast_to(np.reshape(as_dtype(values, total.dtype), (1, -1)), (1, len(key)))
        total = total + index.add(spread)
        start += len(key)
    return np.reshape(total, (len(places),)), Structure(*np.divmod(places, max(chain.n, 1)))


@dataclasses.dataclass
class Part:
    """What one branch gives at some points of a batch, `at` their positions, and which of them take it."""

    branch: Branch
    at: np.ndarray
    taken: np.ndarray
    outs: list[np.ndarray]

    def put(self, whole: np.ndarray, k: int) -> None:
        """Copy output k to its points' rows."""
        if self.outs[k] is not whole:
            every = bool(self.taken.all())
            whole[self.at if every else self.at[self.taken]] = self.outs[k] if every else self.outs[k][self.taken]


@dataclasses.dataclass
class Batch:
    """Values and derivatives at `count` points, branch by branch."""

    count: int
    parts: list[Part]

    @property
    def first(self) -> Branch:
        """The branch of the first point, whose structure all share."""
        return self.parts[0].branch

    def output(self, k: int) -> np.ndarray:
        """One output at all points: the first branch was tried at each of them, so its array has room for all."""
        whole = self.parts[0].outs[k]
        for part in self.parts:
            part.put(whole, k)
        return whole

    def values(self) -> Any:
        """The function's values, each leaf with a leading axis of points."""
        return self.first.found.out_spec.unflatten([self.output(k) for k in range(self.first.n_values)])

    def dense(self) -> Any:
        """The derivative, each leaf with a leading axis of points."""
        assert self.first.spec is not None
        n_values, count = self.first.n_values, len(self.parts[0].outs)
        return self.first.spec.unflatten([self.output(k) for k in range(n_values, count)])

    def sparse(self, format: str, flat: bool) -> Any:
        """Block-diagonal Jacobians, one for each pair of an output and an input or, flat, one in all."""
        sides = self.first.sides
        if flat:
            return self.in_format(slice(0, sides.m), slice(0, sides.n), sides.dtype, format)

        def finish(rows: slice, cols: slice, out: Output, node: Node) -> Any:
            return self.in_format(rows, cols, np.result_type(out.dtype, node.dtype), format)

        return self.first.found.cut(sides, finish)

    def in_format(self, rows: slice, cols: slice, dtype: np.dtype, format: str) -> Any:
        """A block-diagonal matrix; as BSR its blocks are whole Jacobians."""
        matrix = self.block_diagonal(rows, cols, storable(dtype))
        shape = rows.stop - rows.start, cols.stop - cols.start
        return matrix.tobsr(blocksize=shape) if format == "bsr" and all(shape) else in_format(matrix, format)

    def block_diagonal(self, rows: slice, cols: slice, dtype: np.dtype) -> sp.csr_array:
        """The Jacobians of some outputs with respect to some inputs, as the blocks of one CSR matrix."""
        m, n = rows.stop - rows.start, cols.stop - cols.start
        counts = np.zeros((self.count, m), np.int64)
        chosen = []
        for part in self.parts:
            structure = part.branch.structure
            assert structure is not None
            own = np.flatnonzero(inside(structure.rows, rows) & inside(structure.cols, cols))
            at = part.at[part.taken]
            counts[at] = np.bincount(structure.rows[own] - rows.start, minlength=m)
            values = part.outs[-1] if part.taken.all() else part.outs[-1][part.taken]
            chosen.append((at, structure.cols[own] - cols.start, values[:, own]))
        indptr = np.concatenate([[0], np.cumsum(counts.reshape(-1))])
        index = np.int32 if max(indptr[-1], self.count * max(m, n)) < 2**31 else np.int64
        indices, data = np.empty(indptr[-1], index), np.empty(indptr[-1], dtype)
        starts = np.cumsum(counts.sum(axis=1)) - counts.sum(axis=1)
        for at, columns, values in chosen:
            slots = starts[at][:, None] + np.arange(len(columns))
            indices[slots] = at[:, None] * n + columns
            data[slots] = values.real if dtype.kind != "c" else values
        return sp.csr_array((data, indices, indptr.astype(index)), shape=(self.count * m, self.count * n))


def inside(places: np.ndarray, stretch: slice) -> np.ndarray:
    """Which places lie within a stretch."""
    return (places >= stretch.start) & (places < stretch.stop)


@dataclasses.dataclass
class Stretch:
    """A graph at many points: a task for executors, which work on stretches of these."""

    points: Points
    leaves: list[np.ndarray]

    def __call__(self, start: int, stop: int) -> tuple[list[np.ndarray], np.ndarray]:
        return self.points([leaf[start:stop] for leaf in self.leaves])


Run = Callable[[Points, list[np.ndarray]], tuple[list[np.ndarray], np.ndarray]]


def batched(
    leaves: Sequence[np.ndarray], known: Iterable[Branch], branch_at: Callable[[int], Branch], run: Run
) -> Batch:
    """Values and derivatives at all points, those of one branch together.

    `known` branches are tried first, then that of the first point that is left, by `branch_at`. `run` evaluates a
    graph at points.

    Raises RuntimeError where a point does not take the branch that was recorded there.
    """
    count = len(leaves[0])
    pending = np.arange(count)
    parts: list[Part] = []
    waiting = iter(known)
    while len(pending):
        branch = next(waiting, None)
        recorded = branch is None
        if branch is None:
            branch = branch_at(int(pending[0]))
        alone = recorded and len(parts) >= BRANCHES
        at = pending[:1] if alone else pending
        outs, taken = run(branch.points, [leaf[at] for leaf in leaves])
        if recorded and not taken[0]:
            raise RuntimeError("the function took another branch at the same point when it was called again")
        if taken.any() or not parts:
            parts.append(Part(branch, at, taken, outs))
        pending = pending[1:] if alone else pending[~taken]
    return Batch(count, parts)
