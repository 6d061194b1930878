"""Curves through traced data: with constant places they are linear in the data, sums of those through unit vectors.

A curve through `y` at `q` is `sum_j phi_j(q) y_j`, where `phi_j` goes through the j-th unit vector. So the object of
SciPy through all unit vectors at once is kept, whose rules give `phi` and its derivatives, and the data beside it.
"""

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array, constant_value, is_plain
from jacfwd.locations import here, placed
from jacfwd.rules.sparse import before_sparse

__all__ = ["Data", "fitted_object", "has_traced_data", "is_linear_in_data"]

# The parameter that holds the data, and what else the constructor may be given without their being linear no more.
LINEAR = {
    "CubicSpline": "y",
    "BSpline": "c",
    "interp1d": "y",
    "KroghInterpolator": "yi",
    "make_interp_spline": "y",
}
KEPT = "_jacfwd_data"


@dataclasses.dataclass(frozen=True)
class Data:
    """The curve through unit vectors, the data with their axis first, and where the points' axes belong."""

    unit: Any
    values: Any
    axis: int

    def combined(self, phi: Any) -> Any:
        """The sum of weights `(..., n)` times the data, the axes of the points where the data had theirs."""
        points = np.shape(phi)[:-1]
        rest = np.shape(self.values)[1:]
        n = np.shape(phi)[-1]
        flat, columns = np.reshape(phi, (-1, n)), np.reshape(self.values, (n, -1))
        if is_plain(flat):
            from scipy import sparse

            out = before_sparse(columns, matrix=sparse.csr_array(np.asarray(flat)))
        else:
            out = flat @ columns
        out = np.reshape(out, points + rest)
        return np.moveaxis(out, range(len(points)), range(self.axis, self.axis + len(points)))


@functools.cache
def of_traced_data(kind: type) -> type:
    """A class of SciPy's for curves with traced data: called, integrated and derived, but not looked into.

    Its instances become what they are by assigning their class, which is possible since it has no slots of its own.
    """

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        data = vars(self)[KEPT]
        return data.combined(data.unit(*args, **kwargs))

    def integrate(self: Any, *args: Any, **kwargs: Any) -> Any:
        data = vars(self)[KEPT]
        return data.combined(data.unit.integrate(*args, **kwargs))

    def derived(name: str) -> Callable[..., Any]:
        def derive(self: Any, *args: Any, **kwargs: Any) -> Any:
            data = vars(self)[KEPT]
            return kept(getattr(data.unit, name)(*args, **kwargs), data)

        return derive

    def hidden(self: Any) -> Any:
        text = f"{kind.__name__}: the coefficients of a curve through traced data are not at hand; call the curve"
        raise placed(UnsupportedFunctionError(text), here())

    names = [name for name in ("derivative", "antiderivative") if hasattr(kind, name)]
    own: dict[str, Any] = {"__slots__": (), "__call__": call, **{name: derived(name) for name in names}}
    if hasattr(kind, "integrate"):
        own["integrate"] = integrate
    other = "roots solve extend __getitem__ insert_basis from_spline construct_fast tck design_matrix c y yi".split()
    own |= {name: property(hidden) for name in other}
    return type(kind.__name__, (kind,), own)


def kept(whole: Any, data: Data) -> Any:
    """A curve through unit vectors made one through the data."""
    unit = copy.copy(whole)
    kind: Any = type(whole)
    whole.__class__ = of_traced_data(kind)
    whole.__dict__[KEPT] = dataclasses.replace(data, unit=unit)
    return whole


def has_traced_data(curve: Any) -> bool:
    """Whether a curve goes through traced data."""
    return KEPT in getattr(curve, "__dict__", ())


def is_linear_in_data(name: str) -> bool:
    """Whether curves of this constructor are linear in their data."""
    return name in LINEAR


def fitted_object(name: str, original: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Call a constructor for unit vectors, and keep the data beside what it made."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = dict(bound.arguments)
    options = given.pop("kwargs", {})
    data = as_array(given.pop(LINEAR[name]))
    for key in given.keys() & {"x", "xi", "t"}:
        given[key] = None if given[key] is None else as_array(given[key])
    held = {key: constant_value(value) if is_data(value) else value for key, value in given.items()}
    missing = [key for key, value in given.items() if value is not None and held[key] is None]
    if missing or options:
        raise UnsupportedFunctionError(f"{name}: only its data may be traced, not {', '.join(missing or options)}")
    check_options(name, held)
    axis = range(np.ndim(data))[held.pop("axis", 0)]
    values = np.moveaxis(data if data.dtype.kind in "fc" else data.astype(float), axis, 0)
    units, values = unit_vectors(values, held.get("bc_type"))
    own = [held.pop("self")] if "self" in held else []
    made = original(*own, **{LINEAR[name]: units}, axis=0, **held)
    whole = kept(own[0] if own else made, Data(None, values, axis))
    return None if own else whole  # a constructor returns nothing


def is_data(x: Any) -> bool:
    """Whether an argument may be traced, and no word, number or switch."""
    return isinstance(x, np.ndarray | np.generic)


def check_options(name: str, held: dict[str, Any]) -> None:
    """Raise UnsupportedFunctionError for what makes a curve of its data more than linear."""
    bc, fill = held.get("bc_type"), held.get("fill_value", np.nan)
    strings = bc is None or isinstance(bc, str) or all(isinstance(each, str) for each in bc)
    if not strings or not (isinstance(fill, str) or np.all(np.isnan(fill))):
        raise UnsupportedFunctionError(
            f"{name} of traced data takes boundary conditions by name, and no numbers as fill_value"
        )


def unit_vectors(values: Any, bc: Any) -> tuple[np.ndarray, Any]:
    """Unit vectors as columns, and the data; of periodic data the last are the first."""
    n = len(values)
    if bc != "periodic":
        return np.eye(n), values
    if not np.allclose(values[0], values[-1], rtol=1e-15, atol=1e-15):
        raise ValueError("the first and the last value must be equal where bc_type='periodic'")
    units = np.eye(n - 1)
    return np.concatenate([units, units[:1]]), values[:-1]
