"""Jacobians of a recorded graph at many points: the structure once, then only values."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.chain import Chain, Sides, storable
from jacfwd.graph import Graph
from jacfwd.methods import terms
from jacfwd.program.compiled import Compiled
from jacfwd.program.derive import derive
from jacfwd.program.run import Interpreter
from jacfwd.program.simplify import simplified
from jacfwd.program.slots import Entry, Slots, arranged

__all__ = ["SparseJacobian"]


class SparseJacobian:
    """The whole Jacobian `(m, n)` of a graph with respect to some inputs, as canonical CSR.

    Prepared at one point, it holds for all points of the branch. Called, it gives the outputs and a matrix whose
    index arrays are shared and read-only; `out`, such a matrix of an earlier call, is filled again instead.
    """

    def __init__(
        self, graph: Graph, point: Sequence[Any], wrt: Sequence[int], values: bool = False, method: str = "auto"
    ) -> None:
        places: list[tuple[np.ndarray, np.ndarray]] = []

        def read(chain: Chain) -> list[Any]:
            found = terms(chain, method)
            places.extend((rows, cols) for rows, cols, _ in found)
            return [weights for _, _, weights in found]

        self.sides = Sides(graph, wrt)
        derived = derive(graph, point, wrt, read, values)
        outs = derived.graph.outputs[derived.n_values :]
        entries = [
            Entry(rows, cols, weights, out.node is None)
            for (rows, cols), weights, out in zip(places, derived.leaves, outs, strict=True)
        ]
        self.slots: Slots = arranged(entries, (self.sides.m, self.sides.n), storable(self.sides.dtype))
        changing = [out for out in outs if out.node is not None]
        self.n_values = derived.n_values
        derived.graph.outputs[:] = [*derived.graph.outputs[: self.n_values], *changing]
        self.graph = simplified(derived.graph)
        self.run = Compiled(self.graph, self.n_values, self.slots)

    def __call__(self, leaves: Sequence[Any], out: sp.csr_array | None = None) -> tuple[list[Any], sp.csr_array]:
        """Outputs (where values were asked for) and the matrix at a point.

        Raises BranchChangedError at points of another branch, ValueError where `out` is no matrix of this graph.
        """
        if out is None:
            out = copy.copy(self.slots.matrix)
            out.data = self.slots.matrix.data.copy()
            data = out.data
        else:
            data = self.data_of(out)
        return self.run(leaves, data), out

    def interpreted(self, leaves: Sequence[Any]) -> tuple[list[Any], sp.csr_array]:
        """The same by interpretation of the graph: slow and obvious."""
        with np.errstate(all="ignore"):
            found = Interpreter(self.graph)(leaves)
            out = copy.copy(self.slots.matrix)
            out.data = self.slots.fill(found[self.n_values :])
        return found[: self.n_values], out

    def data_of(self, out: Any) -> np.ndarray:
        """The data of a matrix that this program made."""
        mine = self.slots.matrix
        fits = isinstance(out, sp.csr_array) and out.indices is mine.indices and out.indptr is mine.indptr
        if not fits or out.dtype != mine.dtype:
            raise ValueError("out is no CSR matrix that this graph's jacobian(..., sparse=True) returned")
        return out.data
