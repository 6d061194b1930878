"""Implicit operators: cumulative sums, filters, solves; known by what they do to a block of tangents."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work
from jacfwd.formats.combined import Pair

__all__ = ["Operator", "real_linear"]

# Up to this many pairs within a fibre, `nnz` asks the support for each; beyond it is a bound.
MOST_PAIRS = 1 << 16
# To see what a block reaches, so many pairs are asked for as a matrix, and so many one element of the block by one;
# where there are more, from each to all. At a time there are so many.
MATRIX, ONE_BY_ONE, AT_A_TIME = 1 << 24, 1 << 26, 1 << 22

Apply = Callable[[Any], Any]


class Operator(Format):
    """A linear map given by its action, which mixes some axes and repeats over the others.

    `apply` takes `(p,) + in_shape` to `(p,) + out_shape`, `transposed` goes back. `mixed` names the axes
    (input, output) within which elements meet; the axes that remain agree in number and size.
    `support(i, o)`, where given, tells structurally, for flat positions within the mixed axes, whether input
    i reaches output o. `written()`, where given, is the same map as a format that lists entries directly.
    `cost`, where given, counts multiplications and additions of one product; else every pair that may meet
    is counted.
    """

    def __init__(
        self,
        in_shape: Shape,
        out_shape: Shape,
        apply: Apply,
        transposed: Apply,
        mixed: tuple[Shape, Shape],
        support: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        written: Callable[[], Format] | None = None,
        cost: Work | None = None,
    ) -> None:
        self.in_shape, self.out_shape = in_shape, out_shape
        self.apply, self.transposed, self.mixed = apply, transposed, mixed
        self.support, self.written, self.cost = support, written, cost

    @property
    def T(self) -> "Operator":
        support, written = self.support, self.written
        return Operator(
            self.out_shape,
            self.in_shape,
            self.transposed,
            self.apply,
            (self.mixed[1], self.mixed[0]),
            None if support is None else (lambda i, o: support(o, i)),
            None if written is None else (lambda: written().T),
            self.cost,
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
        if self.written is not None:
            return self.written().nnz
        k_in, k_out = self._fibre
        if self.support is None or k_in * k_out > MOST_PAIRS:
            return k_in * self.n_out
        kept = self.support(*(at.reshape(-1) for at in np.indices((k_in, k_out))))
        return int(np.count_nonzero(kept)) * (self.n_out // max(k_out, 1))

    @property
    def size(self) -> int:
        return max(*self.work(), self.n_in, self.n_out)

    @property
    def elements(self) -> int:
        """As many as a matrix on the mixed axes has, where nothing says that it is less, as in solves."""
        return 0 if self.support is not None or self.cost is not None else math.prod(self._fibre)

    def reach(self, block: np.ndarray) -> np.ndarray:
        """By the support within the mixed axes, or, where there is none or it is large, from each to all."""
        if self.written is not None:
            return self.written().reach(block)
        (k_in, k_out), (mixed_in, mixed_out) = self._fibre, self.mixed
        rest = [n for k, n in enumerate(self.in_shape) if k not in mixed_in]
        last = np.moveaxis(block, [k + 1 for k in mixed_in], range(-len(mixed_in), 0))
        found = self._reached(last.reshape(len(block) * math.prod(rest), k_in), k_out)
        found = found.reshape(len(block), *rest, *(self.out_shape[k] for k in mixed_out))
        return np.moveaxis(found, range(-len(mixed_out), 0), [k + 1 for k in mixed_out])

    def _reached(self, rows: np.ndarray, k_out: int) -> np.ndarray:
        """Which outputs of a fibre each row, boolean `(r, k_in)`, reaches."""
        k_in = rows.shape[1]
        if self.support is not None:
            row, met = np.nonzero(rows)
            if k_in * k_out > MOST_PAIRS and len(met) * k_out <= ONE_BY_ONE:
                return self._listed(len(rows), row, met, k_out)
            if k_in * k_out <= MATRIX:
                pairs = self.support(*(at.reshape(-1) for at in np.indices((k_in, k_out)))).reshape(k_in, k_out)
                return rows.astype(np.float32) @ pairs.astype(np.float32) > 0
        return np.broadcast_to(rows.any(axis=-1, keepdims=True), (len(rows), k_out))

    def _listed(self, count: int, row: np.ndarray, met: np.ndarray, k_out: int) -> np.ndarray:
        """The same from the elements that are set, in the order of their rows."""
        assert self.support is not None
        found = np.zeros((count, k_out), bool)
        each = max(1, AT_A_TIME // max(k_out, 1))
        for start in range(0, len(met), each):
            r, i = row[start : start + each], met[start : start + each]
            pairs = self.support(np.repeat(i, k_out), np.tile(np.arange(k_out), len(i))).reshape(len(i), k_out)
            first = np.flatnonzero(np.diff(r, prepend=-1))
            found[r[first]] |= np.logical_or.reduceat(pairs, first, axis=0)
        return found

    def coo(self) -> Coo:
        """Entries by one seed per position within the mixed axes, all fibres at once."""
        if self.written is not None:
            return self.written().coo()
        k_in, k_out = self._fibre
        cols = _fibres(self.in_shape, self.mixed[0])
        rows = _fibres(self.out_shape, self.mixed[1])
        seeds = np.zeros((k_in, self.n_in))
        for k in range(k_in):
            seeds[k, cols[:, k]] = 1
        values = np.reshape(self.apply(seeds.reshape(k_in, *self.in_shape)), (k_in, self.n_out))
        i, f, o = (at.reshape(-1) for at in np.indices((k_in, len(rows), k_out)))
        if self.support is not None:
            keep = np.flatnonzero(self.support(i, o))
            i, f, o = i[keep], f[keep], o[keep]
        at = rows[f, o]
        return at, cols[f, i], np.take(np.reshape(values, (-1,)), i * self.n_out + at)

    def conj(self) -> "Operator":
        def conjugated(apply: Apply) -> Apply:
            return lambda block: np.conjugate(apply(np.conjugate(block)))

        written = self.written
        return Operator(
            self.in_shape,
            self.out_shape,
            conjugated(self.apply),
            conjugated(self.transposed),
            self.mixed,
            self.support,
            None if written is None else (lambda: written().conj()),
            self.cost,
        )

    def work(self) -> Work:
        return (self.nnz, self.nnz) if self.cost is None else self.cost


def real_linear(operator: Operator) -> Pair:
    """The pair `v -> A v + B conj(v)` of a map T that is linear over the reals only.

    `A v = (T v - i T(i v)) / 2` and `B v = (T conj(v) + i T(i conj(v))) / 2`; T's `transposed` is its adjoint
    under `Re(w . v)`, whose own pair is `(A^T, conj(B)^T)`.
    """

    def half(apply: Apply, sign: int, conjugate: bool) -> Apply:
        def part(block: Any) -> Any:
            v = np.conjugate(block) if conjugate else block
            return 0.5 * (apply(v) + sign * 1j * apply(1j * v))

        return part

    def conjugated(apply: Apply) -> Apply:
        return lambda block: np.conjugate(apply(np.conjugate(block)))

    def made(apply: Apply, transposed: Apply) -> Operator:
        return Operator(operator.in_shape, operator.out_shape, apply, transposed, operator.mixed, operator.support)

    there, back = operator.apply, operator.transposed
    return Pair(
        made(half(there, -1, False), half(back, -1, False)),
        made(half(there, 1, True), conjugated(half(back, 1, True))),
    )


def _fibres(shape: Shape, mixed: Shape) -> np.ndarray:
    """Flat positions as a table: one row per fibre, one column per position within the mixed axes."""
    rest = [k for k in range(len(shape)) if k not in mixed]
    positions = np.arange(math.prod(shape)).reshape(shape).transpose(*rest, *mixed)
    return positions.reshape(math.prod(shape[k] for k in rest), math.prod(shape[k] for k in mixed))
