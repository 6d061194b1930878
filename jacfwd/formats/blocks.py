"""Dense structure: whole blocks, and contractions whose Kronecker product is never formed."""

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work
from jacfwd.formats.contract import contract
from jacfwd.formats.dispatch import strong_matmul
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap, c_strides

__all__ = ["DIRECTIONS", "Contraction", "Dense", "contraction"]

# The label of a tangent block's first axis; no operand's axis is called so.
DIRECTIONS = "*"

Labelled = tuple[Any, str]
Step = tuple[str, Any, str, str]


class Dense(Format):
    """A Jacobian kept as the tangent block `(n_in,) + out_shape` of all unit seeds.

    `present`, boolean of the block's shape, tells where entries are structurally; None stands for everywhere.
    """

    def __init__(self, block: Any, in_shape: Shape, present: np.ndarray | None = None) -> None:
        self.in_shape, self.out_shape = tuple(in_shape), tuple(block.shape[1:])
        self.matrix = block.reshape((self.n_in, self.n_out))
        if present is not None:
            present = None if present.all() else present.reshape((self.n_in, self.n_out))
        self.present = present

    @classmethod
    def of_matrix(cls, matrix: Any, in_shape: Shape, out_shape: Shape, present: np.ndarray | None = None) -> "Dense":
        """The block given as the matrix `(n_in, n_out)`: one row for each input."""
        return cls(matrix.reshape((matrix.shape[0], *out_shape)), in_shape, present)

    @property
    def block(self) -> Any:
        """The tangent block of all unit seeds, `(n_in,) + out_shape`."""
        return self.matrix.reshape((self.n_in, *self.out_shape))

    @property
    def nnz(self) -> int:
        return self.size if self.present is None else int(np.count_nonzero(self.present))

    @property
    def size(self) -> int:
        return self.n_in * self.n_out

    @property
    def T(self) -> "Dense":
        present = None if self.present is None else self.present.T
        return Dense.of_matrix(self.matrix.T, self.out_shape, self.in_shape, present)

    def columns(self) -> tuple[Any, np.ndarray]:
        present = np.ones(self.matrix.shape, bool) if self.present is None else self.present
        return self.block, present.reshape((self.n_in, *self.out_shape))

    def reach(self, block: np.ndarray) -> np.ndarray:
        rows = block.reshape(block.shape[0], self.n_in)
        if self.present is None:
            found = np.broadcast_to(rows.any(axis=1, keepdims=True), (block.shape[0], self.n_out))
        else:
            found = rows.astype(np.float32) @ self.present.astype(np.float32) > 0
        return found.reshape(block.shape[0], *self.out_shape)

    def push(self, block: Any) -> Any:
        p = block.shape[0]
        return strong_matmul(block.reshape((p, self.n_in)), self.matrix).reshape((p, *self.out_shape))

    def coo(self) -> Coo:
        if self.present is None:
            rows, cols = (at.reshape(-1) for at in np.indices((self.n_out, self.n_in)))
            return rows, cols, self.matrix.T.reshape(-1)
        rows, cols = np.nonzero(self.present.T)
        return rows, cols, np.take(self.matrix.reshape(-1), cols * self.n_out + rows)

    def conj(self) -> "Dense":
        return Dense.of_matrix(np.conjugate(self.matrix), self.in_shape, self.out_shape, self.present)

    def work(self) -> Work:
        return self.size, max(self.size - self.n_out, 0)


class Contraction(Format):
    """`out[o] = sum factor[f] ... x[i]` in Einstein's notation: matmul, dot, einsum with all else held fixed.

    Labels are single characters. Labels of the output that no operand has are broadcast over; labels that
    stand twice in x are read on the diagonal, labels that stand twice in the output written there.
    """

    def __init__(self, x: str, factors: Sequence[Labelled], out: str, sizes: dict[str, int]) -> None:
        self.x, self.factors, self.out, self.sizes = x, list(factors), out, sizes
        self.in_shape = tuple(sizes[label] for label in x)
        self.out_shape = tuple(sizes[label] for label in out)

    @property
    def labels(self) -> str:
        """Every label that entries are laid out over, once."""
        return _once(self.out + self.x)

    @property
    def nnz(self) -> int:
        return self._count(self.labels)

    @property
    def size(self) -> int:
        return max(self.work()[0], self.n_in, self.n_out)

    @property
    def elements(self) -> int:
        """Elements of the factors."""
        return sum(self._count(labels) for _, labels in self.terms)

    def reach(self, block: np.ndarray) -> np.ndarray:
        labels, out = _once(self.x), _once(self.out)
        block = self._map(self.x, labels).take(block)
        lonely = tuple(k + 1 for k, label in enumerate(labels) if label not in out)
        block = self._spread(block.any(axis=lonely), _kept(labels, out), out)
        return self._map(self.out, out).add(block.astype(np.float32)) > 0

    @property
    def slim(self) -> bool:
        """Whether the entries are no more than the elements of input or output: then they compose better."""
        return self.nnz <= max(self.n_in, self.n_out)

    @property
    def T(self) -> "Contraction":
        return Contraction(self.out, self.terms, self.x, self.sizes)

    @functools.cached_property
    def terms(self) -> list[Labelled]:
        """The factors with distinct labels, and multiplied where the product is no larger than they are."""
        terms = [self._diagonal(factor, labels) for factor, labels in self.factors]
        for k, (factor, labels) in enumerate(terms):
            needed = _kept(labels, self.out + self.x, terms[:k] + terms[k + 1 :])
            terms[k] = _arranged(factor, labels, needed), needed
        return self._folded(terms)

    def _folded(self, terms: list[Labelled], at_any_size: bool = False) -> list[Labelled]:
        for i, j in itertools.combinations(range(len(terms)), 2):
            (a, a_labels), (b, b_labels) = terms[i], terms[j]
            rest = terms[:i] + terms[i + 1 : j] + terms[j + 1 :]
            made = _kept(a_labels + b_labels, self.out + self.x, rest)
            if at_any_size or self._count(made) <= max(self._count(a_labels), self._count(b_labels)):
                return self._folded([(contract(a, a_labels, b, b_labels, made), made), *rest], at_any_size)
        return terms

    @functools.cached_property
    def steps(self) -> list[Step]:
        """One factor after the other, the cheapest next: (labels so far, factor, its labels, labels then)."""
        labels, out = _once(self.x), _once(self.out)
        steps, terms = [], list(self.terms)
        while terms:
            at = 0
            if len(terms) > 1:
                at = min(range(len(terms)), key=lambda k: self._count(set(labels + terms[k][1])))
            factor, own = terms.pop(at)
            made = _kept(labels + own, out, terms) if terms else _kept(out, labels + own)
            steps.append((labels, factor, own, made))
            labels = made
        return steps

    def push(self, block: Any) -> Any:
        labels, out = _once(self.x), _once(self.out)
        if labels != self.x:
            block = self._map(self.x, labels).take(block)
        for before, factor, own, labels in self.steps:
            block = contract(block, DIRECTIONS + before, factor, own, DIRECTIONS + labels)
        block = self._spread(block, labels, out)
        return block if out == self.out else self._map(self.out, out).add(block)

    def _spread(self, block: Any, labels: str, out: str) -> Any:
        """Sum, transpose and broadcast a block from its labels to those of the output."""
        known = _kept(out, labels)
        block = _arranged(block, DIRECTIONS + labels, DIRECTIONS + known)
        if known == out:
            return block
        p, shape = block.shape[0], tuple(self.sizes[label] for label in out)
        ones = tuple(self.sizes[label] if label in known else 1 for label in out)
        block = block.reshape((p, *ones))
        return block if ones == shape else np.broadcast_to(block, (p, *shape))

    def entries(self) -> Entries:
        """The same map as entries over all labels: maps stay affine, weights stay broadcast."""
        every = self.labels
        return Entries(
            self.in_shape,
            self.out_shape,
            self._map(self.out, every),
            self._map(self.x, every),
            self._weights(every),
        )

    def _weights(self, every: str) -> Any:
        """All factors multiplied, broadcastable to the shape of the entries; one if there are none."""
        if not self.factors:
            return 1
        ((factor, labels),) = self._folded(self.terms, at_any_size=True)
        known = _kept(every, labels)
        ones = tuple(self.sizes[label] if label in known else 1 for label in every)
        return _arranged(factor, labels, known).reshape(ones)

    def _map(self, labels: str, every: str) -> IndexMap:
        """Positions of an operand as the labels run: strides of repeated labels add, absent ones are zero."""
        shape, target = (tuple(self.sizes[label] for label in own) for own in (every, labels))
        steps = c_strides(target)
        strides = tuple(sum(s for s, own in zip(steps, labels, strict=True) if own == label) for label in every)
        return IndexMap(shape, target, affine=(0, strides))

    def _diagonal(self, factor: Any, labels: str) -> Labelled:
        once = _once(labels)
        if once == labels:
            return factor, labels
        return self._map(labels, once).take(factor.reshape((1, *factor.shape)))[0], once

    def _count(self, labels: Iterable[str]) -> int:
        return math.prod(self.sizes[label] for label in labels)

    def coo(self) -> Coo:
        return self.entries().coo()

    def conj(self) -> "Contraction":
        return Contraction(self.x, [(np.conjugate(f), labels) for f, labels in self.terms], self.out, self.sizes)

    def work(self) -> Work:
        if not self.steps:
            return 0, max(self.nnz - self.n_out, 0)
        products = [self._count(set(labels + own)) for labels, _, own, _ in self.steps]
        sums = [self._count(made) for *_, made in self.steps]
        return sum(products), max(sum(products) - sum(sums), 0)


def contraction(x: str, factors: Sequence[Labelled], out: str, sizes: dict[str, int]) -> Format:
    """A contraction, or, where every element of the output reads one element of x, its entries."""
    fmt = Contraction(x, factors, out, sizes)
    return fmt.entries() if set(x) <= set(out) else fmt


def _kept(labels: str, others: str, terms: Sequence[Labelled] = ()) -> str:
    """The labels, each once, that others or further terms know."""
    return _within(labels, others + "".join(own for _, own in terms))


@functools.lru_cache(maxsize=4096)
def _within(labels: str, known: str) -> str:
    return "".join(label for label in dict.fromkeys(labels) if label in known)


@functools.lru_cache(maxsize=4096)
def _once(labels: str) -> str:
    """The labels without repetition."""
    return "".join(dict.fromkeys(labels))


def _arranged(array: Any, labels: str, out: str) -> Any:
    """Sum away the axes that `out` does not name and put the others in its order."""
    if labels == out:
        return array
    lonely = tuple(k for k, label in enumerate(labels) if label not in out)
    if lonely:
        array, labels = array.sum(axis=lonely), _kept(labels, out)
    return array if labels == out else array.transpose(tuple(labels.index(label) for label in out))
