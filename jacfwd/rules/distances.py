"""Rules of scipy.spatial.distance, and of SciPy's Rosenbrock function: formulas of NumPy."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array
from jacfwd.primitive import Rule, composed

__all__ = ["METRICS", "RULES"]

# Distances between vectors along the last axis, which broadcast


def weighted(x: Any, w: Any) -> Any:
    """Terms with their weights."""
    return x if w is None else as_array(w) * x


def sqeuclidean(u: Any, v: Any, w: Any = None) -> Any:
    """`sum w (u - v)^2`."""
    d = u - v
    return np.sum(weighted(d * d, w), axis=-1)


def euclidean(u: Any, v: Any, w: Any = None) -> Any:
    """`sqrt(sum w (u - v)^2)`; its derivative is zero where it is."""
    d = u - v
    return np.linalg.norm(d if w is None else np.sqrt(as_array(w)) * d, axis=-1)


def cityblock(u: Any, v: Any, w: Any = None) -> Any:
    """`sum w |u - v|`."""
    return np.sum(weighted(np.abs(u - v), w), axis=-1)


def chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    """The largest `|u - v|` among those with a weight."""
    d = np.abs(u - v)
    return np.max(d if w is None else np.where(np.greater(w, 0), d, 0), axis=-1)


def minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    """`(sum w |u - v|^p)^(1/p)`."""
    d = u - v
    if w is not None:
        d = d * np.power(as_array(w), 0 if p == np.inf else 1 / p)
    return np.linalg.norm(d, p, axis=-1)


def seuclidean(u: Any, v: Any, V: Any) -> Any:
    """Euclid's, each component divided by the root of its variance."""
    return euclidean(u, v, 1 / as_array(V))


def mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    """`sqrt((u - v) VI (u - v)^T)`."""
    d = u - v
    square = np.sum(d * (d @ np.transpose(as_array(VI))), axis=-1)
    # The root of zero has derivative zero here, as that of the other distances.
    zero = np.equal(square, 0)
    return np.where(zero, 0, np.sqrt(np.where(zero, 1, square)))


def correlation(u: Any, v: Any, w: Any = None, centered: bool = True) -> Any:
    """`1 - uv / sqrt(uu vv)`, after taking off the means if `centered`."""
    share = 1 / np.shape(u)[-1] if w is None else as_array(w) / np.sum(as_array(w))
    if centered:
        u = u - np.sum(share * u, axis=-1, keepdims=True)
        v = v - np.sum(share * v, axis=-1, keepdims=True)
    uv, uu, vv = (np.sum(share * a * b, axis=-1) for a, b in ((u, v), (u, u), (v, v)))
    return np.clip(1 - uv / np.sqrt(uu * vv), 0.0, 2.0)


def cosine(u: Any, v: Any, w: Any = None) -> Any:
    """`1 - uv / sqrt(uu vv)`."""
    return correlation(u, v, w, centered=False)


def canberra(u: Any, v: Any, w: Any = None) -> Any:
    """`sum w |u - v| / (|u| + |v|)`, 0 for 0 / 0."""
    size = np.abs(u) + np.abs(v)
    zero = np.equal(size, 0)
    return np.sum(weighted(np.where(zero, 0, np.abs(u - v) / np.where(zero, 1, size)), w), axis=-1)


def braycurtis(u: Any, v: Any, w: Any = None) -> Any:
    """`sum w |u - v| / sum w |u + v|`."""
    return cityblock(u, v, w) / np.sum(weighted(np.abs(u + v), w), axis=-1)


def jensenshannon(p: Any, q: Any, base: Any = None, *, axis: int = 0, keepdims: bool = False) -> Any:
    """The root of the mean of two divergences from the middle."""
    p, q = (as_array(x) * 1.0 for x in (p, q))
    p, q = (x / np.sum(x, axis=axis, keepdims=True) for x in (p, q))
    m = (p + q) / 2.0
    terms = [np.where(np.equal(x, 0), 0, x * np.log(np.where(np.equal(x, 0), 1, x) / m)) for x in (p, q)]
    total = np.sum(terms[0], axis=axis, keepdims=keepdims) + np.sum(terms[1], axis=axis, keepdims=keepdims)
    return np.sqrt((total if base is None else total / np.log(base)) / 2.0)


METRICS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        sqeuclidean,
        euclidean,
        cityblock,
        chebyshev,
        minkowski,
        seuclidean,
        mahalanobis,
        correlation,
        cosine,
        canberra,
        braycurtis,
    )
}
NAMES = {
    "euclid": "euclidean",
    "eu": "euclidean",
    "e": "euclidean",
    "sqe": "sqeuclidean",
    "sqeuclid": "sqeuclidean",
    "cblock": "cityblock",
    "cb": "cityblock",
    "c": "cityblock",
    "chebychev": "chebyshev",
    "cheby": "chebyshev",
    "cheb": "chebyshev",
    "ch": "chebyshev",
    "mi": "minkowski",
    "m": "minkowski",
    "pnorm": "minkowski",
    "cos": "cosine",
    "co": "correlation",
    "mahal": "mahalanobis",
    "mah": "mahalanobis",
    "se": "seuclidean",
    "s": "seuclidean",
}


def rows_with(metric: Any, points: list[Any], options: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """The distance of rows of two arrays; what SciPy takes from the points themselves is taken from them."""
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "")
    name = NAMES.get(name.lower(), name.lower())
    if name not in METRICS:
        raise UnsupportedFunctionError(
            f"distances with metric={metric!r} have no derivative rule; there are {', '.join(METRICS)}"
        )
    if name == "seuclidean" and options.get("V") is None:
        options = {**options, "V": np.var(np.concatenate(points), axis=0, ddof=1)}
    if name == "mahalanobis" and options.get("VI") is None:
        options = {**options, "VI": np.transpose(np.linalg.inv(np.cov(np.transpose(np.concatenate(points)))))}
    return functools.partial(METRICS[name], **options)


def cdist(XA: Any, XB: Any, metric: Any = "euclidean", **options: Any) -> Any:
    """Distances of all rows of one array to all rows of another."""
    a, b = (as_array(x) * 1.0 for x in (XA, XB))
    if np.ndim(a) != 2 or np.ndim(b) != 2 or np.shape(a)[1] != np.shape(b)[1]:
        raise ValueError(f"XA and XB must be tables with equally many columns, got {np.shape(a)} and {np.shape(b)}")
    return rows_with(metric, [a, b], options)(a[:, None, :], b[None, :, :])


def pdist(X: Any, metric: Any = "euclidean", **options: Any) -> Any:
    """Distances of all pairs of rows."""
    x = as_array(X) * 1.0
    if np.ndim(x) != 2:
        raise ValueError(f"X must be a table, got shape {np.shape(x)}")
    i, j = np.triu_indices(np.shape(x)[0], 1)
    return rows_with(metric, [x], options)(x[i], x[j])


def squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    """A vector of pairs as a symmetric matrix with zeros on its diagonal, or back."""
    x = as_array(X)
    if np.ndim(x) == 1 and force.lower() not in ("tomatrix", "no"):
        raise ValueError("Forcing 'tovector' but input X is not a distance matrix.")
    if np.ndim(x) == 1:
        n = round((1 + np.sqrt(1 + 8 * np.size(x))) / 2)
        if n * (n - 1) // 2 != np.size(x):
            raise ValueError("Incompatible vector size. It must be a binomial coefficient n choose 2.")
        where = np.zeros((n, n), np.intp)
        where[np.triu_indices(n, 1)] = np.arange(1, np.size(x) + 1)
        return np.concatenate([np.zeros(1, x.dtype), x])[where + where.T]
    if checks and not (np.allclose(x, np.transpose(x), rtol=0, atol=1e-8) and not np.any(np.diagonal(x))):
        raise ValueError("Distance matrix must be symmetric with zeros on its diagonal.")
    return x[np.triu_indices(np.shape(x)[0], 1)]


def between_vectors(metric: Callable[..., Any]) -> Rule:
    """The rule of the distance of two vectors."""
    return composed(lambda u, v, *args, **kwargs: metric(as_array(u) * 1.0, as_array(v) * 1.0, *args, **kwargs))


# SciPy's test function


def rosen(x: Any) -> Any:
    """`sum 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2`."""
    x = as_array(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


def rosen_der(x: Any) -> Any:
    """Its gradient."""
    x = as_array(x)
    gap = x[1:] - x[:-1] ** 2
    zero = np.zeros((1, *np.shape(x)[1:]))
    return np.concatenate([zero, 200 * gap]) + np.concatenate([-400 * gap * x[:-1] - 2 * (1 - x[:-1]), zero])


def rosen_hess(x: Any) -> Any:
    """Its matrix of second derivatives."""
    x = as_array(x)
    side = -400 * x[:-1]
    ends = np.zeros(1)
    middle = np.concatenate([1200 * x[:-1] ** 2 - 400 * x[1:] + 2, ends]) + np.concatenate(
        [ends, np.full(len(x) - 1, 200.0)]
    )
    return np.diag(middle) + np.diag(side, 1) + np.diag(side, -1)


RULES: dict[Any, Rule] = {
    **{f"scipy.spatial.distance:{name}": between_vectors(metric) for name, metric in METRICS.items()},
    "scipy.spatial.distance:jensenshannon": composed(jensenshannon),
    "scipy.spatial.distance:cdist": composed(cdist),
    "scipy.spatial.distance:pdist": composed(pdist),
    "scipy.spatial.distance:squareform": composed(squareform),
    "scipy.optimize:rosen": composed(rosen),
    "scipy.optimize:rosen_der": composed(rosen_der),
    "scipy.optimize:rosen_hess": composed(rosen_hess),
    "scipy.optimize:rosen_hess_prod": composed(lambda x, p: rosen_hess(x) @ as_array(p)),
}
