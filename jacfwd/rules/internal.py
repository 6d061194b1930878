"""Rules of the functions that recordings themselves insert: views, assembled buffers, casts, products."""

import math
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched, strong_product
from jacfwd.formats.entries import Entries, selection
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, Rule, elementwise, local_rule, moves, reduction

__all__ = ["RULES", "add_at", "assemble", "cast", "compound", "element", "exact_sum", "view"]


@dispatched
def view(x: Any, *, index: IndexMap) -> Any:
    """The elements of x that a view sees: `out = x.flat[index]`."""
    return index.take(np.reshape(x, (1, *index.target)))[0]


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
    np.add.at(out.reshape(-1), positions, values)
    return out


def _add_at_local(call: Call, k: int) -> Any:
    shape, out = call.shape(k), call.out_shape
    if k == 0:
        return selection(IndexMap.identity(shape))
    spread = IndexMap.broadcast(shape, call.params["positions"].shape)
    return Entries(shape, out, IndexMap.of_positions(call.params["positions"], out), spread)


def _element_local(call: Call, k: int) -> Any:
    return selection(IndexMap((), call.shape(k), affine=(call.params["position"], ())))


def _view_local(call: Call, k: int) -> Any:
    return selection(call.params["index"])


RULES: dict[Any, Rule] = {
    strong_product: elementwise(lambda out, a, b: b, lambda out, a, b: a),
    view: local_rule(_view_local),
    element: local_rule(_element_local),
    assemble: moves(),
    cast: elementwise(lambda out, x, dtype: 1),
    compound: elementwise(lambda out, real, imag: 1, lambda out, real, imag: 1j),
    exact_sum: reduction(),
    add_at: local_rule(_add_at_local),
}
