"""Functions that call functions of the user's, row by row or element by element."""

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74, 1.5, -0.3])


def rows(x):
    return np.reshape(x, (2, 3))


CALLS = {
    "rows to rows": lambda x: np.apply_along_axis(lambda r: r[::-1] * r, 1, rows(x)),
    "columns to numbers": lambda x: np.apply_along_axis(lambda r: r @ r, 0, rows(x)),
    "to matrices": lambda x: np.apply_along_axis(np.diag, -1, rows(x)),
    "in the middle": lambda x: np.apply_along_axis(lambda r, k, s=1: r[:k] * s, 1, np.reshape(x, (1, 3, 2)), 2, s=3),
    "one dimension": lambda x: np.apply_along_axis(np.cumsum, 0, x),
    "a list": lambda x: np.apply_along_axis(np.sum, 0, [x, x * 2]),
    "over axes": lambda x: np.apply_over_axes(np.sum, np.reshape(x, (1, 3, 2)), [0, -1]),
    "over one axis": lambda x: np.apply_over_axes(lambda a, k: np.max(a, k, keepdims=True), rows(x), 1),
    "frompyfunc": lambda x: np.sum(np.frompyfunc(lambda t: t * t if t > 0 else np.sin(t), 1, 1)(x)),
    "frompyfunc of two": lambda x: np.sum(np.frompyfunc(lambda a, b: (a * b, a), 2, 2)(x, 2.0)[0]),
    "vectorize": lambda x: np.vectorize(lambda a, b: a * b + 1)(x, x[::-1]),
    "vectorize with a signature": lambda x: np.vectorize(lambda a: a @ a, signature="(n)->()")(rows(x)),
    "trim": lambda x: np.trim_zeros(np.concatenate([[0.0, 0.0], x, [0.0]])),
    "trim front": lambda x: np.trim_zeros(np.concatenate([[0.0], x, [0.0]]), "f"),
    "trim back": lambda x: np.trim_zeros(np.concatenate([[0.0], x, [0.0]]), "b"),
    "poly1d": lambda x: np.poly1d(x)(2.0) + np.poly1d([1.0, 2.0])(x).sum(),
}


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_calls(f):
    agrees(f, X)


def test_errors_are_those_of_numpy():
    for f in (
        lambda x: np.apply_along_axis(np.sum, 3, x),
        lambda x: np.apply_along_axis(np.sum, 1, np.zeros((0, 2)) * x[0]),
        lambda x: np.apply_over_axes(lambda a, k: np.float64(1.0), rows(x), 0),
        lambda x: np.trim_zeros(x, "x"),
    ):
        with pytest.raises(ValueError, match="axis|axes|shape|trim|dim") as plain:
            f(X)
        with pytest.raises(type(plain.value)):
            jf.jacobian(f)(X)


def test_zeros_trimmed_are_relied_on():
    G = jf.trace(np.trim_zeros, np.array([0.0, 1.0, 0.0]))
    assert G(np.array([0.0, 2.0, 0.0])).tolist() == [2.0]
    with pytest.raises(jf.BranchChangedError):
        G(np.array([3.0, 2.0, 0.0]))
    assert jf.jacobian(np.trim_zeros)(np.zeros(3)).shape == (0, 3)
