"""Jacobians at many points: one graph for each branch that is met, results as stacks or block-diagonal matrices."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.accumulate import accumulate, listed
from jacfwd.batch.points import Points
from jacfwd.chain import Chain, Sides
from jacfwd.formats.dispatch import as_dtype
from jacfwd.formats.index import IndexMap
from jacfwd.graph import Node, Output
from jacfwd.methods import dense, in_format
from jacfwd.program.reading import Reading
from jacfwd.recorded import Recorded

__all__ = ["Batch", "Stretch", "Branch", "Part", "Structure", "batched", "branch_at"]


@dataclasses.dataclass(frozen=True)
class Structure:
    """Where a Jacobian `(m, n)` has its entries: rows and columns in CSR order."""

    rows: np.ndarray
    cols: np.ndarray


@dataclasses.dataclass
class Branch:
    """One branch of a function: what it computes at many points, and the structure of its Jacobian there.

    The outputs of `points` are the function's, then the Jacobian: dense `(m, n)`, or the data of a sparse one.
    """

    found: Recorded
    points: Points
    sides: Sides
    structure: Structure | None


def branch_at(found: Recorded, leaves: Sequence[Any], method: str, sparse: bool) -> Branch:
    """The branch that was recorded at a point."""
    graph, structures = found.graph, []

    def read(chain: Chain) -> list[Any]:
        if not sparse:
            return [dense(chain, method)]
        data, structure = entries_of(chain)
        structures.append(structure)
        return [data]

    reading = Reading(graph, leaves, graph.inputs, read)
    return Branch(found, Points(reading.graph), Sides(graph, graph.inputs), structures[0] if sparse else None)


def entries_of(chain: Chain) -> tuple[Any, Structure]:
    """The entries of an accumulated Jacobian in CSR order, those that meet added up."""
    terms = list(listed(chain, accumulate(chain)))
    none = np.zeros(0, np.int64)
    keys = [rows.astype(np.int64) * max(chain.n, 1) + cols for rows, cols, _ in terms]
    places, slots = np.unique(np.concatenate([none, *keys]), return_inverse=True)
    total: Any = np.zeros((1, len(places)), chain.dtype)
    start = 0
    for key, (_, _, values) in zip(keys, terms, strict=True):
        index = IndexMap.of_positions(slots[start : start + len(key)], (len(places),))
        spread = np.broadcast_to(np.reshape(as_dtype(values, chain.dtype), (1, -1)), (1, len(key)))
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
    """Values and Jacobians at `count` points, branch by branch."""

    count: int
    parts: list[Part]

    @property
    def first(self) -> Recorded:
        """The recording whose structure all share."""
        return self.parts[0].branch.found

    def values(self) -> Any:
        """The function's values, each leaf with a leading axis of points."""
        return self.first.out_spec.unflatten([self.output(k) for k in range(len(self.first.graph.outputs))])

    def stacked(self) -> np.ndarray:
        """Dense Jacobians `(count, m, n)`."""
        return self.output(-1)

    def nested(self) -> Any:
        """Dense Jacobians, each `J[output][input]` of shape `(count,) + out.shape + in.shape`."""
        matrix, found = self.stacked(), self.first

        def finish(rows: slice, cols: slice, out: Output, node: Node) -> np.ndarray:
            part = as_dtype(matrix[:, rows, cols], np.result_type(out.dtype, node.dtype))
            return np.ascontiguousarray(part).reshape(self.count, *out.shape, *node.shape)

        return found.cut(self.parts[0].branch.sides, finish)

    def sparse(self, format: str, flat: bool) -> Any:
        """Block-diagonal Jacobians, one for each pair of an output and an input or, flat, one in all."""
        sides = self.parts[0].branch.sides
        if flat:
            return self.in_format(slice(0, sides.m), slice(0, sides.n), format)
        return self.first.cut(sides, lambda rows, cols, out, node: self.in_format(rows, cols, format))

    def in_format(self, rows: slice, cols: slice, format: str) -> Any:
        """A block-diagonal matrix; as BSR its blocks are whole Jacobians."""
        matrix = self.block_diagonal(rows, cols)
        shape = rows.stop - rows.start, cols.stop - cols.start
        return matrix.tobsr(blocksize=shape) if format == "bsr" and all(shape) else in_format(matrix, format)

    def output(self, k: int) -> np.ndarray:
        """One output at all points: the first branch was tried at each of them, so its array has room for all."""
        whole = self.parts[0].outs[k]
        for part in self.parts:
            part.put(whole, k)
        return whole

    def block_diagonal(self, rows: slice, cols: slice) -> sp.csr_array:
        """The Jacobians of some outputs with respect to some inputs, as the blocks of one CSR matrix."""
        m, n = rows.stop - rows.start, cols.stop - cols.start
        counts = np.zeros((self.count, m), np.int64)
        chosen = []
        for part in self.parts:
            structure = part.branch.structure
            assert structure is not None
            own = np.flatnonzero(inside(structure.rows, rows) & inside(structure.cols, cols))
            counts[part.at[part.taken]] = np.bincount(structure.rows[own] - rows.start, minlength=m)
            chosen.append((part, own, structure.cols[own] - cols.start))
        indptr = np.concatenate([[0], np.cumsum(counts.reshape(-1))])
        index = np.int32 if max(indptr[-1], self.count * max(m, n)) < 2**31 else np.int64
        indices = np.empty(indptr[-1], index)
        data = np.empty(indptr[-1], self.parts[0].branch.sides.dtype)
        starts = indptr[: -1 if m else None : max(m, 1)]
        for part, own, columns in chosen:
            at = part.at[part.taken]
            slots = starts[at][:, None] + np.arange(len(own))
            indices[slots] = at[:, None] * n + columns
            data[slots] = part.outs[-1][part.taken][:, own]
        return sp.csr_array((data, indices, indptr.astype(index)), shape=(self.count * m, self.count * n))


def inside(places: np.ndarray, stretch: slice) -> np.ndarray:
    """Which places lie within a stretch."""
    return (places >= stretch.start) & (places < stretch.stop)


@dataclasses.dataclass
class Stretch:
    """A graph at a stretch of points: a task for executors."""

    points: Points
    leaves: list[np.ndarray]
    chunk: int | None

    def __call__(self, start: int, stop: int) -> tuple[list[np.ndarray], np.ndarray]:
        return self.points([leaf[start:stop] for leaf in self.leaves], self.chunk)


Run = Callable[[Points, Sequence[np.ndarray]], tuple[list[np.ndarray], np.ndarray]]


def batched(
    leaves: Sequence[np.ndarray], record_at: Callable[[int], Recorded], method: str, sparse: bool, run: Run
) -> Batch:
    """Values and Jacobians at all points: those that take the branch of the first go together, then the others.

    Raises RuntimeError where the point that was recorded does not take its own branch.
    """
    count = len(leaves[0])
    pending = np.arange(count)
    parts: list[Part] = []
    while len(pending) or not parts:
        k = int(pending[0])
        found = record_at(k)
        branch = branch_at(found, [leaf[k] for leaf in leaves], method, sparse)
        outs, taken = run(branch.points, [leaf[pending] for leaf in leaves])
        if not taken[0]:
            raise RuntimeError("the function took another branch at the same point when it was called again")
        parts.append(Part(branch, pending, taken, outs))
        pending = pending[~taken]
    return Batch(count, parts)
