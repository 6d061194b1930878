"""What a recorded function gives, against the same function on plain arrays and its differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

import jacfwd as jf
from jacfwd.differences import richardson

__all__ = ["agrees", "assert_same", "direction", "expected_tangent"]


def flat(values: Any) -> np.ndarray:
    """Arrays, or nested tuples of them, joined to one vector."""
    if isinstance(values, tuple | list):
        return np.concatenate([np.zeros(0), *(flat(value) for value in values)])
    return np.asarray(values).reshape(-1)


def split(vector: np.ndarray, like: tuple[Any, ...]) -> tuple[Any, ...]:
    """The pieces of a vector in the shapes, dtypes and memory layouts of some arrays; scalars as scalars."""
    bounds = np.cumsum([0, *(np.size(x) for x in like)])
    return tuple(same_layout(vector[a:b], x) for a, b, x in zip(bounds[:-1], bounds[1:], like, strict=True))


def same_layout(values: np.ndarray, like: Any) -> Any:
    """Values in an array that lies in memory as `like` does."""
    if not isinstance(like, np.ndarray):
        return np.asarray(values).astype(np.asarray(like).dtype).reshape(())[()]
    low, high = np.lib.array_utils.byte_bounds(like) if like.size else (0, 0)
    memory = np.zeros(high - low, np.uint8)
    start = like.__array_interface__["data"][0] - low if like.size else 0
    out = np.ndarray(like.shape, like.dtype, memory, start, like.strides)
    out[...] = values.reshape(like.shape)
    return out


def direction(args: tuple[Any, ...], seed: int = 0) -> tuple[Any, ...]:
    """A random tangent for each argument."""
    rng = np.random.default_rng(seed)
    size = sum(np.size(x) for x in args)
    values: np.ndarray = rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size)
    if any(np.asarray(x).dtype.kind == "c" for x in args):
        values = values + 1j * rng.uniform(-1, 1, size)
    return split(values, args)


def expected_tangent(f: Callable, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> np.ndarray:
    """The directional derivative of `f` by extrapolated differences, on plain arrays."""

    def along(t: np.ndarray) -> np.ndarray:
        moved = tuple(same_layout(np.asarray(x + t[0] * v).reshape(-1), x) for x, v in zip(args, tangents, strict=True))
        return flat(f(*moved))

    found, _ = richardson(along, np.zeros(1), np.ones(1), steps=6, step=1e-3)
    return found


def assert_same(got: Any, expected: Any, exactly: bool = True) -> None:
    """Same structure, kinds, shapes and dtypes, and the same bits (or nearly, where a replay may round)."""
    if isinstance(expected, tuple | list):
        assert type(got) is type(expected) and len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other, exactly)
        return
    expected = np.asarray(expected)
    got = np.asarray(got)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    if exactly:
        np.testing.assert_array_equal(got, expected)
    else:
        eps = 1e-13 if expected.dtype.itemsize >= 8 else 1e-5
        np.testing.assert_allclose(got, expected, rtol=eps, atol=eps * np.abs(flat(expected)).max(initial=1))


def agrees(f: Callable, *args: Any, replay: bool = True, exactly: bool = True, rtol: float = 1e-7) -> Any:
    """Values and derivatives of f through `jvp`, `linearize`, the graph and, nested, hvp-like second order.

    Returns the graph.
    """
    args = tuple(np.float64(x) if isinstance(x, float) else x for x in args)
    kept = [np.array(x) for x in args]
    y = f(*split(flat(args), args))
    v = direction(args)
    dy = expected_tangent(f, args, v)

    def close(got: Any) -> None:
        scale = np.abs(dy).max(initial=1)
        np.testing.assert_allclose(flat(got), dy, rtol=rtol, atol=rtol * scale)

    for form in (jf.jvp,):
        value, tangent = form(f, args, v)
        assert_same(value, y, exactly)
        close(tangent)
    value, J = jf.linearize(f, *args)
    assert_same(value, y, exactly)
    close(J(*v))
    for got, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(got, before)
    if not replay:
        return None
    graph = jf.trace(f, *args)
    assert_same(graph(*args), y, exactly=False)
    close(graph.jvp(args, v)[1])
    moved = split(flat(args) * (1 + 1e-6), args)
    assert_same(graph(*moved), f(*moved), exactly=False)
    for got, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(got, before)
    return graph
