"""Sample calls of scipy.integrate, spatial.distance and optimize: functions to lists of calls."""

from typing import Any

import numpy as np
import scipy.integrate as si
import scipy.optimize as so
import scipy.spatial.distance as sd

from tests.rules.samples_movement import Calls, calls

__all__ = ["DISTANCES", "INTEGRALS"]

RANDOM = np.random.default_rng(21)


def real(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


ROW, LONG, TABLE = real(6), real(9), real(3, 5)
POINTS = np.cumsum(RANDOM.uniform(0.5, 1.5, 6))
GRID = np.cumsum(RANDOM.uniform(0.5, 1.5, (3, 5)), axis=1)
DX = np.float64(0.25)

SAMPLED: Calls = [
    calls(ROW),
    calls(ROW, x=POINTS),
    calls(ROW[:5], x=POINTS[:5]),
    calls(TABLE, dx=DX, axis=0),
    calls(TABLE, x=POINTS[:5]),
    calls(TABLE, x=GRID),
    calls(TABLE, x=POINTS[:3], axis=0),
    calls(ROW[:2], x=POINTS[:2]),
    calls(ROW[:3], dx=DX),
    calls([1.0, 2.0, 4.0], x=POINTS[:3]),
]
INTEGRALS: dict[Any, Calls] = {
    si.trapezoid: [*SAMPLED, calls(ROW.astype(np.float32)), calls(ROW, POINTS)],
    si.cumulative_trapezoid: [*SAMPLED, calls(ROW, POINTS, initial=0), calls(TABLE, axis=0, initial=0)],
    si.simpson: SAMPLED,
    si.cumulative_simpson: [
        *SAMPLED,
        calls(ROW, x=POINTS, initial=np.float64(2.0)),
        calls(TABLE, axis=0, initial=np.ones((1, 5))),
        calls(ROW[:2], initial=np.float64(2.0)),
    ],
    si.romb: [calls(LONG), calls(LONG, DX), calls(real(5, 2), axis=0), calls(real(3)), calls(np.array([0.5, -1.0]))],
}

X, Y = RANDOM.uniform(0.5, 1.5, (4, 3)), RANDOM.uniform(0.5, 1.5, (5, 3))
W = RANDOM.uniform(0.5, 1.5, 3)
VI = np.diag(W) + 0.1
PLAIN = ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "cosine", "correlation", "canberra", "braycurtis")
OPTIONS: list[dict[str, Any]] = [
    *({"metric": name} for name in PLAIN),
    *({"metric": name, "w": W} for name in ("euclidean", "sqeuclidean", "cityblock", "cosine", "canberra")),
    {"metric": "minkowski", "p": 3},
    {"metric": "minkowski", "p": 1.5, "w": W},
    {"metric": "seuclidean", "V": W},
    {"metric": "seuclidean"},
    {"metric": "mahalanobis", "VI": VI},
    {"metric": "mahalanobis"},
    {"metric": "CB"},
]
VECTORS: Calls = [calls(X[0], Y[0]), calls([1.0, 2.0, 3.0], Y[0]), calls(X[0], Y[0], w=W)]
DISTANCES: dict[Any, Calls] = {
    **{getattr(sd, name): VECTORS for name in PLAIN if name not in ("chebyshev",)},
    sd.chebyshev: VECTORS[:2],
    sd.minkowski: [calls(X[0], Y[0]), calls(X[0], Y[0], 3, W), calls(X[0], Y[0], p=1)],
    sd.seuclidean: [calls(X[0], Y[0], W)],
    sd.mahalanobis: [calls(X[0], Y[0], VI)],
    sd.jensenshannon: [calls(X[0], Y[0]), calls(X, Y[:4], 2.0, axis=1), calls(X, Y[:4], keepdims=True)],
    sd.cdist: [calls(X, Y), *(calls(X, Y, **options) for options in OPTIONS), calls(X, Y, sd.cityblock)],
    sd.pdist: [calls(X), *(calls(Y, **options) for options in OPTIONS)],
    sd.squareform: [
        calls(real(6)),
        calls(sd.squareform(real(6)), checks=False),
        calls(real(3), "tomatrix"),
        calls(TABLE[:, :3], checks=False),
    ],
    so.rosen: [calls(ROW), calls(TABLE)],
    so.rosen_der: [calls(ROW)],
    so.rosen_hess: [calls(ROW)],
    so.rosen_hess_prod: [calls(ROW, real(6))],
}
