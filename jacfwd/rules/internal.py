"""Rules of the functions that recordings themselves insert: views, assembled buffers, strong products, casts."""

from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched, strong_product
from jacfwd.formats.entries import selection
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, Rule, elementwise, local_rule, moves

__all__ = ["RULES", "assemble", "cast", "element", "view"]


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
}
