"""The functions of `math` and `cmath` on Tracers: NumPy's, with the exceptions of the originals."""

import cmath
import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.apply import any_tracer, noted, stacked, unsupported
from jacfwd.recording.tracer import plain_value
from jacfwd.rules.internal import exact_sum, fails

__all__ = ["scalar_functions"]


def _hypot(*xs: Any) -> Any:
    return functools.reduce(np.hypot, xs, 0.0) if xs else 0.0


def _product(xs: Any, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, xs, start)


def _is_close(a: Any, b: Any, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> bool:
    """As `math.isclose`; both sides of every comparison are relied on."""
    gap = abs(a - b)
    return bool(a == b) or bool((gap <= rel_tol * abs(a)) | (gap <= rel_tol * abs(b)) | (gap <= abs_tol))


def _special(name: str) -> Callable:
    """A function of scipy.special, which is imported for those who need it."""
    import scipy.special

    function: Callable = getattr(scipy.special, name)
    return function


MATH: dict[str, Any] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "pow": np.power,
    "fabs": np.fabs,
    "copysign": np.copysign,
    "fmod": np.fmod,
    "degrees": np.degrees,
    "radians": np.radians,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "remainder": lambda x, y: x - y * np.rint(x / y),
    "modf": np.modf,
    "ldexp": lambda x, i: x * 2.0**i,
    "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "hypot": _hypot,
    "fsum": lambda xs: exact_sum(stacked(list(xs))),
    "prod": lambda xs, *, start=1: _product(xs, start),
    "dist": lambda p, q: _hypot(*(a - b for a, b in zip(p, q, strict=True))),
    "isclose": _is_close,
    "erf": lambda x: _special("erf")(x),
    "erfc": lambda x: _special("erfc")(x),
    "gamma": lambda x: _special("gamma")(x),
    "lgamma": lambda x: _special("gammaln")(x),
    "floor": lambda x: int(np.floor(x)),
    "ceil": lambda x: int(np.ceil(x)),
    "trunc": lambda x: int(np.trunc(x)),
}
CMATH: dict[str, Any] = {
    name: MATH[name] for name in ("sin cos tan asin acos atan sinh cosh tanh exp log log10 sqrt").split()
} | {
    "phase": np.angle,
    "polar": lambda z: (np.abs(z), np.angle(z)),
    "rect": lambda r, phi: r * np.exp(1j * phi),
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
}


# What takes any number of numbers in one argument.
OF_MANY = ("fsum", "prod", "dist")


def _scalar_function(function: Callable, traced: Callable | None, kind: np.dtype) -> Callable:
    """A function of the math module: NumPy's for Tracers, with the exceptions of the original."""

    def as_scalar(x: Any) -> Any:
        x = x if x.is_scalar else x.item()
        return x if x.dtype == kind else x.astype(kind)

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple([list(a) if hasattr(a, "__next__") else a for a in args])
        if not any_tracer(args):
            return function(*args, **kwargs)
        if all(x.dtype.kind in "iub" for x in _tracers(args)):
            return function(*_with_values(args, lambda x: x.plain(function.__name__)), **kwargs)
        if traced is None:
            raise noted(unsupported(function))
        try:
            function(*_with_values(args, plain_value), **kwargs)
        except (ValueError, OverflowError):
            _rely_on_failure(function, args)
            raise
        if function.__name__ not in OF_MANY:
            args = tuple(_with_values(args, as_scalar))
        out = traced(*args, **kwargs)
        return bool(out) if out.__class__ is np.bool else out

    return call


def _rely_on_failure(function: Callable, args: tuple) -> None:
    """Have replays check that the function fails there as well, for what f does next may depend on it."""
    if not any(isinstance(arg, list | tuple) for arg in args):
        bool(fails(*args, function=function))
        return
    for x in _tracers(args):
        x.decide()


def _tracers(values: Any) -> list[Any]:
    """The Tracers in nested lists and tuples."""
    found = []
    for value in values:
        found += [value] if is_tracer(value) else _tracers(value) if isinstance(value, list | tuple) else []
    return found


def _with_values(values: Any, plain: Callable) -> list[Any]:
    """Nested lists and tuples with something plain for each Tracer."""
    return [
        plain(value) if is_tracer(value) else _with_values(value, plain) if isinstance(value, list | tuple) else value
        for value in values
    ]


def scalar_functions() -> dict[Any, Any]:
    """The substitute of every function of both modules."""
    table: dict[Any, Any] = {}
    for module, known, kind in ((math, MATH, np.dtype(float)), (cmath, CMATH, np.dtype(complex))):
        for name, function in vars(module).items():
            if not name.startswith("_") and callable(function):
                table[function] = _scalar_function(function, known.get(name), kind)
    return table
