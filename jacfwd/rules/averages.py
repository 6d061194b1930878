"""Averages, ranges, and the reductions that leave nan out, made of other reductions."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Shape
from jacfwd.formats.dispatch import is_plain
from jacfwd.primitive import Rule, composed

__all__ = ["RULES"]


def without_nan(a: Any, fill: int) -> tuple[Any, Any]:
    """The array with nan replaced, and where it was none."""
    valid = np.logical_not(np.isnan(a))
    return np.where(valid, a, fill), valid


def filled(original: Callable, function: Callable, fill: int) -> Rule:
    """A function that counts nan as `fill`, by the one that knows no nan."""
    signature = inspect.signature(original)

    def rewrite(*args: Any, **kwargs: Any) -> Any:
        given = given_to(signature, args, kwargs)
        return function(without_nan(given.pop("a"), fill)[0], **given)

    return composed(rewrite)


def given_to(signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    """What was passed, by name."""
    arguments = signature.bind(*args, **kwargs).arguments
    return {name: value for name, value in arguments.items() if value is not np._NoValue}


def valid_ones(given: dict[str, Any]) -> dict[str, Any]:
    """The call with nan replaced by zero and left out by `where`."""
    values, valid = without_nan(given["a"], 0)
    where = given.get("where", True)
    return {**given, "a": values, "where": valid if where is True else np.logical_and(valid, where)}


def counted(given: dict[str, Any], dtype: Any) -> Any:
    """How many elements take part."""
    shape = np.shape(given["a"])
    where = np.broadcast_to(given["where"], shape)
    return np.sum(where, axis=given.get("axis"), keepdims=given.get("keepdims", False), dtype=dtype)


def nanmean(*args: Any, **kwargs: Any) -> Any:
    """The sum of what is not nan over its number."""
    given = valid_ones(given_to(inspect.signature(np.nanmean), args, kwargs))
    total = np.sum(**given)
    return total / counted(given, np.finfo(total.dtype).dtype)


def nan_spread(original: Callable, function: Callable) -> Rule:
    """`nanvar` and `nanstd`: nan where no more elements are left than `ddof`."""

    def rewrite(*args: Any, **kwargs: Any) -> Any:
        given = valid_ones(given_to(inspect.signature(original), args, kwargs))
        ddof = given.get("correction", given.get("ddof", 0))
        number = counted(given, np.float64)
        return np.where(number <= ddof, np.nan, function(**given))[()]

    return composed(rewrite)


# Averages, and the rest


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """`sum(weights * a) / sum(weights)`."""
    a = np.asanyarray(a) if is_plain(a) else a
    keep = {} if keepdims is np._NoValue else {"keepdims": keepdims}
    if weights is None:
        mean = np.mean(a, axis=axis, **keep)
        scale: Any = mean.dtype.type(a.size / max(mean.size, 1))
    else:
        weights = placed(np.asanyarray(weights) if is_plain(weights) else weights, a.shape, axis)
        dtype = np.result_type(a.dtype, weights.dtype, *([np.float64] if a.dtype.kind in "iub" else []))
        scale = np.sum(weights, axis=axis, dtype=dtype, **keep)
        if np.any(np.equal(scale, 0)):
            raise ZeroDivisionError("the weights sum to zero")
        mean = np.sum(np.multiply(a, weights, dtype=dtype), axis=axis, **keep) / scale
    if not returned:
        return mean
    return mean, scale if np.shape(scale) == np.shape(mean) else np.copy(np.broadcast_to(scale, np.shape(mean)))


def placed(weights: Any, shape: Shape, axis: Any) -> Any:
    """Weights of the axes alone, laid out so that they broadcast against the array."""
    if weights.shape == shape:
        return weights
    if axis is None:
        raise TypeError(f"weights of shape {weights.shape} for an array of shape {shape} need an axis")
    axes = np.lib.array_utils.normalize_axis_tuple(axis, len(shape))
    if weights.shape != tuple(shape[k] for k in axes):
        raise ValueError(f"weights of shape {weights.shape} do not fit axes {axes} of an array of shape {shape}")
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return np.reshape(np.transpose(weights, order), tuple(n if k in axes else 1 for k, n in enumerate(shape)))


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """The largest element less the smallest."""
    keep = {} if keepdims is np._NoValue else {"keepdims": keepdims}
    return np.subtract(np.max(a, axis=axis, **keep), np.min(a, axis=axis, **keep), *(() if out is None else (out,)))


RULES: dict[Any, Rule] = {
    np.ptp: composed(ptp),
    np.average: composed(average),
    np.nansum: filled(np.nansum, np.sum, 0),
    np.nanprod: filled(np.nanprod, np.prod, 1),
    np.nancumsum: filled(np.nancumsum, np.cumsum, 0),
    np.nancumprod: filled(np.nancumprod, np.cumprod, 1),
    np.nanmean: composed(nanmean),
    np.nanvar: nan_spread(np.nanvar, np.var),
    np.nanstd: nan_spread(np.nanstd, np.std),
}
