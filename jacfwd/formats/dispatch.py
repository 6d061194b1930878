"""Functions of our own that dispatch as NumPy's do, so that derivatives computed with them are recorded."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "as_array",
    "as_dtype",
    "constant_value",
    "dispatched",
    "is_plain",
    "is_tracer",
    "on_arrays",
    "strong_matmul",
    "strong_product",
    "summed",
]

SCALARS = frozenset({int, float, complex, bool})


def is_tracer(value: Any) -> bool:
    """Whether this stands for an array in a recording."""
    return hasattr(type(value), "__jacfwd_tracer__")


def is_plain(*values: Any) -> bool:
    """Tell whether no value is a stand-in array, so that NumPy may look at its numbers."""
    return not any(is_tracer(value) for value in values)


def constant_value(x: Any) -> Any:
    """The numbers of an array that no input reaches, which a stand-in may hold too; None where one does."""
    if not is_tracer(x):
        return None if isinstance(x, (list, tuple)) and _any_tracer(x) else x
    while is_tracer(x):
        if not x.constant:
            return None
        x = x.value
    return np.array(x)


def as_array(x: Any) -> Any:
    """Numbers and lists as arrays, also lists of stand-in arrays; stand-in arrays as they are."""
    if isinstance(x, (list, tuple)) and _any_tracer(x):
        return np.stack([as_array(part) for part in x])
    return np.asarray(x) if is_plain(x) else x


def _any_tracer(x: Any) -> bool:
    return any(map(_any_tracer, x)) if isinstance(x, (list, tuple)) else is_tracer(x)


def on_arrays(function: Callable, n: int = 1) -> Callable:
    """The function, given lists in place of its first n operands."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*map(as_array, args[:n]), *args[n:], **kwargs)

    return call


def dispatched(function: Callable) -> Callable:
    """Let `function(*arrays, **static)` go through `__array_function__` of stand-in arrays, like NumPy's."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if is_tracer(arg):
                return arg.__array_function__(call, (type(arg),), args, kwargs)
        for arg in kwargs.values():
            if is_tracer(arg):
                return arg.__array_function__(call, (type(arg),), args, kwargs)
        return function(*args, **kwargs)

    return call


@dispatched
def strong_product(a: Any, b: Any) -> Any:
    """Multiply so that an exact zero times anything, `inf` and `nan` included, is zero.

    Only a product that is not finite is looked at twice; `0 * inf` is the one way in which a structural zero
    could otherwise spoil a derivative that exists.
    """
    out = np.multiply(a, b)
    if not (_only_scales(a) or _only_scales(b) or np.isfinite(out.sum())):
        out = np.where(np.equal(a, 0) | np.equal(b, 0), np.zeros((), out.dtype), out)
    return out


def _only_scales(factor: Any) -> bool:
    """Whether a factor is one number, finite and not zero: zeros times it are zeros anyway."""
    return (type(factor) in SCALARS or factor.shape == ()) and bool(factor != 0 and np.isfinite(factor))


@dispatched
def strong_matmul(a: Any, b: Any) -> Any:
    """Matrix product of stacks `(..., m, k)` and `(..., k, n)`; an exact zero times anything is zero."""
    out = np.matmul(_for_blas(a), _for_blas(b))
    return out if np.isfinite(out.sum()) else _careful_matmul(a, b)


def _for_blas(matrices: np.ndarray) -> np.ndarray:
    """A contiguous copy where strides, such as those of broadcast views, would keep BLAS away."""
    (rows, cols), (down, along), item = matrices.shape[-2:], matrices.strides[-2:], matrices.itemsize
    by_rows = (along == item or cols == 1) and (down >= cols * item or rows == 1)
    by_columns = (down == item or rows == 1) and (along >= rows * item or cols == 1)
    return matrices if by_rows or by_columns else np.ascontiguousarray(matrices)


def _careful_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`strong_matmul` where inner positions meet `inf` or `nan`: those term by term, the others at once."""
    others_a, others_b = (*range(a.ndim - 2), a.ndim - 2), (*range(b.ndim - 2), b.ndim - 1)
    finite = np.isfinite(a).all(axis=others_a) & np.isfinite(b).all(axis=others_b)
    out = np.matmul(a[..., finite], b[..., finite, :])
    bad = np.flatnonzero(~finite)
    step = max(1, (1 << 20) // max(out.size, 1))
    for start in range(0, len(bad), step):
        some = bad[start : start + step]
        terms = strong_product(a[..., some, None], b[..., None, some, :])
        out = np.add(out, terms.sum(axis=-2))
    return out


def as_dtype(tangent: Any, dtype: np.dtype) -> Any:
    """Give a tangent the dtype of its node: the real part where the node is real."""
    if tangent.dtype == dtype:
        return tangent
    if tangent.dtype.kind == "c" and dtype.kind != "c":
        tangent = np.real(tangent)
    return tangent if tangent.dtype == dtype else tangent.astype(dtype)


def summed(total: Any, moved: Any, block: Any) -> Any:
    """The sum of two tangents, in the memory of the second where that was made of a block just now, for nobody else."""
    own = type(moved) is np.ndarray and moved is not block and moved.base is None and moved.flags.writeable
    if own and type(total) is np.ndarray and total.dtype == moved.dtype and total.shape == moved.shape:
        return np.add(total, moved, out=moved)
    return np.add(total, moved)
