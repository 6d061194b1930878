"""Implicit operators: cumulative sums, filters, solves; known by what they do to a block of tangents."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work

__all__ = ["Operator"]

Apply = Callable[[Any], Any]


class Operator(Format):
    """A linear map given by its action, which mixes some axes and repeats over the others.

    `apply` takes `(p,) + in_shape` to `(p,) + out_shape`, `transposed` goes back. `mixed` names the axes (input,
    output) within which elements meet; the axes that remain agree in number and size. `support(i, o)`, where
    given, tells structurally, for flat positions within the mixed axes, whether input i reaches output o.
    """

    def __init__(
        self,
        in_shape: Shape,
        out_shape: Shape,
        apply: Apply,
        transposed: Apply,
        mixed: tuple[Shape, Shape],
        support: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.in_shape, self.out_shape = in_shape, out_shape
        self.apply, self.transposed, self.mixed, self.support = apply, transposed, mixed, support

    @property
    def T(self) -> "Operator":
        support = self.support
        swapped = None if support is None else (lambda i, o: support(o, i))
        return Operator(
            self.out_shape, self.in_shape, self.transposed, self.apply, (self.mixed[1], self.mixed[0]), swapped
        )

    def push(self, block: Any) -> Any:
        return self.apply(block)

    @property
    def _fibre(self) -> tuple[int, int]:
        """Elements within the mixed axes, input and output."""
        return (
            math.prod(self.in_shape[k] for k in self.mixed[0]),
            math.prod(self.out_shape[k] for k in self.mixed[1]),
        )

    @property
    def nnz(self) -> int:
        return self._fibre[0] * self.n_out

    def coo(self) -> Coo:
        """Entries by one seed per position within the mixed axes, all fibres at once."""
        k_in, k_out = self._fibre
        cols = _fibres(self.in_shape, self.mixed[0])
        rows = _fibres(self.out_shape, self.mixed[1])
        seeds = np.zeros((k_in, self.n_in))
        for k in range(k_in):
            seeds[k, cols[:, k]] = 1
        values = np.reshape(self.apply(seeds.reshape(k_in, *self.in_shape)), (k_in, self.n_out))
        fibres = len(rows)
        i = np.broadcast_to(np.arange(k_in)[:, None, None], (k_in, fibres, k_out)).reshape(-1)
        o = np.broadcast_to(np.arange(k_out), (k_in, fibres, k_out)).reshape(-1)
        f = np.broadcast_to(np.arange(fibres)[:, None], (k_in, fibres, k_out)).reshape(-1)
        keep = slice(None) if self.support is None else np.flatnonzero(self.support(i, o))
        i, o, f = i[keep], o[keep], f[keep]
        at = rows[f, o]
        return at, cols[f, i], np.take(np.reshape(values, (-1,)), i * self.n_out + at)

    def conj(self) -> "Operator":
        def conjugated(apply: Apply) -> Apply:
            return lambda block: np.conjugate(apply(np.conjugate(block)))

        return Operator(
            self.in_shape,
            self.out_shape,
            conjugated(self.apply),
            conjugated(self.transposed),
            self.mixed,
            self.support,
        )

    def work(self) -> Work:
        return self.nnz, self.nnz


def _fibres(shape: Shape, mixed: Shape) -> np.ndarray:
    """Flat positions as a table: one row per fibre, one column per position within the mixed axes."""
    rest = [k for k in range(len(shape)) if k not in mixed]
    positions = np.arange(math.prod(shape)).reshape(shape).transpose(*rest, *mixed)
    return positions.reshape(math.prod(shape[k] for k in rest), math.prod(shape[k] for k in mixed))
