"""What a function gives through recordings, against NumPy and against differences."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import jacfwd as jf
from jacfwd.differences import difference_jacobian, richardson

__all__ = ["call_label", "check_recorded", "check_second_order", "flat_function"]


def call_label(call: Any) -> str:
    """Function, shapes and keywords, as an id for tests."""
    function, args, kwargs = call
    shown = [f"{x.dtype.char}{list(x.shape)}" if isinstance(x, np.ndarray) else "..." for x in args]
    return f"{function.__name__}({','.join(shown + list(kwargs))})"


def is_floating(x: Any) -> bool:
    """Whether a value can be differentiated."""
    return isinstance(x, (np.ndarray, np.floating, np.complexfloating)) and x.dtype.kind in "fc"


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Where floating arrays stand in nested arguments."""
    if is_floating(value):
        return [path]
    if isinstance(value, (list, tuple, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for key, part in items for place in places(part, (*path, key))]
    return []


def at(value: Any, path: tuple) -> Any:
    """The part of nested arguments at a place."""
    for key in path:
        value = value[key]
    return value


def replaced(value: Any, path: tuple, new: Any) -> Any:
    """Nested arguments with another value at one place."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], rest, new)}
    return type(value)(replaced(part, rest, new) if k == key else part for k, part in enumerate(value))


def flat_function(function: Callable, args: tuple, kwargs: dict) -> tuple[Callable, tuple]:
    """A function of the real and imaginary parts of the floating arrays in a call, and these parts.

    Its results are a tuple.
    """
    everything = (args, kwargs)
    paths = places(everything)
    arrays = [at(everything, path) for path in paths]

    def f(*parts: Any) -> Any:
        filled, rest = everything, list(parts)
        for path, array in zip(paths, arrays, strict=True):
            real = rest.pop(0)
            filled = replaced(filled, path, real + 1j * rest.pop(0) if np.iscomplexobj(array) else real)
        out = function(*filled[0], **filled[1])
        return tuple(flattened(out))

    parts = [(x.real.copy(), x.imag.copy()) if np.iscomplexobj(x) else (x,) for x in arrays]
    return f, tuple(itertools.chain.from_iterable(parts))


def flattened(out: Any) -> list:
    """Results, those in tuples and lists within too."""
    return [leaf for part in out for leaf in flattened(part)] if isinstance(out, (tuple, list)) else [out]


def check_recorded(function: Callable, args: tuple, kwargs: dict, tolerance: float = 1e-6, rounding: float = 0) -> None:
    """Values (up to so much rounding), structure and every method's Jacobian of a recorded call."""
    f, primals = flat_function(function, args, kwargs)
    assert primals, "nothing to differentiate"
    with np.errstate(all="ignore"):
        check_jacobians(f, primals, tolerance, rounding)


def check_jacobians(f: Callable, primals: tuple, tolerance: float, rounding: float) -> None:
    """The Jacobians for all arguments by every method."""
    everything = tuple(range(len(primals)))
    values, forward = jf.value_and_jacobian(f, everything, method="forward")(*primals)
    sparse = jf.jacobian(f, everything, sparse=True, method="accumulate")(*primals)
    reverse = jf.jacobian(f, everything, method="reverse")(*primals)
    for o, (value, plain) in enumerate(zip(values, f(*primals), strict=True)):
        plain = np.asarray(plain)
        assert value.dtype == plain.dtype
        np.testing.assert_allclose(value, plain, rtol=rounding, atol=rounding, strict=value.ndim > 0)
        if plain.dtype.kind not in "fc":
            continue
        judged = np.isfinite(plain).reshape(-1)
        for k in everything:

            def component(x: Any, o: int = o, k: int = k) -> Any:
                return f(*primals[:k], x, *primals[k + 1 :])[o]

            wanted = difference_jacobian(component, primals[k])
            assert forward[o][k].shape == plain.shape + primals[k].shape
            scale = max(1.0, np.abs(wanted[judged]).max(initial=0))
            atol = max(tolerance, 1e4 * float(np.finfo(plain.dtype).eps)) * scale
            for found in (forward[o][k], sparse[o][k].toarray(), reverse[o][k]):
                found = found.reshape(wanted.shape)
                np.testing.assert_allclose(found[judged], wanted[judged], rtol=0, atol=atol)


def check_second_order(function: Callable, args: tuple, kwargs: dict, tolerance: float = 1e-6) -> None:
    """The second derivative along a line, through nested recordings, against differences of the first.

    Jacobians by accumulation are differentiated too: there the values of formats are traced.
    """
    f, primals = flat_function(function, args, kwargs)
    starts = [np.asarray(x, float) for x in primals]
    lines = [np.random.default_rng(k).uniform(0.5, 1.5, x.shape) for k, x in enumerate(starts)]

    def at(t: Any) -> list:
        return [x + t * line for x, line in zip(starts, lines, strict=True)]

    def value(*values: Any) -> Any:
        parts = [np.ravel(np.real(part)) for part in f(*values) if part.dtype.kind in "fc"]
        return np.concatenate([np.zeros(0), *parts])

    def slope(t: Any) -> Any:
        return jf.jvp(lambda s: value(*at(s)), t, np.float64(1.0))[1]

    def accumulated(t: Any) -> Any:
        found = jf.jacobian(value, method="accumulate")(*at(t))
        return np.sum(found * np.cos(np.arange(found.size)).reshape(found.shape))

    with np.errstate(all="ignore"):
        for first in (slope, accumulated):
            zero, one = np.float64(0.0), np.float64(1.0)
            _, found = jf.jvp(first, zero, one)
            expected, error = richardson(first, zero, one)
            judged = error <= tolerance * max(1.0, np.abs(expected).max(initial=0))
            scale = tolerance * max(1.0, np.abs(expected[judged]).max(initial=0))
            np.testing.assert_allclose(found[judged], expected[judged], rtol=0, atol=10 * scale)
