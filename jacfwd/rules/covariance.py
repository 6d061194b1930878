"""Covariances and correlations, made of means and products."""

import functools
import warnings
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array, as_dtype, is_plain
from jacfwd.primitive import Rule, composed
from jacfwd.rules.internal import compound

__all__ = ["RULES"]


@functools.cache
def turns_single_rows() -> bool:
    """Whether this NumPy takes a matrix of one row with `rowvar=False` for variables in columns."""
    return bool(np.cov(np.zeros((1, 2)), rowvar=False, ddof=0).ndim)


def as_rows(x: Any, dtype: Any) -> Any:
    """Variables as the rows of a matrix."""
    if x.ndim > 2:
        raise ValueError(f"cov: at most two dimensions, got {x.ndim}")
    x = x if x.dtype == dtype else x.astype(dtype)
    return x if x.ndim == 2 else np.reshape(x, (1, -1))


def observations(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """The matrix of all variables, one in each row."""
    m, y = as_array(m), None if y is None else as_array(y)
    if dtype is None:
        dtype = np.result_type(m.dtype, np.float64 if y is None else y.dtype, np.float64)
    x = as_rows(m, np.dtype(dtype))
    if not rowvar and (m.ndim != 1 if turns_single_rows() else len(x) != 1):
        x = x.T
    if y is None or not len(x):
        return x
    y = as_rows(y, np.dtype(dtype))
    return np.concatenate([x, y.T if not rowvar and len(y) != 1 else y], axis=0)


def weights_of(name: str, given: Any, number: int) -> Any:
    """One weight for each observation."""
    weights = as_array(given)
    weights = weights if weights.dtype == np.float64 else weights.astype(float)
    if weights.ndim != 1 or len(weights) != number:
        raise RuntimeError(f"cov: {name} of shape ({number},) are needed, got {weights.shape}")
    if np.any(weights < 0):
        raise ValueError(f"cov: {name} cannot be negative")
    return weights


def frequencies(given: Any, number: int) -> Any:
    """How often each observation was made: whole numbers, which have no derivative."""
    if not is_plain(given) and given.dtype.kind in "fc":
        raise UnsupportedFunctionError("cov: fweights are counts, without a derivative; give traced ones as aweights")
    weights = weights_of("fweights", given, number)
    if not np.all(weights == np.round(weights)):
        raise TypeError("cov: fweights must be whole numbers")
    return weights


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """`(X - mean) W (X - mean)^H / fact`, rows of X being variables and W the weights."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof must be a whole number, got {ddof}")
    x = observations(m, y, rowvar, dtype)
    if not len(x):
        return np.zeros((0, 0))
    ddof = int(not bias) if ddof is None else ddof
    number = x.shape[1]
    importance = None if aweights is None else weights_of("aweights", aweights, number)
    w = None if fweights is None else frequencies(fweights, number)
    w = w if importance is None else importance if w is None else w * importance
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    fact = number - ddof if w is None else total[0] - ddof
    if importance is not None and ddof:
        fact = total[0] - ddof * np.sum(w * importance) / total[0]
    if fact <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        fact = 0.0
    apart = x - mean[:, None]
    scaled = (apart if w is None else apart * w).T
    scaled = np.conjugate(scaled) if np.iscomplexobj(scaled) else scaled
    products = np.dot(apart, scaled)
    return np.squeeze(as_dtype(products * np.true_divide(1, fact), products.dtype))


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Covariances over the standard deviations of both; between -1 and 1 although they are rounded."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    spread = np.sqrt(np.real(np.diag(c)))
    c = c / spread[:, None] / spread[None, :]
    if np.iscomplexobj(c):
        return compound(np.clip(np.real(c), -1, 1), np.clip(np.imag(c), -1, 1))
    return np.clip(c, -1, 1)


RULES: dict[Any, Rule] = {np.cov: composed(cov), np.corrcoef: composed(corrcoef)}
