"""Rules of norms; their derivative at zero is zero."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Shape
from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.primitive import Rule, composed, reduction, wirtinger

__all__ = ["RULES"]


@dispatched
def power_norm(x: Any, *, p: float, axis: Shape | None, keepdims: bool) -> Any:
    """`(sum |x|^p)^(1/p)` over axes (None: all of them)."""
    if p == 2 and axis is None:
        return np.linalg.norm(x, None, None, keepdims)
    every: Any = axis
    return np.linalg.vector_norm(x, axis=every, keepdims=keepdims, ord=p)


def power_norm_weight(out: Any, x: Any, where: Any, axis: Shape | None, p: float) -> Any:
    """`sign(x) (|x| / norm)^(p-1)`; for complex x half of it meets dx and half the conjugate."""
    if p == 2:
        # Where the norm is zero, so is x: what it is divided by there is one number, not all of them, to choose.
        weight = x / np.where(out == 0, np.ones((), out.dtype), out)
    else:
        weight = np.where((out == 0) | (x == 0), 0, np.sign(x) * (np.abs(x) / out) ** (p - 1))
    return wirtinger(np.conjugate(weight) / 2, weight / 2) if np.iscomplexobj(x) else weight


def vector(x: Any, ord: Any, axis: Shape | None, keepdims: bool) -> Any:
    """The vector norms, over all the axes at once."""
    if ord is None or ord == 2:
        return power_norm(x, p=2, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims, dtype=x.real.dtype)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return power_norm(x, p=ord, axis=axis, keepdims=keepdims)


def matrix(x: Any, ord: Any, axis: Shape, keepdims: bool) -> Any:
    """The matrix norms; `axis` names rows and columns."""
    rows, columns = axis
    if rows == columns:
        raise ValueError("Duplicate axes given.")
    if ord is None or ord in ("fro", "f"):
        return power_norm(x, p=2, axis=axis, keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        extreme: Callable[..., Any] = np.max if ord > 0 else np.min
        sums = np.sum(np.abs(x), axis=rows if abs(ord) == 1 else columns, keepdims=True)
        return extreme(sums, axis=axis, keepdims=keepdims)
    spectral: dict[Any, Callable[..., Any]] = {2: np.max, -2: np.min, "nuc": np.sum}
    if ord not in spectral:
        raise ValueError("Invalid norm order for matrices.")
    out = spectral[ord](np.linalg.svd(np.moveaxis(x, axis, (-2, -1)), compute_uv=False), axis=-1)
    return np.expand_dims(out, axis) if keepdims else out


def of_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of lists and integers, which NumPy's norms take as arrays of floats."""

    @functools.wraps(function)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = as_array(x)
        return function(x if x.dtype.kind in "fc" else x.astype(float), *args, **kwargs)

    return call


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.linalg.norm`: of vectors over one axis, of matrices over two, of everything without either."""
    ndim = np.ndim(x)
    if axis is None:
        if ord is None or (ord in ("f", "fro") and ndim == 2) or (ord == 2 and ndim == 1):
            return power_norm(x, p=2, axis=None, keepdims=keepdims)
        axis = tuple(range(ndim))
    axis = np.lib.array_utils.normalize_axis_tuple(axis, ndim, allow_duplicate=True)
    if len(axis) == 1:
        return vector(x, ord, axis, keepdims)
    if len(axis) == 2:
        return matrix(x, ord, axis, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """`np.linalg.vector_norm`: over all axes named as if they were one."""
    axes = None if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, np.ndim(x))
    return vector(x, ord, axes, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """`np.linalg.matrix_norm`: over the last two axes."""
    ndim = np.ndim(x)
    return matrix(x, ord, (ndim - 2, ndim - 1), keepdims)


RULES: dict[Any, Rule] = {
    power_norm: reduction(power_norm_weight),
    np.linalg.norm: composed(of_floats(norm)),
    np.linalg.vector_norm: composed(of_floats(vector_norm)),
    np.linalg.matrix_norm: composed(of_floats(matrix_norm)),
}
