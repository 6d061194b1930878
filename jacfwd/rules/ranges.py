"""Ranges between traced ends, evenly spaced or not."""

from typing import Any

import numpy as np

from jacfwd.formats.dispatch import as_array
from jacfwd.primitive import Rule, composed

__all__ = ["RULES", "linspace"]


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: Any = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`np.linspace`: the step times 0, 1 ... from the start, the last one exact."""
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    # Python's numbers stay what they are: they leave the dtype of the other end alone.
    start, stop = ((x if isinstance(x, (int, float, complex)) else as_array(x)) * 1.0 for x in (start, stop))
    gaps = num - 1 if endpoint else num
    delta = stop - start
    step = delta / gaps if gaps > 0 else np.full(np.shape(delta), np.nan)[()]
    kind = np.result_type(start, stop, float(num))
    ramp = np.arange(0, num, dtype=kind).reshape((num,) + (1,) * np.ndim(delta))
    out = ramp * (step if gaps > 0 else delta) + start
    if endpoint and num > 1:
        last = np.broadcast_to(stop, np.shape(delta))
        out = np.concatenate([out[:-1], np.reshape(last, (1, *np.shape(delta)))])
    out = np.moveaxis(out, 0, axis) if axis else out
    dtype = np.dtype(kind if dtype is None else dtype)
    if dtype != out.dtype:
        out = (np.floor(out) if dtype.kind in "iu" else out).astype(dtype)
    return (out, step) if retstep else out


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`np.logspace`: powers of the base."""
    if np.ndim(base):
        shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
        start, stop, base = (
            np.reshape(x, (1,) * (len(shape) - np.ndim(x)) + np.shape(x)) for x in map(as_array, (start, stop, base))
        )
        base = np.expand_dims(base, axis=axis)
    out = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return out if dtype is None else out.astype(dtype)


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """`np.geomspace`: powers of ten between logarithms, of numbers turned to the positive axis, the ends exact."""
    start, stop = as_array(start), as_array(stop)
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("Geometric sequence cannot include zero")
    kind = np.result_type(start, stop, float(num), np.zeros((), dtype))
    start, stop = start.astype(kind), stop.astype(kind)
    sign = np.sign(start)
    first, last = start / sign, stop / sign
    out = logspace(np.log10(first), np.log10(last), num, endpoint)
    shape = (1, *np.broadcast_shapes(np.shape(first), np.shape(last)))
    ends = [np.reshape(np.broadcast_to(x, shape[1:]), shape) for x in (first, last)]
    if num > 0:
        out = np.concatenate([ends[0], out[1:]])
    if num > 1 and endpoint:
        out = np.concatenate([out[:-1], ends[1]])
    out = np.moveaxis(out * sign, 0, axis) if axis else out * sign
    return out.astype(np.dtype(kind if dtype is None else dtype))


RULES: dict[Any, Rule] = {
    np.linspace: composed(linspace),
    np.logspace: composed(logspace),
    np.geomspace: composed(geomspace),
}
