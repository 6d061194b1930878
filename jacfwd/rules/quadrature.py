"""Rules of scipy.integrate for samples: sums of slices, with weights that the distances of the points decide.

J. H. Cartwright, "Simpson's rule cumulative integration with MS Excel and irregularly-spaced data", Journal of
Mathematical Sciences and Mathematics Education 12, 2017.
"""

import itertools
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array
from jacfwd.primitive import Rule, composed

__all__ = ["RULES"]


def floating(x: Any) -> Any:
    """Lists and integers as floats."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def to_last(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """The samples with their axis last, and the distances of their points, which broadcast against all but one."""
    y = floating(y)
    n = np.shape(y)[axis]
    if n == 0:
        raise ValueError("At least one point is required along `axis`.")
    moved = np.moveaxis(y, axis, -1)
    if x is None:
        # A number stays one: it leaves the dtype of the samples alone.
        return moved, (np.moveaxis(as_array(dx), axis, -1) if np.ndim(dx) else dx)
    x = floating(x)
    if np.ndim(x) not in (1, np.ndim(y)):
        raise ValueError("If given, shape of x must be 1-D or the same as y.")
    points = x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1)
    if np.shape(points)[-1] != n:
        raise ValueError("If given, length of x along axis must be the same as y.")
    return moved, points[..., 1:] - points[..., :-1]


def part(d: Any, key: slice) -> Any:
    """Some of the distances; a number stands for all of them."""
    return d[..., key] if np.ndim(d) and np.shape(d)[-1] != 1 else d


def with_initial(out: Any, initial: Any) -> Any:
    """The sums after a first one, which is added to the others."""
    if initial is None:
        return out
    initial = floating(initial)
    first = np.broadcast_to(initial, (*np.shape(out)[:-1], 1))
    return np.concatenate([first, out + first], axis=-1)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.trapezoid`."""
    y, d = to_last(y, x, dx, axis)
    return np.sum(d * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """`scipy.integrate.cumulative_trapezoid`."""
    if not (initial is None or (np.ndim(initial) == 0 and initial == 0)):
        raise ValueError("`initial` must be `None` or `0`.")
    y, d = to_last(y, x, dx, axis)
    sums = np.cumsum(d * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    return np.moveaxis(with_initial(sums, initial), -1, axis)


def parabolas(y: Any, d: Any) -> Any:
    """Simpson's rule over pairs of intervals, of an odd number of samples."""
    f0, f1, f2 = y[..., :-2:2], y[..., 1:-1:2], y[..., 2::2]
    if np.ndim(d) == 0:
        return np.sum(f0 + 4.0 * f1 + f2, axis=-1) * (d / 3.0)
    h0, h1 = part(d, slice(0, None, 2)), part(d, slice(1, None, 2))
    both = h0 + h1
    return np.sum(both / 6.0 * (f0 * (2.0 - h1 / h0) + f1 * (both * both / (h0 * h1)) + f2 * (2.0 - h0 / h1)), axis=-1)


def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.simpson`: of an even number of samples the last interval by the parabola through three."""
    y, d = to_last(y, x, dx, axis)
    n = np.shape(y)[-1]
    if n % 2:
        return parabolas(y, d)
    if n == 2:
        step = d[..., 0] if np.ndim(d) else d
        return 0.5 * step * (y[..., -1] + y[..., -2])
    # In double precision, as SciPy has it.
    h0, h1 = (d * np.float64(1), d * np.float64(1)) if np.ndim(d) == 0 else (d[..., -2], d[..., -1])
    alpha = (2 * h1 * h1 + 3 * h0 * h1) / (6 * (h1 + h0))
    beta = (h1 * h1 + 3.0 * h0 * h1) / (6 * h0)
    eta = h1 * h1 * h1 / (6 * h0 * (h0 + h1))
    whole = parabolas(y[..., :-1], part(d, slice(None, -1)))
    return whole + alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]


def first_intervals(y: Any, d: Any) -> Any:
    """The integral over the first of two intervals under the parabola through three samples."""
    f1, f2, f3 = y[..., :-2], y[..., 1:-1], y[..., 2:]
    before, after = part(d, slice(None, -1)), part(d, slice(1, None))
    ratio = before / (before + after)
    bend = ratio * (before / after)
    return before / 6 * ((3 - ratio) * f1 + (3 + bend + ratio) * f2 - bend * f3)


def cumulative_simpson(y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """`scipy.integrate.cumulative_simpson`: every interval under the parabola that begins or ends with it."""
    y, d = to_last(y, x, dx, axis)
    n = np.shape(y)[-1]
    d = d if np.shape(d) or n < 3 else d * np.float64(1)
    if n < 3:
        pieces = d * (y[..., 1:] + y[..., :-1]) / 2.0
    else:
        backwards = np.flip(d, axis=-1) if np.ndim(d) else d
        first, second = first_intervals(y, d), np.flip(first_intervals(np.flip(y, axis=-1), backwards), axis=-1)
        at = np.arange(n - 1)
        is_first = (at % 2 == 0) & (at < n - 2)
        pieces = np.where(is_first, first[..., np.minimum(at, n - 3)], second[..., np.maximum(at - 1, 0)])
    sums = np.cumsum(pieces, axis=-1)
    return np.moveaxis(with_initial(sums, np.moveaxis(as_array(initial), axis, -1) if np.ndim(initial) else initial),
                       -1, axis)  # fmt: skip


def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: Any = False) -> Any:
    """`scipy.integrate.romb`: Richardson's extrapolation of trapezoids."""
    y = np.moveaxis(floating(y), axis, -1)
    n = np.shape(y)[-1] - 1
    if n < 1 or n & (n - 1):
        raise ValueError("Number of samples must be one plus a non-negative power of 2.")
    if show:
        raise UnsupportedFunctionError("romb: show=True prints traced numbers; leave it away")
    steps = [2**k for k in range(n.bit_length() - 1, -1, -1)]
    row = [np.sum((y[..., :-1:s] + y[..., s::s]) / 2.0, axis=-1) * (s * dx) for s in steps]
    for j in range(1, len(steps)):
        row = [b + (b - a) / (4**j - 1) for a, b in itertools.pairwise(row)]
    return row[0]


RULES: dict[Any, Rule] = {
    "scipy.integrate:trapezoid": composed(trapezoid),
    "scipy.integrate:cumulative_trapezoid": composed(cumulative_trapezoid),
    "scipy.integrate:simpson": composed(simpson),
    "scipy.integrate:cumulative_simpson": composed(cumulative_simpson),
    "scipy.integrate:romb": composed(romb),
}
