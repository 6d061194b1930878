"""Functions of three numbers whose graphs have awkward shapes; every reading of a chain must cope with them."""

import numpy as np
import scipy.sparse as sp

__all__ = ["FUNCTIONS", "POINT", "REAL"]

POINT = np.array([0.5, -1.3, 2.0])
MATRIX = sp.csr_array([[1.0, 0.0, 2.0], [0.0, 0.0, -3.0]])


def complex_inside(x):
    z = np.exp(1j * x)
    return np.abs(z * x + 1.0)


def conjugated(x):
    z = x * (1 + 2j)
    return np.real(np.conj(z) * z[::-1])


def complex_carried(x):
    z = np.exp(1j * x)
    return z, np.sin(np.abs(z) * x)


def assigned(x):
    out = np.zeros(5)
    out[1:4] = x
    out[2:] *= x[::-1]
    return out


def unused_part(x):
    np.cos(x[1])
    return np.exp(x[0]) * np.ones(2)


def deep_and_shallow(x):
    y = np.sin(np.sin(np.sin(x)))
    return x, y, y + x


REAL = {
    "identity": lambda x: x,
    "reversed": lambda x: x[::-1],
    "one": lambda x: x[1],
    "square": lambda x: x * x,
    "parallel edges": lambda x: x * x + x * x,
    "sum": lambda x: np.sum(x),
    "constant": lambda x: np.array([1.0, 2.0]),
    "scalar constant": lambda x: 3.0,
    "integer": lambda x: np.argsort(x),
    "boolean": lambda x: x > 0,
    "unused part": unused_part,
    "empty": lambda x: x[:0] * 2,
    "joined of nothing": lambda x: np.concatenate([x[:0], x[3:]]),
    "joined with nothing": lambda x: np.concatenate([x[:0], np.sin(x), [4.0]]),
    "repeated": lambda x: (np.sin(x), x, np.sin(x)[:1], x),
    "same twice": lambda x: (s := np.sin(x), s),
    "nested": lambda x: {"b": (x * 2, 1.0), "a": np.sum(x)},
    "no outputs": lambda x: (),
    "broadcast": lambda x: np.broadcast_to(x, (2, 3)),
    "outer": lambda x: np.outer(x, np.sin(x)).T,
    "sparse constant": lambda x: MATRIX @ (x * x),
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x)),
    "concatenated": lambda x: np.concatenate([x, np.sin(x), x * x, [1.0]]),
    "stacked": lambda x: np.stack([x, np.cos(x)], axis=1) @ np.array([2.0, 3.0]),
    "matmul": lambda x: np.outer(x, x) @ x,
    "complex inside": complex_inside,
    "conjugated": conjugated,
    "assigned": assigned,
    "deep and shallow": deep_and_shallow,
    "norm": lambda x: x / np.linalg.norm(x),
    "cumulated": lambda x: np.cumsum(x) * x[0],
}

FUNCTIONS = {
    **REAL,
    "imaginary": lambda x: 1j * x,
    "complex": lambda x: np.exp(1j * x) * (2 + 1j),
    "complex carried": complex_carried,
    "complex and constant": lambda x: (np.exp(1j * x[:1]), 2j, x),
    "complex twice": lambda x: (z := np.exp(1j * x), np.conj(z), z * z),
}
