"""Weights of entries: Python integers, booleans as masks, numbers; products in which zeros are strong."""

from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product

__all__ = ["is_mask", "numbers", "plus", "times", "weigh"]


def is_mask(weights: Any) -> bool:
    """Whether weights are booleans, which choose and do not multiply."""
    dtype = getattr(weights, "dtype", None)
    return dtype is not None and dtype.kind == "b"


def weigh(weights: Any, block: Any) -> Any:
    """Multiply a tangent block by weights: strong zeros, masks, and nothing at all for one."""
    if type(weights) is int:
        if weights == 1:
            return block
        if weights == -1:
            return np.negative(block)
    if is_mask(weights):
        return np.where(weights, block, 0)
    return strong_product(weights, block)


def times(a: Any, b: Any) -> Any:
    """The product of two weights: ones vanish, masks meet, zeros are strong."""
    if type(a) is int:
        a, b = b, a
    if type(b) is int:
        if b == 1:
            return a
        if type(a) is int:
            return a * b
    if is_mask(a):
        a, b = b, a
    if is_mask(b):
        return np.logical_and(a, b) if is_mask(a) else np.where(b, float(a) if type(a) is int else a, 0)
    return weigh(b, a) if type(b) is int else strong_product(a, b)


def numbers(weights: Any) -> Any:
    """Masks as zeros and ones, which can be added."""
    return np.where(weights, 1.0, 0.0) if is_mask(weights) else weights


def plus(a: Any, b: Any) -> Any:
    """The sum of two weights."""
    return a + b if type(a) is int and type(b) is int else np.add(numbers(a), numbers(b))
