"""Jacobians of a recorded graph at many points: the structure once, then only values."""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.chain import Chain, Sides, storable
from jacfwd.formats.base import Coo
from jacfwd.graph import Graph
from jacfwd.methods import dense_terms, terms
from jacfwd.program.apart import taken_apart
from jacfwd.program.compiled import Compiled
from jacfwd.program.derive import derive
from jacfwd.program.run import Interpreter
from jacfwd.program.simplify import simplified
from jacfwd.program.slots import Entry, Slots, arranged, spaced

__all__ = ["DenseJacobian", "SparseJacobian"]


class Slotted:
    """The whole Jacobian `(m, n)` of a graph with respect to some inputs, written into final slots.

    Prepared at one point, it holds for all points of the branch.
    """

    def __init__(
        self, graph: Graph, point: Sequence[Any], wrt: Sequence[int], values: bool = False, method: str = "auto"
    ) -> None:
        places: list[tuple[np.ndarray, np.ndarray]] = []

        def read(chain: Chain) -> list[Any]:
            found = self.terms(chain, method)
            places.extend((rows, cols) for rows, cols, _ in found)
            return [weights for _, _, weights in found]

        self.sides = Sides(graph, wrt)
        derived = derive(graph, point, wrt, read, values)
        outs = derived.graph.outputs[derived.n_values :]
        entries = [
            Entry(rows, cols, weights, out.node is None)
            for (rows, cols), weights, out in zip(places, derived.leaves, outs, strict=True)
        ]
        changing = [out for out in outs if out.node is not None]
        self.n_values = derived.n_values
        derived.graph.outputs[:] = [*derived.graph.outputs[: self.n_values], *changing]
        self.graph = simplified(derived.graph)
        apart = taken_apart(self.graph, self.n_values)
        if apart is not None:
            self.graph, pieces = apart
            entries = in_parts(entries, pieces)
        self.slots: Slots = self.arranged(entries)
        self.run = Compiled(self.graph, self.n_values, self.slots)

    def terms(self, chain: Chain, method: str) -> list[Coo]:
        """The entries, as lists to be summed."""
        raise NotImplementedError

    def arranged(self, entries: Sequence[Entry]) -> Slots:
        """Where they stand."""
        raise NotImplementedError

    @functools.cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter(self.graph)

    def values_and_data(self, leaves: Sequence[Any]) -> tuple[list[Any], np.ndarray]:
        """Outputs and data by interpretation of the graph: slow and obvious."""
        with np.errstate(all="ignore"):
            found = self._interpreter(leaves)
            return found[: self.n_values], self.slots.fill(found[self.n_values :])


def in_parts(entries: Sequence[Entry], pieces: Sequence[Sequence[slice]]) -> list[Entry]:
    """Entries of which the changing ones are in parts."""
    found, left = [], iter(pieces)
    for entry in entries:
        if entry.constant:
            found.append(entry)
            continue
        weights = np.reshape(entry.weights, -1)
        some = next(left)
        found += [entry] if len(some) == 1 else [Entry(entry.rows[s], entry.cols[s], weights[s], False) for s in some]
    return found


class DenseJacobian(Slotted):
    """The Jacobian as an array."""

    def terms(self, chain: Chain, method: str) -> list[Coo]:
        return dense_terms(chain, method)

    def arranged(self, entries: Sequence[Entry]) -> Slots:
        return spaced(entries, (self.sides.m, self.sides.n), self.sides.dtype)

    def __call__(self, leaves: Sequence[Any], out: np.ndarray | None = None) -> tuple[list[Any], np.ndarray]:
        """Outputs (where values were asked for) and an array `(m, n)` at a point: a new one, or the memory of `out`.

        Raises BranchChangedError at points of another branch.
        """
        if out is not None:
            data = out.reshape(-1)
            np.copyto(data, self.slots.template)
        elif self._constants:
            data = self.slots.template.copy()
        else:
            data = np.zeros(self.slots.template.shape, self.sides.dtype)
        return self.run(leaves, data), data.reshape((self.sides.m, self.sides.n))

    @functools.cached_property
    def _constants(self) -> bool:
        """Whether some entries are constant: memory that is all zeros comes cheaper."""
        return bool(self.slots.template.any())

    def interpreted(self, leaves: Sequence[Any]) -> tuple[list[Any], np.ndarray]:
        """The same by interpretation of the graph."""
        values, data = self.values_and_data(leaves)
        return values, data.reshape((self.sides.m, self.sides.n))


class SparseJacobian(Slotted):
    """The Jacobian as canonical CSR.

    Called, it gives the outputs and a matrix whose index arrays are shared and read-only; `out`, such a matrix of an
    earlier call, is filled again instead.
    """

    def terms(self, chain: Chain, method: str) -> list[Coo]:
        return terms(chain, method)

    def arranged(self, entries: Sequence[Entry]) -> Slots:
        return arranged(entries, (self.sides.m, self.sides.n), storable(self.sides.dtype))

    def __call__(self, leaves: Sequence[Any], out: sp.csr_array | None = None) -> tuple[list[Any], sp.csr_array]:
        """Outputs (where values were asked for) and the matrix at a point.

        Raises BranchChangedError at points of another branch, ValueError where `out` is no matrix of this graph.
        """
        if out is None:
            out = self.with_data(self.slots.blank())
            data = out.data
        else:
            data = self.data_of(out)
        return self.run(leaves, data), out

    def with_data(self, data: np.ndarray) -> sp.csr_array:
        """A matrix with these data that shares its index arrays with all others."""
        matrix: Any = copy.copy(self.slots.matrix)
        matrix.data = data
        return matrix

    def interpreted(self, leaves: Sequence[Any]) -> tuple[list[Any], sp.csr_array]:
        """The same by interpretation of the graph."""
        values, data = self.values_and_data(leaves)
        return values, self.with_data(data)

    def data_of(self, out: Any) -> np.ndarray:
        """The data of a matrix that this program made."""
        mine = self.slots.matrix
        assert mine is not None
        fits = isinstance(out, sp.csr_array) and out.indices is mine.indices and out.indptr is mine.indptr
        if not fits or out.dtype != mine.dtype:
            raise ValueError("out is no CSR matrix that this graph's jacobian(..., sparse=True) returned")
        return out.data
