"""Formats made of formats: sums, unmultiplied products, and the pairs of complex nodes."""

import functools
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Work
from jacfwd.formats.coo import joined, merged
from jacfwd.formats.dispatch import summed
from jacfwd.formats.weights import numbers

__all__ = ["Pair", "Product", "Sum"]


class Sum(Format):
    """A sum of formats with the same shapes: several reads per output, such as the row of a stencil."""

    def __init__(self, terms: list[Format]) -> None:
        self.terms = terms
        self.in_shape, self.out_shape = terms[0].in_shape, terms[0].out_shape

    @property
    def nnz(self) -> int:
        return sum(term.nnz for term in self.terms)

    @property
    def T(self) -> "Sum":
        return Sum([term.T for term in self.terms])

    def push(self, block: Any) -> Any:
        out = self.terms[0].push(block)
        for term in self.terms[1:]:
            out = summed(out, term.push(block), block)
        return out

    def reach(self, block: np.ndarray) -> np.ndarray:
        return functools.reduce(np.logical_or, (term.reach(block) for term in self.terms))

    @property
    def size(self) -> int:
        return sum(term.size for term in self.terms)

    @property
    def elements(self) -> int:
        return sum(term.elements for term in self.terms)

    def coo(self) -> Coo:
        rows, cols, values = zip(*(term.coo() for term in self.terms), strict=True)
        return np.concatenate(rows), np.concatenate(cols), np.concatenate([numbers(v) for v in values])

    def conj(self) -> "Sum":
        return Sum([term.conj() for term in self.terms])

    def work(self) -> Work:
        parts = [term.work() for term in self.terms]
        return sum(m for m, _ in parts), sum(a for _, a in parts) + (len(parts) - 1) * self.n_out


class Product(Format):
    """An unmultiplied product, nearest factor first: reductions followed by broadcasts stay of low rank."""

    def __init__(self, factors: list[Format]) -> None:
        self.factors = factors
        self.in_shape, self.out_shape = factors[0].in_shape, factors[-1].out_shape

    @property
    def nnz(self) -> int:
        # Written out it may be full; every row that the last factor writes meets every column of the first.
        return min(self.n_out, self.factors[-1].nnz) * min(self.n_in, self.factors[0].nnz)

    @property
    def T(self) -> "Product":
        return Product([factor.T for factor in reversed(self.factors)])

    def push(self, block: Any) -> Any:
        for factor in self.factors:
            block = factor.push(block)
        return block

    def reach(self, block: np.ndarray) -> np.ndarray:
        for factor in self.factors:
            block = factor.reach(block)
        return block

    @property
    def size(self) -> int:
        return sum(factor.size for factor in self.factors)

    @property
    def elements(self) -> int:
        return sum(factor.elements for factor in self.factors)

    def columns(self) -> tuple[Any, np.ndarray]:
        block, present = self.factors[0].columns()
        for factor in self.factors[1:]:
            block, present = factor.push(block), factor.reach(present)
        return block, present

    @property
    def is_full(self) -> bool:
        """Whether a block of all entries takes less than lists: half as many ways lead through the factors, or more."""
        every = self.n_in * self.n_out
        ways: Any = np.ones(self.n_in)
        for factor in self.factors:
            if 4 * factor.nnz >= every:
                return True
            rows, cols, _ = factor.coo()
            ways = np.bincount(rows, ways[cols], factor.n_out)
        return 2 * ways.sum() >= every

    def coo(self) -> Coo:
        if self.is_full:
            return self._coo_by_rows()

        def step(before: Coo, after: Format) -> Coo:
            return merged(*joined(after.coo(), before, after.n_in), self.n_in)

        return functools.reduce(step, self.factors[1:], self.factors[0].coo())

    def _coo_by_rows(self) -> Coo:
        # Maps that conjugate have no rows over the complex numbers: their entries are what they make of real units.
        block, present = _turned(*self.columns()) if conjugates(self) else self.T.columns()
        if present.all():
            rows, cols = (at.reshape(-1) for at in np.indices((self.n_out, self.n_in)))
            return rows, cols, np.reshape(block, (-1,))
        rows, cols = np.nonzero(present.reshape(self.n_out, self.n_in))
        return rows, cols, np.take(np.reshape(block, (-1,)), rows * self.n_in + cols)

    def conj(self) -> "Product":
        return Product([factor.conj() for factor in self.factors])

    def work(self) -> Work:
        parts = [factor.work() for factor in self.factors]
        return sum(m for m, _ in parts), sum(a for _, a in parts)


def _turned(block: Any, present: np.ndarray) -> tuple[Any, np.ndarray]:
    """The columns of a map as its rows."""
    n_in = len(block)
    return np.transpose(np.reshape(block, (n_in, -1))), present.reshape(n_in, -1).T


def conjugates(fmt: Format) -> bool:
    """Whether some part of a map takes conjugates, so that it is linear over the reals only."""
    parts = fmt.factors if isinstance(fmt, Product) else fmt.terms if isinstance(fmt, Sum) else []
    return isinstance(fmt, Pair) or any(map(conjugates, parts))


class Pair(Format):
    """The real-linear map `v -> A v + B conj(v)` between complex nodes.

    Transposed under the form `Re(w . v)`: `w -> A^T w + conj(B)^T conj(w)`.
    """

    def __init__(self, holomorphic: Format, conjugate: Format) -> None:
        self.holomorphic, self.conjugate = holomorphic, conjugate
        self.in_shape, self.out_shape = holomorphic.in_shape, holomorphic.out_shape

    @property
    def nnz(self) -> int:
        return self.holomorphic.nnz + self.conjugate.nnz

    @property
    def T(self) -> "Pair":
        return Pair(self.holomorphic.T, self.conjugate.conj().T)

    def push(self, block: Any) -> Any:
        return np.add(self.holomorphic.push(block), self.conjugate.push(np.conjugate(block)))

    def reach(self, block: np.ndarray) -> np.ndarray:
        return np.logical_or(self.holomorphic.reach(block), self.conjugate.reach(block))

    @property
    def size(self) -> int:
        return self.holomorphic.size + self.conjugate.size

    @property
    def elements(self) -> int:
        return self.holomorphic.elements + self.conjugate.elements

    def coo(self) -> Coo:
        """Rows and columns with the sum A + B, which is what a real tangent sees."""
        return Sum([self.holomorphic, self.conjugate]).coo()

    def conj(self) -> "Pair":
        return Pair(self.conjugate.conj(), self.holomorphic.conj())

    def work(self) -> Work:
        a, b = self.holomorphic.work(), self.conjugate.work()
        return a[0] + b[0], a[1] + b[1] + self.n_out
