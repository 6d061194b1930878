"""Dense structure: whole blocks, and contractions whose Kronecker product is never formed."""

import math
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap, c_strides

__all__ = ["Contraction", "Dense"]


class Dense(Format):
    """A full Jacobian kept as the tangent block `(n_in,) + out_shape` of all unit seeds."""

    def __init__(self, block: Any, in_shape: Shape) -> None:
        self.block = block
        self.in_shape, self.out_shape = in_shape, tuple(block.shape[1:])

    @property
    def nnz(self) -> int:
        return self.n_in * self.n_out

    @property
    def T(self) -> "Dense":
        matrix = np.reshape(self.block, (self.n_in, self.n_out)).T
        return Dense(np.reshape(matrix, (self.n_out, *self.in_shape)), self.out_shape)

    def push(self, block: Any) -> Any:
        rows = np.reshape(block, (block.shape[0], self.n_in))
        out = contract(rows, "pi", np.reshape(self.block, (self.n_in, self.n_out)), "io", "po")
        return np.reshape(out, (block.shape[0], *self.out_shape))

    def coo(self) -> Coo:
        rows, cols = np.meshgrid(np.arange(self.n_out), np.arange(self.n_in), indexing="ij")
        values = np.reshape(self.block, (self.n_in, self.n_out)).T
        return rows.reshape(-1), cols.reshape(-1), np.reshape(values, (-1,))

    def conj(self) -> "Dense":
        return Dense(np.conjugate(self.block), self.in_shape)

    def work(self) -> Work:
        return self.nnz, max(self.nnz - self.n_out, 0)


class Contraction(Format):
    """`out[o] = sum factor[f] ... x[i]` in Einstein's notation: matmul, dot, einsum with all else held fixed.

    Labels are single characters; `p` is not among them, it stands for the directions of a tangent block.
    """

    def __init__(self, x: str, factors: list[tuple[Any, str]], out: str, sizes: dict[str, int]) -> None:
        self.x, self.factors, self.out, self.sizes = x, factors, out, sizes
        self.in_shape = tuple(sizes[label] for label in x)
        self.out_shape = tuple(sizes[label] for label in out)

    @property
    def labels(self) -> str:
        """Every label once: the entries are laid out over all of them."""
        return "".join(dict.fromkeys(self.out + "".join(labels for _, labels in self.factors) + self.x))

    @property
    def nnz(self) -> int:
        return math.prod(self.sizes[label] for label in self.labels)

    @property
    def T(self) -> "Contraction":
        return Contraction(self.out, self.factors, self.x, self.sizes)

    def push(self, block: Any) -> Any:
        if self._simple:
            factor, labels = self._joint_factor()
            out = contract(block, "p" + self.x, factor, labels, "p" + self.out)
            if np.isfinite(out.sum()) if type(out) is np.ndarray else True:
                return out
        return self.entries().push(block)

    @property
    def _simple(self) -> bool:
        """Whether no label repeats within an operand and every output label has a source."""
        known = self.x + "".join(labels for _, labels in self.factors)
        repeats = any(len(set(labels)) < len(labels) for labels in (self.x, self.out))
        return not repeats and set(self.out) <= set(known)

    def _joint_factor(self) -> tuple[Any, str]:
        """All factors as one array over the labels that the product needs."""
        if not self.factors:
            return np.ones(()), ""
        if len(self.factors) == 1:
            factor, labels = self.factors[0]
            if len(set(labels)) == len(labels):
                return factor, labels
        keep = "".join(dict.fromkeys("".join(labels for _, labels in self.factors)))
        needed = "".join(label for label in keep if label in self.out or label in self.x)
        terms = ",".join(labels for _, labels in self.factors)
        return np.einsum(f"{terms}->{needed}", *(factor for factor, _ in self.factors)), needed

    def entries(self) -> Entries:
        """The same map as entries over all labels: maps stay affine, weights stay broadcast."""
        factor, labels = self._joint_factor()
        every = "".join(dict.fromkeys(self.out + labels + self.x))
        shape = tuple(self.sizes[label] for label in every)
        order = sorted(range(len(labels)), key=lambda k: every.index(labels[k]))
        spread = tuple(self.sizes[label] if label in labels else 1 for label in every)
        weights = np.reshape(np.transpose(factor, order), spread) if self.factors else 1
        return Entries(
            self.in_shape, self.out_shape, self._map(self.out, every, shape), self._map(self.x, every, shape), weights
        )

    def _map(self, labels: str, every: str, shape: Shape) -> IndexMap:
        """Positions of an operand as the entries run: strides of repeated labels add, absent ones are zero."""
        target = tuple(self.sizes[label] for label in labels)
        steps = c_strides(target)
        strides = tuple(sum(s for s, own in zip(steps, labels, strict=True) if own == label) for label in every)
        return IndexMap(shape, target, affine=(0, strides))

    def coo(self) -> Coo:
        return self.entries().coo()

    def conj(self) -> "Contraction":
        return Contraction(self.x, [(np.conjugate(f), labels) for f, labels in self.factors], self.out, self.sizes)

    def work(self) -> Work:
        return self.nnz, max(self.nnz - self.n_out, 0)


def contract(a: Any, a_labels: str, b: Any, b_labels: str, out_labels: str) -> Any:
    """Two-operand contraction as one batched matrix product, so that BLAS does the work.

    Labels of each operand are distinct. Those in both and in the output are batch axes, those in both alone are
    summed, those in one operand only are free if the output has them and summed beforehand if not.
    """
    a, a_labels = _sum_lonely(a, a_labels, b_labels + out_labels)
    b, b_labels = _sum_lonely(b, b_labels, a_labels + out_labels)
    both = [label for label in a_labels if label in b_labels]
    batch = [label for label in both if label in out_labels]
    inner = [label for label in both if label not in out_labels]
    free_a = [label for label in a_labels if label not in both]
    free_b = [label for label in b_labels if label not in both]
    sizes = dict(zip(a_labels + b_labels, (*a.shape, *b.shape), strict=True))
    left = _matrix(a, a_labels, batch, free_a, inner, sizes)
    right = _matrix(b, b_labels, batch, inner, free_b, sizes)
    out = np.matmul(left, right) if inner else np.multiply(left, right)
    made = batch + free_a + free_b
    out = np.reshape(out, tuple(sizes[label] for label in made))
    order = [made.index(label) for label in out_labels]
    return out if order == list(range(len(order))) else np.transpose(out, order)


def _sum_lonely(array: Any, labels: str, others: str) -> tuple[Any, str]:
    lonely = tuple(k for k, label in enumerate(labels) if label not in others)
    if not lonely:
        return array, labels
    return np.sum(array, axis=lonely), "".join(label for label in labels if label in others)


def _matrix(
    array: Any, labels: str, batch: list[str], rows: list[str], cols: list[str], sizes: dict[str, int]
) -> Any:
    order = [labels.index(label) for label in (*batch, *rows, *cols)]
    if order != list(range(len(order))):
        array = np.transpose(array, order)
    shape = [sizes[label] for label in batch]
    shape += [math.prod(sizes[label] for label in rows), math.prod(sizes[label] for label in cols)]
    return np.reshape(array, tuple(shape))
