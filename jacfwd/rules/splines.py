"""Rules of scipy.interpolate: curves and surfaces with constant data, called at traced points.

The derivative of a spline is the same spline asked for one order more, so its second derivative is no harder.
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_array, constant_value, dispatched
from jacfwd.formats.entries import Entries, diagonal
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.primitive import Call, Rule, composed, local_rule, structured
from jacfwd.rules.fitted import fitted_object, has_traced_data, is_linear_in_data

__all__ = ["RULES"]

# Curves: the order `nu` of a derivative, `outside` what the class makes of points outside its range


@dispatched
def curve(x: Any, *, spline: Any, nu: int = 0, outside: Any = None) -> Any:
    """The derivative of order nu of a curve; x replaces the axis of the data."""
    if hasattr(spline, "_eval_args"):  # UnivariateSpline
        return univariate(spline, x, nu, outside)
    if hasattr(spline, "_evaluate_derivatives") and nu:  # Krogh's and the barycentric form
        return spline.derivative(x, nu)
    if hasattr(spline, "_y_axis"):
        return interpolated(spline, x, nu) if nu else spline(x)
    return spline(x, nu, outside)


def univariate(spline: Any, x: Any, nu: int, ext: Any) -> Any:
    """A smoothing spline; where it is held at its boundary value, its derivatives are zero."""
    if nu > spline._eval_args[2]:
        return np.zeros(np.shape(x))
    ext = spline.ext if ext is None else ext
    return spline(x, nu, 1 if nu and ext in (3, "const") else ext)


def interpolated(curve: Any, x: Any, nu: int) -> Any:
    """A derivative of an `interp1d`: the slopes of its lines, or its spline's; zero where it is constant."""
    x = np.asarray(x, float)
    if getattr(curve, "_spline", None) is not None:
        flat = curve._spline(x.reshape(-1), nu)
    elif curve._kind == "linear" and nu == 1:
        above = np.clip(np.searchsorted(curve.x, x.reshape(-1)), 1, len(curve.x) - 1)
        run = curve.x[above] - curve.x[above - 1]
        flat = (curve._y[above] - curve._y[above - 1]) / run[:, None]
    else:
        flat = np.zeros((x.size, curve._y[0].size))
    flat = flat.reshape(x.size, -1)
    if not curve._extrapolate:
        flat = np.where(((x < curve.x[0]) | (x > curve.x[-1])).reshape(-1, 1), 0, flat)
    return curve._finish_y(flat, x.shape)


def curve_local(call: Call) -> Format:
    """The next derivative: every component of the curve depends on one point."""
    spline, shape = call.params["spline"], call.shape(0)
    slope = curve(call.operands[0], **{**call.params, "nu": call.params.get("nu", 0) + 1})
    lead = (getattr(spline, "axis", 0) if not hasattr(spline, "_y_axis") else spline._y_axis) if shape else 0
    rest = len(call.out_shape) - lead - len(shape)
    strides = (0,) * lead + c_strides(shape) + (0,) * rest
    return Entries(shape, call.out_shape, None, IndexMap(call.out_shape, shape, affine=(0, strides)), slope)


def floating(x: Any) -> Any:
    """Points as floats."""
    x = as_array(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def called(self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    """A piecewise polynomial or a B-spline."""
    return curve(floating(x), spline=self, nu=nu, outside=extrapolate)


def called_univariate(self: Any, x: Any, nu: int = 0, ext: Any = None) -> Any:
    """A `UnivariateSpline`."""
    return curve(floating(x), spline=self, nu=nu, outside=ext)


def called_once(self: Any, x: Any) -> Any:
    """An `interp1d`, or one of the polynomials through all points."""
    return curve(floating(x), spline=self)


def integral(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    """Differences of the antiderivative."""
    if extrapolate == "periodic" or (extrapolate is None and self.extrapolate == "periodic"):
        raise UnsupportedFunctionError("integrate: periodic splines have no derivative rule here")
    whole = self.antiderivative()
    return called(whole, b, 0, extrapolate) - called(whole, a, 0, extrapolate)


@dataclasses.dataclass(frozen=True)
class Knots:
    """Knots, coefficients and degree as `splrep` returns them, called like a spline."""

    t: Any
    c: Any
    k: int
    axis = 0

    def __call__(self, x: Any, nu: int, ext: Any) -> Any:
        """`splev`, with all derivatives of higher order zero."""
        from scipy.interpolate import splev

        if nu > self.k:
            return np.zeros(np.shape(x))
        return np.asarray(splev(x, (self.t, self.c, self.k), nu, 1 if nu and ext == 3 else ext))


def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    """`scipy.interpolate.splev`: a curve in the plane is a list of its components."""
    if has_traced_data(tck):
        return tck(floating(x), der, {0: True, 1: False}.get(ext))
    if not isinstance(tck, tuple):
        return called(tck, x, der, extrapolate={0: True, 1: False}.get(ext))
    t, c, k = constant_value(tck[0]), constant_value(tck[1]), tck[2]
    if t is None or c is None or not (0 <= der <= k):
        raise UnsupportedFunctionError("splev: knots and coefficients must be constant, and 0 <= der <= k")
    if np.ndim(c[0]) or np.ndim(c) > 1:
        return [splev(x, (t, part, k), der, ext) for part in c]
    return curve(floating(x), spline=Knots(t, c, k), nu=der, outside=ext)


# Surfaces


@dispatched
def surface(x: Any, y: Any, *, spline: Any, dx: int = 0, dy: int = 0) -> Any:
    """A bivariate spline at points, or a derivative of it."""
    return spline(x, y, dx=dx, dy=dy, grid=False)


def surface_local(call: Call, k: int) -> Format:
    """One order more in that direction."""
    orders = [call.params.get("dx", 0), call.params.get("dy", 0)]
    orders[k] += 1
    degrees = call.params["spline"].degrees
    if orders[k] >= degrees[k]:
        raise UnsupportedFunctionError(
            f"a bivariate spline of degree {degrees[k]} has no derivative of order {orders[k]} in FITPACK; raise kx, ky"
        )
    slope = surface(*call.operands, spline=call.params["spline"], dx=orders[0], dy=orders[1])
    return diagonal(slope, call.shape(k), call.out_shape)


def called_surface(self: Any, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
    """A bivariate spline on a grid or at points."""
    x, y = floating(x), floating(y)
    if grid:
        if np.ndim(x) > 1 or np.ndim(y) > 1:
            raise ValueError("x and y must be one-dimensional where grid=True")
        x, y = np.reshape(x, (-1, 1)), np.reshape(y, (1, -1))
    return surface(x, y, spline=self, dx=dx, dy=dy)


# Grids in any number of dimensions


def points_of(xi: Any, ndim: int) -> Any:
    """Points as an array with their coordinates last."""
    if isinstance(xi, tuple):
        return np.stack(np.broadcast_arrays(*(floating(part) for part in xi)), axis=-1)
    xi = floating(xi)
    if np.ndim(xi) == 1:
        xi = np.reshape(xi, (-1, 1)) if ndim == 1 else np.reshape(xi, (1, -1))
    if np.shape(xi)[-1] != ndim:
        raise ValueError(f"The requested sample points xi have dimension {np.shape(xi)[-1]} but this grid has {ndim}")
    return xi


def cell_of(grid: np.ndarray, at: Any) -> tuple[Any, Any]:
    """The cell of each point, the first or last one for those outside; and where in it the point stands."""
    left = np.clip(np.searchsorted(grid, at) - 1, 0, max(len(grid) - 2, 0))
    width = np.diff(grid)[left] if len(grid) > 1 else 1.0
    return left, (at - grid[left]) / width


def linear_on_grid(grid: tuple[np.ndarray, ...], values: Any, xi: Any) -> Any:
    """Sums over the corners of cells, with the products of distances to those across."""
    cells = [cell_of(axis, xi[..., k]) for k, axis in enumerate(grid)]
    spread = (...,) + (None,) * (np.ndim(values) - len(grid))
    total: Any = 0
    for corner in np.ndindex(*(min(2, len(axis)) for axis in grid)):
        weight = functools.reduce(
            np.multiply, (share if up else 1 - share for (_, share), up in zip(cells, corner, strict=True))
        )
        at = tuple(left + up for (left, _), up in zip(cells, corner, strict=True))
        total = total + weight[spread] * values[at]
    return total


@dispatched
def grid_value(xi: Any, *, interpolator: Any, method: str, nu: tuple[int, ...] | None = None) -> Any:
    """A `RegularGridInterpolator` at points with their coordinates last, or a derivative of it."""
    return interpolator(xi, method, nu=None if nu is None or not any(nu) else nu)


def grid_local(call: Call) -> Format | None:
    """One order more in each direction; nothing for the nearest point."""
    method, ndim = call.params["method"], call.shape(0)[-1]
    if method == "nearest":
        return None
    if method not in ("slinear", "cubic", "quintic"):
        raise UnsupportedFunctionError(
            f"RegularGridInterpolator: method={method!r} has no derivative rule; choose linear, cubic or quintic"
        )
    nu = call.params.get("nu") or (0,) * ndim
    higher = [tuple(order + (k == axis) for k, order in enumerate(nu)) for axis in range(ndim)]
    interpolator = call.params["interpolator"]
    slopes = [grid_value(call.operands[0], interpolator=interpolator, method=method, nu=own) for own in higher]
    shape, points = call.out_shape, len(call.shape(0)) - 1
    rest = len(shape) - points
    places = IndexMap((*shape, ndim), shape, affine=(0, (*c_strides(shape), 0)))
    sources = IndexMap((*shape, ndim), call.shape(0), affine=(0, (*c_strides(call.shape(0))[:-1], *(0,) * rest, 1)))
    return Entries(call.shape(0), shape, places, sources, np.stack(slopes, axis=-1))


def called_grid(self: Any, xi: Any, method: str | None = None, *, nu: Any = None) -> Any:
    """A `RegularGridInterpolator`: lines written out, splines asked for their derivatives."""
    ndim, method = len(self.grid), method or self.method
    points = points_of(xi, ndim)
    outside = functools.reduce(
        np.logical_or,
        (np.less(points[..., k], g[0]) | np.greater(points[..., k], g[-1]) for k, g in enumerate(self.grid)),
    )
    if self.bounds_error and np.any(outside):
        raise ValueError("One of the requested xi is out of bounds")
    if method != "linear":
        orders = None if nu is None else tuple(int(order) for order in nu)
        out = grid_value(points, interpolator=self, method=method, nu=orders)
    else:
        if nu is not None:
            raise ValueError(f"Can only compute derivatives for splines, got {method=}")
        out = linear_on_grid(self.grid, self.values, points)
    if not self.bounds_error and self.fill_value is not None:
        spread = outside[(...,) + (None,) * (np.ndim(out) - np.ndim(outside))]
        out = np.where(spread, self.fill_value, out)
    return out


def interpn(
    points: Any, values: Any, xi: Any, method: str = "linear", bounds_error: bool = True, fill_value: Any = np.nan
) -> Any:
    """`scipy.interpolate.interpn`, by lines also in its values."""
    from scipy.interpolate import RegularGridInterpolator

    points = tuple(map(constant_value, points))
    if method == "splinef2d" or any(axis is None for axis in points):
        raise UnsupportedFunctionError("interpn: traced grid points and method='splinef2d' have no derivative rule")
    held = constant_value(values)
    if held is not None:
        found = RegularGridInterpolator(points, held, method, bounds_error, fill_value)
        return called_grid(found, xi)
    if method != "linear":
        raise UnsupportedFunctionError("interpn: values have a derivative where method='linear'")
    grid = tuple(np.asarray(axis, float) for axis in points)
    if any(np.any(np.diff(axis) <= 0) for axis in grid):
        raise UnsupportedFunctionError("interpn: traced values need ascending grid points")
    holder = Grid(grid, values, bounds_error, fill_value)
    return called_grid(holder, xi)


@dataclasses.dataclass(frozen=True)
class Grid:
    """What `called_grid` asks of an interpolator, with traced values."""

    grid: tuple[np.ndarray, ...]
    values: Any
    bounds_error: bool
    fill_value: Any
    method = "linear"


def of_constants(name: str) -> Rule:
    """A function, or a constructor, that takes no traced data; arrays made inside f hold constants and will do."""

    def plain(x: Any) -> Any:
        if isinstance(x, tuple):
            return tuple(map(plain, x))
        found = constant_value(as_array(x) if isinstance(x, list) else x)
        if found is None and x is not None:
            raise UnsupportedFunctionError(f"{name.partition('.')[0]} of traced data has no derivative rule; {REMEDY}")
        return found

    def function(*args: Any, **kwargs: Any) -> Any:
        from scipy import interpolate

        original = functools.reduce(getattr, name.split("."), interpolate)
        made = name.partition(".")[0]
        if is_linear_in_data(made) and any(constant_value(as_array(x)) is None for x in data_among(args, kwargs)):
            return fitted_object(made, original, args, kwargs)
        return original(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})

    return composed(function, sequence=True)


def data_among(args: tuple, kwargs: dict[str, Any]) -> list[Any]:
    """Arguments that are arrays, or lists that become some."""
    values = (*args, *kwargs.values())
    return [x for x in values if isinstance(x, np.ndarray | np.generic) or (isinstance(x, list) and len(x))]


REMEDY = "make it outside from constant data, or interpolate by lines: np.interp(x, xp, fp), scipy.interpolate.interpn"
MADE = (
    "CubicSpline",
    "CubicHermiteSpline",
    "PchipInterpolator",
    "Akima1DInterpolator",
    "interp1d",
    "RegularGridInterpolator",
    "UnivariateSpline",
    "InterpolatedUnivariateSpline",
    "LSQUnivariateSpline",
    "RectBivariateSpline",
    "KroghInterpolator",
    "BarycentricInterpolator",
    "BSpline",
    "PPoly",
    "RBFInterpolator",
)
FITTED = ("make_interp_spline", "make_lsq_spline", "make_smoothing_spline", "splrep", "griddata", "pchip_interpolate")

RULES: dict[Any, Rule] = {
    curve: structured(curve_local),
    "scipy.interpolate:PPoly.__call__": composed(called),
    "scipy.interpolate:PPoly.integrate": composed(integral),
    "scipy.interpolate:BSpline.__call__": composed(called),
    "scipy.interpolate:BSpline.integrate": composed(integral),
    "scipy.interpolate:UnivariateSpline.__call__": composed(called_univariate),
    "scipy.interpolate:interp1d.__call__": composed(called_once),
    "scipy.interpolate:splev": composed(splev, sequence=True),
    surface: local_rule(surface_local),
    "scipy.interpolate:RectBivariateSpline.__call__": composed(called_surface),
    grid_value: structured(grid_local),
    "scipy.interpolate:RegularGridInterpolator.__call__": composed(called_grid, sequence=True),
    "scipy.interpolate:interpn": composed(interpn, sequence=True),
    **{f"scipy.interpolate:{name}": of_constants(name) for name in [*FITTED, *(f"{name}.__init__" for name in MADE)]},
}
