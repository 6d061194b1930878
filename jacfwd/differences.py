"""Directional derivatives by differences: oracles that share no code with forward mode.

They call `f` on plain NumPy arrays only, so that whatever they confirm is confirmed independently.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["complex_step", "difference_jacobian", "richardson"]

Array = npt.NDArray[Any]
Function = Callable[[Array], npt.ArrayLike]


def richardson(
    f: Function,
    x: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    steps: int = 12,
    step: float = 0.1,
    contraction: float = 1.6,
) -> tuple[Array, Array]:
    """Derivative of `f` at `x` in direction `v` by extrapolated central differences, and its error.

    With the step sizes h_k = h_0 / c^k, the quotients

        T[k, 0] = (f(x + h_k v) - f(x - h_k v)) / (2 h_k)

    have an error series in even powers of h_k, of which each column of the table removes one term more:

        T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (c^(2j) - 1).

    Every output element takes the entry of the table that differs least from the two it was made of,
    max(|T[k, j] - T[k, j-1]|, |T[k, j] - T[k-1, j-1]|), and this difference is the error estimate (C. J. F.
    Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982).
    Steps that leave the domain of `f` only cost the entries that depend on them.

    Parameters
    ----------
    x, v : real or complex arrays of equal shape; float32 and float16 are computed in float64
    steps : number of step sizes, at least 2
    step : h_0 as a fraction of max |x_i| over the elements that `v` moves (of 1 if they are all zero),
        measured against max |v_i|
    contraction : c > 1

    Returns
    -------
    derivative, error : arrays of the shape of f(x). Where no entry of the table is finite, the derivative
        is nan and the error inf.

    Raises
    ------
    ValueError
        If `x` and `v` differ in shape, or `steps` or `contraction` are too small.
    """
    point, direction = as_floating(x), as_floating(v)
    if point.shape != direction.shape:
        raise ValueError(f"x and v must have equal shapes, got {point.shape} and {direction.shape}")
    if steps < 2 or contraction <= 1:
        raise ValueError(f"needs steps >= 2 and contraction > 1, got {steps} and {contraction}")
    # The derivative is linear in v: it is taken along a direction of length one, and scaled afterwards.
    length = np.max(np.abs(direction), initial=0) or 1.0
    direction = direction / length
    h = step * relative_scale(point, direction)
    row: list[Array] = []
    best, error = np.array(np.nan), np.array(np.inf)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            difference = np.subtract(f(point + h * direction), f(point - h * direction))
            above, row = row, next_row(row, difference / (2 * h), contraction)
            best, error = closest(best, error, above, row)
            h /= contraction
        return best * length, error * length


def next_row(above: list[Array], quotient: Array, contraction: float) -> list[Array]:
    """Row k of the extrapolation table, from row k - 1 and the quotient T[k, 0]."""
    row = [quotient]
    for j, upper in enumerate(above, start=1):
        row.append(row[-1] + (row[-1] - upper) / (contraction ** (2 * j) - 1))
    return row


def closest(best: Array, error: Array, above: list[Array], row: list[Array]) -> tuple[Array, Array]:
    """The best entries and errors so far, improved by the entries of `row` that moved least."""
    for upper, left, entry in zip(above, row[:-1], row[1:], strict=True):
        moved = np.maximum(np.abs(entry - left), np.abs(entry - upper))
        better = moved < error  # false where `moved` is nan
        best, error = np.where(better, entry, best), np.where(better, moved, error)
    return best, error


def relative_scale(point: Array, direction: Array) -> float:
    """max |x_i| over max |v_i|, both over the elements with v_i != 0; 1 where a maximum would be 0."""
    moving = direction != 0
    if not moving.any():
        return 1.0
    size = np.max(np.abs(point[moving]))
    return float((size if size > 0 else 1.0) / np.max(np.abs(direction)))


def complex_step(f: Function, x: npt.ArrayLike, v: npt.ArrayLike, h: float = 1e-30) -> Array:
    """Derivative of `f` at `x` in direction `v` by one step into the complex plane, exact to rounding.

    Im f(x + i h v) / h = f'(x) v + O(h^2): nothing is subtracted, so h can be so small that the remainder
    vanishes (W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions",
    SIAM Review 40, 1998). It needs an `f` that is analytic and works on complex arrays; `abs`, `real`,
    `max` or a comparison in it make the result wrong.

    Parameters
    ----------
    x, v : real arrays of equal shape

    Returns
    -------
    array of the shape of f(x)

    Raises
    ------
    TypeError
        If `x` or `v` is complex, or `f` drops the imaginary part, as `out = np.zeros(n); out[i] = ...` does.
    ValueError
        If `x` and `v` differ in shape.
    """
    point, direction = as_floating(x), as_floating(v)
    if np.iscomplexobj(point) or np.iscomplexobj(direction):
        raise TypeError("a complex step needs a real x and a real v")
    if point.shape != direction.shape:
        raise ValueError(f"x and v must have equal shapes, got {point.shape} and {direction.shape}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            out = np.asarray(f(point + 1j * h * direction))
        except np.exceptions.ComplexWarning as warning:
            raise TypeError("f stored complex numbers into a real array; use richardson") from warning
    if not np.iscomplexobj(out):
        raise TypeError(f"f answered a complex argument with {out.dtype}; use richardson")
    return np.asarray(out.imag / h)


def difference_jacobian(f: Function, x: npt.ArrayLike) -> Array:
    """The dense Jacobian of `f` at `x`, column by column with `richardson`.

    Column j is the derivative in the direction of the j-th unit vector. A complex `x` is moved along the
    real axis, which is its derivative where `f` is holomorphic.

    Parameters
    ----------
    x : real or complex array of n elements

    Returns
    -------
    array of shape (m, n); inputs and outputs are numbered in C order
    """
    point = as_floating(x)
    columns = [richardson(f, point, seed.reshape(point.shape))[0].ravel() for seed in np.eye(point.size)]
    return np.stack(columns, axis=1) if columns else np.zeros((np.size(f(point)), 0))


def as_floating(values: npt.ArrayLike) -> Array:
    """`values` as a new floating or complex array of double precision at least."""
    array = np.asarray(values)
    return np.array(array, dtype=np.result_type(array, np.float64))
