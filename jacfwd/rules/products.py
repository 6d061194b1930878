"""Rules of products: linear in each operand, a contraction with the others."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import contraction
from jacfwd.formats.combined import Pair
from jacfwd.formats.dispatch import as_array, dispatched, on_arrays, strong_matmul
from jacfwd.formats.entries import Entries, coo_entries, nothing
from jacfwd.formats.index import IndexMap
from jacfwd.formats.labels import STACKED, Labels, core_labels, einsum_labels, labelled, subscripts_of
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, local_rule

__all__ = ["RULES", "contracted"]

# Up to this length of its kernel a convolution is kept as a band, which composes; else as what it does.
SHORT = 32


def contracted(labels_of: Callable[..., Labels], conjugated: int | None = None) -> Rule:
    """A product whose labels are `labels_of(*shapes, **params)`; operand `conjugated` enters conjugate."""

    known = remembered(labels_of)

    def local(call: Call, k: int) -> Format:
        labels = known(*map(np.shape, call.operands), **call.params)
        factors = [
            (conjugate(x) if j == conjugated else as_array(x), labels.operands[j])
            for j, x in enumerate(call.operands)
            if j != k
        ]
        fmt = contraction(labels.operands[k], factors, labels.out, labels.sizes)
        return of_conjugate(fmt, call.operands[k]) if k == conjugated else fmt

    return local_rule(local, labels=known)


def remembered(function: Callable[..., Labels]) -> Callable[..., Labels]:
    """The function, which finds its results for hashable arguments again: shapes come back in every call."""
    quick = functools.lru_cache(maxsize=1024)(function)

    def recall(*args: Any, **kwargs: Any) -> Labels:
        try:
            return quick(*args, **kwargs)
        except TypeError:  # lists of axes
            return function(*args, **kwargs)

    return recall


def of_conjugate(fmt: Format, x: Any) -> Format:
    """The format applied to the conjugate of x."""
    return Pair(nothing(fmt.in_shape, fmt.out_shape), fmt) if np.iscomplexobj(x) else fmt


def conjugate(x: Any) -> Any:
    """The conjugate, of complex arrays only."""
    return np.conjugate(x) if np.iscomplexobj(x) else as_array(x)


# Which axes meet


def gufunc(*cores: str, out: str) -> Callable[..., Labels]:
    """Labels of a generalized ufunc; what its other keywords change is the value only, or its memory."""

    def labels_of(
        *shapes: Shape, axes: Any = None, axis: int | None = None, keepdims: bool = False, **_: Any
    ) -> Labels:
        return core_labels(cores, out, shapes, axes, axis, keepdims)

    return labels_of


def dot_labels(a: Shape, b: Shape) -> Labels:
    """The last axis of a meets the last but one of b, or its only one; a number meets nothing."""
    return meeting(a, b, [len(a) - 1], [max(len(b) - 2, 0)]) if a and b else meeting(a, b, [], [])


def inner_labels(a: Shape, b: Shape) -> Labels:
    """Last axis with last axis."""
    return meeting(a, b, [len(a) - 1], [len(b) - 1]) if a and b else meeting(a, b, [], [])


def tensordot_labels(a: Shape, b: Shape, axes: Any = 2) -> Labels:
    """The last axes with the first, or as `axes` pairs them."""
    if np.ndim(axes) == 0 and not isinstance(axes, tuple):
        return meeting(a, b, list(range(len(a) - int(axes), len(a))), list(range(int(axes))))
    normal = np.lib.array_utils.normalize_axis_tuple
    return meeting(a, b, list(normal(axes[0], len(a))), list(normal(axes[1], len(b))))


def meeting(a: Shape, b: Shape, of_a: list[int], of_b: list[int]) -> Labels:
    """Axes of a, then axes of b; those that meet, pair by pair, are summed."""
    first, second = STACKED[: len(a)], STACKED[len(a) : len(a) + len(b)]
    for i, j in zip(of_a, of_b, strict=True):
        second[j] = first[i]
    out = [label for k, label in enumerate(first) if k not in of_a]
    out += [label for k, label in enumerate(second) if k not in of_b]
    return labelled(["".join(first), "".join(second)], "".join(out), (a, b))


def chain_labels(*shapes: Shape) -> Labels:
    """A product of matrices, the first and the last of which may be vectors."""
    operands = [STACKED[k] + STACKED[k + 1] for k in range(len(shapes))]
    if len(shapes[0]) == 1:
        operands[0] = operands[0][1]
    if len(shapes[-1]) == 1:
        operands[-1] = operands[-1][0]
    ends = (operands[0][:-1], operands[-1][1:])
    return labelled(operands, "".join(ends), shapes)


# Einsum, whose subscripts come first


@dispatched
def subscripted(*operands: Any, subscripts: str, **options: Any) -> Any:
    """`np.einsum(subscripts, *operands)`: arrays by position."""
    return np.einsum(subscripts, *operands, **options)


def subscripted_labels(*shapes: Shape, subscripts: str, **_: Any) -> Labels:
    """Labels of einsum; its other parameters change how, not what."""
    return einsum_labels(subscripts, shapes)


def einsum(*operands: Any, **options: Any) -> Any:
    """Both forms of einsum's arguments as one."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], list(operands[1:])
    else:
        subscripts, arrays = subscripts_of(operands)
    return subscripted(*map(as_array, arrays), subscripts=subscripts, **options)


# Products without a sum


def outer_local(call: Call, k: int) -> Format:
    """Rows of a against columns of b, both flattened."""
    other = np.reshape(call.operands[1 - k], (1, -1) if k == 0 else (-1, 1))
    spread = IndexMap(call.out_shape, call.shape(k), affine=(0, (1, 0) if k == 0 else (0, 1)))
    return Entries(call.shape(k), call.out_shape, None, spread, other)


def kron(a: Any, b: Any) -> Any:
    """Every element of a times all of b."""
    ndim = max(np.ndim(a), np.ndim(b))
    n, m = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    left = np.reshape(a, tuple(size for pair in zip(n, (1,) * ndim, strict=True) for size in pair))
    right = np.reshape(b, tuple(size for pair in zip((1,) * ndim, m, strict=True) for size in pair))
    return np.reshape(np.multiply(left, right), tuple(i * j for i, j in zip(n, m, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product, component by component; of vectors in the plane its third component."""
    if axis is not None:
        axisa = axisb = axisc = axis
    (a, n), (b, m) = ((np.moveaxis(x, at, 0), np.shape(x)[at]) for x, at in ((a, axisa), (b, axisb)))
    if not {n, m} <= {2, 3}:
        raise ValueError(f"both vectors need two or three components, got {n} and {m}")
    x, y, u, v = a[0], a[1], b[0], b[1]
    third = x * v - y * u
    if n == m == 2:
        return third
    if n == 2:
        first, second = y * b[2], -(x * b[2])
    elif m == 2:
        first, second = -(a[2] * v), a[2] * u
    else:
        first, second = y * b[2] - a[2] * v, a[2] * u - x * b[2]
    return np.moveaxis(np.stack(np.broadcast_arrays(first, second, third)), 0, axisc)


def vdot(a: Any, b: Any, /) -> Any:
    """The scalar product of all elements, the first operand conjugate."""
    return np.dot(np.ravel(conjugate(a)), np.ravel(b))


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """`np.linalg.vecdot`, which is the ufunc."""
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum along a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


# Convolutions: `full[r] = sum_(i + j = r) x[i] h[j]`, of which the output is a stretch


class Band(NamedTuple):
    """One operand x of a convolution against the other, h: out[r] += h[j] x[i], i + j = r + start.

    `flip` counts x from its end.
    """

    n: int
    h: Any
    start: int
    n_out: int
    flip: bool

    def entries(self, in_shape: Shape) -> Entries:
        """The entries (i, j), laid out as a rectangle where nothing is cut off."""
        m, out_shape = len(self.h), (self.n_out,)
        first, step = (self.n - 1, -1) if self.flip else (0, 1)
        if self.n_out == self.n + m - 1:
            rows = IndexMap((self.n, m), out_shape, affine=(0, (1, 1)))
            cols = IndexMap((self.n, m), in_shape, affine=(first, (step, 0)))
            return Entries(in_shape, out_shape, rows, cols, np.reshape(self.h, (1, -1)))
        if self.n_out == self.n - m + 1 and self.start == m - 1:
            rows = IndexMap((self.n_out, m), out_shape, affine=(0, (1, 0)))
            cols = IndexMap((self.n_out, m), in_shape, affine=(first + step * self.start, (step, -step)))
            return Entries(in_shape, out_shape, rows, cols, np.reshape(self.h, (1, -1)))
        i, j = (at.reshape(-1) for at in np.indices((self.n, m)))
        kept = np.flatnonzero((i + j >= self.start) & (i + j < self.start + self.n_out))
        i, j = i[kept], j[kept]
        return coo_entries(in_shape, out_shape, i + j - self.start, first + step * i, np.take(self.h, j))

    def push(self, block: Any) -> Any:
        """Convolve each tangent."""
        rows = [
            np.convolve(np.flip(row) if self.flip else row, self.h)[self.start : self.start + self.n_out]
            for row in block
        ]
        return np.stack(rows) if rows else np.zeros((0, self.n_out))

    def pull(self, block: Any) -> Any:
        """Correlate each cotangent."""
        before = np.zeros(self.start)
        after = np.zeros(self.n + len(self.h) - 1 - self.start - self.n_out)
        back = np.flip(self.h)
        rows = [np.convolve(np.concatenate([before, row, after]), back, "valid") for row in block]
        rows = [np.flip(row) for row in rows] if self.flip else rows
        return np.stack(rows) if rows else np.zeros((0, self.n))

    def format(self, in_shape: Shape) -> Format:
        """Entries while there are few for each element; else what it does."""
        if min(self.n, len(self.h)) <= SHORT:
            return self.entries(in_shape)
        work = self.n * len(self.h)
        return Operator(
            in_shape, (self.n_out,), self.push, self.pull, ((0,), (0,)),
            written=lambda: self.entries(in_shape), cost=(work, work - self.n_out),
        )  # fmt: skip


def convolve_local(call: Call, k: int) -> Format:
    """Either operand against the other."""
    h = np.reshape(call.operands[1 - k], (-1,))
    n = math.prod(call.shape(k))
    start = offset(call, "full", (min(n, len(h)) - 1) // 2)
    return Band(n, h, start, call.out_shape[0], False).format(call.shape(k))


def correlate_local(call: Call, k: int) -> Format:
    """A convolution with the second operand conjugate and read from its end."""
    n, m = (math.prod(call.shape(j)) for j in (0, 1))
    middle = (min(n, m) - 1) // 2
    start = offset(call, "valid", middle if n >= m else n - 1 - middle)
    if k == 0:
        h = np.flip(np.reshape(conjugate(call.operands[1]), (-1,)))
        return Band(n, h, start, call.out_shape[0], False).format(call.shape(0))
    h = np.reshape(call.operands[0], (-1,))
    band = Band(m, h, start, call.out_shape[0], True).format(call.shape(1))
    return of_conjugate(band, call.operands[1])


def offset(call: Call, default: str, middle: int) -> int:
    """Where the output starts within the full convolution."""
    mode = call.params.get("mode", default)
    # Modes may be numbers, and older versions of NumPy look at the first letter only.
    letter = "vsf"[mode] if isinstance(mode, int) else mode[0].lower()
    shortest = min(math.prod(call.shape(0)), math.prod(call.shape(1)))
    return {"f": 0, "s": middle, "v": shortest - 1}[letter]


def ufuncs() -> dict[Any, Rule]:
    """The products that are generalized ufuncs in this NumPy."""
    rules = {
        "matmul": contracted(gufunc("mk", "kn", out="mn")),
        "vecdot": contracted(gufunc("k", "k", out=""), conjugated=0),
        "matvec": contracted(gufunc("mk", "k", out="m")),
        "vecmat": contracted(gufunc("k", "kn", out="n"), conjugated=0),
    }
    return {getattr(np, name): rule for name, rule in rules.items() if hasattr(np, name)}


RULES: dict[Any, Rule] = {
    **ufuncs(),
    strong_matmul: contracted(gufunc("mk", "kn", out="mn")),
    np.dot: contracted(dot_labels).on("a", "b", signature="a, b, out=None"),
    np.inner: contracted(inner_labels).on("a", "b", signature="a, b, /"),
    np.vdot: composed(on_arrays(vdot, 2)),
    np.outer: local_rule(outer_local).on("a", "b"),
    np.kron: composed(on_arrays(kron, 2)),
    np.cross: composed(on_arrays(cross, 2)),
    np.trace: composed(on_arrays(trace)),
    np.tensordot: contracted(tensordot_labels).on("a", "b"),
    np.einsum: composed(einsum),
    subscripted: contracted(subscripted_labels),
    np.convolve: local_rule(convolve_local).on("a", "v"),
    np.correlate: local_rule(correlate_local).on("a", "v"),
    np.linalg.multi_dot: contracted(chain_labels).on("arrays", sequence=True),
    np.linalg.matmul: composed(lambda x1, x2, /: np.matmul(x1, x2)),
    np.linalg.vecdot: composed(vecdot),
    np.linalg.outer: local_rule(outer_local).on("x1", "x2"),
    np.linalg.cross: composed(lambda x1, x2, /, *, axis=-1: np.cross(x1, x2, axis=axis)),
    np.linalg.tensordot: composed(lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes=axes)),
    np.linalg.trace: composed(lambda x, /, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype)),
}
