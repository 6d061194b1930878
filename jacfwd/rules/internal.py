"""Rules of the functions that recordings themselves insert: views, assembled buffers, casts, products."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched, strong_product
from jacfwd.formats.entries import Entries, segments, selection
from jacfwd.formats.fixed import FixedMatrix, fixed_product
from jacfwd.formats.index import IndexMap, scattered
from jacfwd.primitive import Call, Rule, constant, elementwise, local_rule, moves, reduction

__all__ = [
    "RULES",
    "add_at",
    "assemble",
    "cast",
    "compound",
    "element",
    "exact_sum",
    "fails",
    "held",
    "segment_sums",
    "view",
]


@dispatched
def view(x: Any, *, index: IndexMap) -> Any:
    """The elements of x that a view sees: `out = x.flat[index]`."""
    return index.of(x)


@dispatched
def element(x: Any, *, position: int) -> Any:
    """One element of x by its flat position."""
    return np.reshape(x, (-1,))[position]


@dispatched
def assemble(*parts: Any, index: IndexMap) -> Any:
    """A buffer put together from what was written into it: `out = concatenate(parts).flat[index]`."""
    flat = np.concatenate([np.reshape(part, (-1,)) for part in parts])
    return index.take(flat[None])[0]


@dispatched
def cast(x: Any, *, dtype: np.dtype) -> Any:
    """Convert to another dtype, as `astype` does."""
    out = np.asarray(x).astype(dtype)
    return out if isinstance(x, np.ndarray) else out[()]


@dispatched
def compound(real: Any, imag: Any) -> Any:
    """The complex array with these real and imaginary parts, `inf`, `nan` and signed zeros included."""
    parts = np.broadcast_arrays(real, imag)
    out = np.empty(parts[0].shape, np.result_type(*parts, np.complex64))
    out.real, out.imag = parts
    return out[()]


@dispatched
def exact_sum(x: Any) -> Any:
    """The sum of a one-dimensional x, rounded once, as `math.fsum` does it."""
    return np.float64(math.fsum(x))


@dispatched
def add_at(x: Any, values: Any, *, positions: np.ndarray) -> Any:
    """`x` with `values` added at flat positions, repeated ones too, in their order as `np.add.at` does it."""
    out = np.array(x, order="C")
    np.add.at(out.reshape(-1), positions.reshape(-1), np.broadcast_to(values, positions.shape).reshape(-1))
    return out


@dispatched
def fails(*numbers: Any, function: Callable[..., Any]) -> Any:
    """Whether a function of the math module raises an exception at these numbers."""
    try:
        function(*numbers)
    except (ValueError, OverflowError):
        return np.True_
    return np.False_


@dispatched
def held(x: Any) -> Any:
    """A value without its derivative, where it is known that the result does not depend on it."""
    return np.asarray(x)[()]


@dispatched
def segment_sums(x: Any, *, starts: np.ndarray, axis: int) -> Any:
    """Sums of the stretches of an axis that begin at `starts`, as `np.add.reduceat` does it."""
    return np.add.reduceat(x, starts, axis)


def _segment_local(call: Call, k: int) -> Any:
    shape, out, starts, axis = call.shape(0), call.out_shape, call.params["starts"], call.params["axis"]
    ends = [*starts[1:], shape[axis]]
    # A start beyond the next one stands for a single element.
    sizes = np.array([max(b - a, 1) for a, b in zip(starts, ends, strict=True)], np.intp)
    inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows, cols = np.repeat(np.arange(len(starts)), sizes), np.repeat(starts, sizes) + inside
    positions = [np.arange(math.prod(s)).reshape(s) for s in (out, shape)]
    rows, cols = (np.take(all_, at, axis) for all_, at in zip(positions, (rows, cols), strict=True))
    return Entries(shape, out, IndexMap.of_positions(rows, out), IndexMap.of_positions(cols, shape))


def _add_at_local(call: Call, k: int) -> Any:
    shape, out = call.shape(k), call.out_shape
    if k == 0:
        return selection(IndexMap.identity(shape))
    spread = IndexMap.broadcast(shape, call.params["positions"].shape)
    return Entries(shape, out, IndexMap.of_positions(call.params["positions"], out), spread)


def _scattered_local(call: Call, k: int) -> Any:
    index, (p, *_) = call.params["index"], call.out_shape
    rows = np.arange(p)[:, None] * math.prod(index.target) + index.flat
    return segments(IndexMap.of_positions(rows.reshape(call.shape(k)), call.out_shape))


def _fixed_local(call: Call, k: int) -> Any:
    matrix: FixedMatrix = call.params["matrix"]
    (p, n), m = call.shape(0), matrix.shape[0]
    each = np.arange(p)[:, None]
    rows = IndexMap.of_positions(each * m + matrix.rows, call.out_shape)
    cols = IndexMap.of_positions(each * n + matrix.cols, call.shape(0))
    return Entries(call.shape(0), call.out_shape, rows, cols, matrix.weights)


def _element_local(call: Call, k: int) -> Any:
    return element_of(call.shape(k), call.params["position"])


@functools.lru_cache(maxsize=4096)
def element_of(shape: tuple[int, ...], position: int) -> Entries:
    """The selection of one element."""
    return selection(IndexMap((), shape, affine=(position, ())))


def _view_local(call: Call, k: int) -> Any:
    return selection(call.params["index"])


RULES: dict[Any, Rule] = {
    strong_product: elementwise(lambda out, a, b: b, lambda out, a, b: a),
    view: local_rule(_view_local, linear=True),
    element: local_rule(_element_local, linear=True),
    assemble: moves(),
    cast: elementwise(lambda out, x, dtype: 1),
    compound: elementwise(lambda out, real, imag: 1, lambda out, real, imag: 1j),
    exact_sum: reduction(),
    fails: constant(),
    held: constant(),
    add_at: local_rule(_add_at_local, linear=True),
    segment_sums: local_rule(_segment_local, linear=True),
    scattered: local_rule(_scattered_local, linear=True),
    fixed_product: local_rule(_fixed_local, linear=True),
}
