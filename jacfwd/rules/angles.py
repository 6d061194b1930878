"""Sines and cosines by the tangent of half the angle, both at once or the one beside the other.

Where the processor has a fast tangent, the derivative of a sine need not cost what the sine does.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["cosine", "is_worth_it", "sine", "sine_and_cosine"]

HALF, ONE = np.array(0.5), np.array(1.0)
# From so many elements on one asks; and so many stay in a cache.
MANY, BLOCK = 1 << 13, 1 << 13
# Cosines up to this one are computed again: the formula has their absolute error small, not their relative one.
CLOSE = np.array(0.05)
# The tangent must be so many times faster than the two of them.
FACTOR = 4


def sine_and_cosine(x: np.ndarray, sine: np.ndarray, cosine: np.ndarray, spare: np.ndarray) -> None:
    """Compute both into memory, with `t = tan(x / 2)`: `2 t / (1 + t^2)` and `(1 - t^2) / (1 + t^2)`.

    Both agree with NumPy's to a few units in the last place, relative to each number. All arguments are float64
    arrays `(n,)` that do not overlap.

    >>> x = np.array([0.0, 1.0, np.pi / 2])
    >>> s, c, spare = np.empty((3, 3))
    >>> sine_and_cosine(x, s, c, spare)
    >>> bool(np.allclose(s, np.sin(x), rtol=1e-14) and np.allclose(c, np.cos(x), rtol=1e-14))
    True
    """
    np.multiply(x, HALF, out=sine)
    np.tan(sine, out=sine)
    np.square(sine, out=spare)
    np.subtract(ONE, spare, out=cosine)
    np.add(ONE, spare, out=spare)
    np.divide(cosine, spare, out=cosine)
    np.add(sine, sine, out=sine)
    np.divide(sine, spare, out=sine)
    corrected(x, cosine, spare)


def corrected(x: np.ndarray, cosine: np.ndarray, spare: np.ndarray) -> None:
    """Compute those cosines again that are near zero."""
    np.absolute(cosine, out=spare)
    close = np.flatnonzero(spare < CLOSE)
    if close.size:
        cosine[close] = np.cos(x[close])


def cosine(x: Any) -> Any:
    """`np.cos(x)` beside sines that are known; large arrays by the tangent.

    >>> x = np.linspace(-4, 4, 10000)
    >>> bool(np.allclose(cosine(x), np.cos(x), rtol=1e-13, atol=0))
    True
    """
    return in_blocks(cosines, x) if suits(x) else np.cos(x)


def sine(x: Any) -> Any:
    """`np.sin(x)` beside cosines that are known, likewise."""
    return in_blocks(sines, x) if suits(x) else np.sin(x)


def suits(x: Any) -> bool:
    """Whether these are many plain numbers, and tangents are fast."""
    return type(x) is np.ndarray and x.size >= MANY and x.dtype == np.float64 and is_worth_it()


def in_blocks(compute: Callable[[np.ndarray, np.ndarray, np.ndarray], None], x: np.ndarray) -> np.ndarray:
    """`compute(x, out, spare)` for blocks of flat memory, with memory to spare."""
    out, spare = np.empty(x.shape), np.empty(min(x.size, BLOCK))
    flat, found = x.reshape(-1), out.reshape(-1)
    for start in range(0, x.size, BLOCK):
        block = flat[start : start + BLOCK]
        compute(block, found[start : start + BLOCK], spare[: block.size])
    return out


def cosines(x: np.ndarray, out: np.ndarray, spare: np.ndarray) -> None:
    """`(1 - t^2) / (1 + t^2)`."""
    np.multiply(x, HALF, out=spare)
    np.tan(spare, out=spare)
    np.square(spare, out=spare)
    np.subtract(ONE, spare, out=out)
    np.add(ONE, spare, out=spare)
    np.divide(out, spare, out=out)
    corrected(x, out, spare)


def sines(x: np.ndarray, out: np.ndarray, spare: np.ndarray) -> None:
    """`2 t / (1 + t^2)`."""
    np.multiply(x, HALF, out=out)
    np.tan(out, out=out)
    np.square(out, out=spare)
    np.add(ONE, spare, out=spare)
    np.add(out, out, out=out)
    np.divide(out, spare, out=out)


@functools.cache
def is_worth_it() -> bool:
    """Whether this processor and build of NumPy compute tangents several times faster than sines and cosines.

    A vectorised tangent is more than ten times as fast, any other is slower: there is nothing in between.
    """
    x = np.linspace(-3, 3, 4096)[np.random.default_rng(0).permutation(4096)]
    return FACTOR * quickest(np.tan, x) < quickest(np.sin, x) + quickest(np.cos, x)


def quickest(function: Callable, x: np.ndarray) -> float:
    """The least time of a few calls."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        function(x)
        times.append(time.perf_counter() - start)
    return min(times)
