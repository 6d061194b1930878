"""Code as people write it: every route by which numbers get into arrays and out of them."""

import cmath
import collections
import dataclasses
import functools
import importlib
import itertools
import math
import operator
import sys
from functools import reduce
from math import exp as math_exp
from math import sin as math_sin

import numpy as np
import numpy.linalg as la
import pytest
from numpy import array as np_array
from numpy import sin as np_sin
from numpy import zeros as np_zeros
from numpy.linalg import norm as np_norm

import jacfwd as jf
from tests.recording.agreement import agrees

X = np.array([0.53, 1.21, 2.37, 3.74])
W = np.array([1.0, 2.0, 3.0, 4.0])
Pair = collections.namedtuple("Pair", "a b")
SQUARES = np.vectorize(lambda a: a**2)


@np.vectorize
def power(a, n=2):
    return a**n


def make():
    zeros, array, sin = np.zeros, np.array, math.sin

    def inner(x):
        out = zeros(2)
        out[0] = sin(x[0])
        return out + array([x[1], x[2]])

    return inner


CELLS = make()


def rows(x):
    return np.reshape(x, (2, 2))


# Routes to constructors and functions


def from_imports(x):
    out = np_zeros(3)
    out[0] = np_sin(x[0])
    out[1:] = np_array([x[1], x[2] * x[3]])
    return out * np_norm(x) + math_sin(x[0]) * math_exp(x[1])


def imports_inside(x):
    import numpy as xp
    from numpy import empty

    out = empty(2)
    out[0], out[1] = math.cos(x[0]), xp.hypot(x[1], x[2])
    return out


def local_names(x):
    make, sine = np.zeros, math.sin
    out = make(2)
    out[0] = sine(x[0])
    return out


def in_a_class(x):
    class Local:
        sin = np.sin
        exp = staticmethod(math.exp)

    return Local.sin(x) * Local.exp(x[0])


def in_a_dataclass(x):
    @dataclasses.dataclass
    class Parameters:
        a: float
        b: float

    p, q = Parameters(x[0], x[1]), Pair(x[2], x[3])
    return p.a * p.b * q.a / q.b * x


# Python


def unpacked(x):
    a, *rest = x
    (b, c), d = (x[0], x[1]), {"k": x[2]}["k"]
    return a * np.array(rest) * b * c * d


def enumerated(x):
    out = np.empty_like(x)
    for i, v in enumerate(x):
        out[i] = v * i
    return out


def counted(x):
    n, y = 0, x[0]
    while y < 50:
        y, n = y * 2, n + 1
    return y * n * x


def asked(x):
    assert isinstance(x, np.ndarray) and isinstance(x[0], float) and not isinstance(x, list | float)
    assert np.issubdtype(x.dtype, np.floating) and x.dtype == float and x.dtype.kind == "f"
    assert np.isscalar(x[0]) and not np.isscalar(x) and np.iterable(x) and np.isrealobj(x)
    assert (x.ndim, len(x), x.size, x.shape, np.shape(x), np.ndim(x[0])) == (1, 4, 4, (4,), (4,), 0)
    return x * 2 if isinstance(x[1], np.floating) else x


def into_counters(x):
    mask, count = np.zeros(4, bool), np.zeros(3, int)
    mask[0] = x[0] > 0
    mask[:] |= x > 1
    np.logical_or(mask, x > 3, out=mask)
    np.add.at(count, np.digitize(x, [1.0, 2.0]), 1)
    count[np.argmax(x) % 3] += 1
    np.copyto(mask, False, where=x > 3.5)
    np.putmask(count, np.array([True, False, True]), np.argsort(x)[:3])
    return x * mask * count[0] + count.sum()


ROUTES = {
    "cells": CELLS,
    "cells of what is called": lambda x: CELLS(x) * 2,
    "default arguments": lambda x, sin=np.sin, exp=math.exp: sin(x),
    "nested lists": lambda x: np.array([[x[0], 1], [2, x[1] * x[2]]]) @ np.array([1.0, 2]),
    "arrays in a list": lambda x: np.array([x, x * 2, W]),
    "tuples": lambda x: np.array((x[0], (x[1]), 1)),
    "dtypes": lambda x: np.array([x[0], 1], dtype=float) + np.zeros(2, dtype=x.dtype),
    "lists to functions": lambda x: np.sum([x[0], x[1]]) + np.mean([x[0], 2, x[3]]) + np.dot([x[0], x[1]], [1, 2]),
    "lists to functions of several steps": lambda x: np.trapezoid([x[0], x[1]]) + np.clip([x[0], x[1]], 0.6, x[3])
    + np.average([x[0], x[1]], weights=[x[2], x[3]]) + np.full_like([x[0], x[1]], 2.5),
    "lists reshaped": lambda x: np.reshape([x[0], x[1]], (2, 1)) * np.ravel([[x[2], x[3]]]) * np.real([x[0], x[1]]),
    "joined lists": lambda x: np.concatenate([[x[0], x[1]], [1, 2], x]),
    "stacks": lambda x: np.hstack([x[0], x[1:3], 3.0]) @ np.vstack([[x[0], x[1]], [1, 2], [3, x[3]], [0, 0]]),
    "columns": lambda x: np.column_stack(([x[0], x[1]], x[2:])) @ np.block([[x[0], x[1]], [x[2], 1.0]]),
    "at least": lambda x: np.atleast_1d(x[0]) * np.atleast_2d(x) * np.atleast_1d([x[0], x[1], 1, 2]),
    "asanyarray": lambda x: np.asanyarray([x[0], 2.0]) * np.asarray([x[1], x[2]]) * np.asarray(x[0]),
    "contiguous": lambda x: np.ascontiguousarray(x[::-1]) * np.asfortranarray(x) * np.require(x, float, "C"),
    "fromiter": lambda x: np.fromiter((v * v for v in x), float) * np.fromiter((v for v in x), float, count=4),
    "r_ and c_": lambda x: np.r_[x[0], 0:2:3j, x[1:]] @ np.c_[np.r_[x, x[:3]], np.ones(7)],
    "full": lambda x: np.full((2, 2), x[0]) * np.full_like(x[:2], x[1]) * np.linspace(x[0], x[1], 2),
    "math": lambda x: np.array([math.sqrt(x[0]), math.atan2(x[0], x[1]), math.hypot(*x[:3]), math.pow(x[0], 2),
                                math.log(x[0]), math.fsum([x[0], x[1]]), math.prod([x[0], x[1]]), math.fmod(x[0], .3),
                                math.dist([x[0], x[1]], [1, 2]), math.copysign(x[0], -1), math.ldexp(x[0], 2)]),
    "more of math": lambda x: np.array([math.erf(x[0]), math.erfc(x[1]), math.log1p(x[2])]) * math.isfinite(x[0]),
    "whole numbers of math": lambda x: x * math.floor(x[2]) + math.ceil(x[2]) * x + math.trunc(x[2]) * x,
    "cmath": lambda x: np.round(0.0, 3) + (cmath.exp(x[0] * 1j + x[1])).real,
    "builtins": lambda x: sum(x) * max(x) * min(x) + abs(x) + sum([x[0], x[1]], 0.0) + round(x[0], 1),
    "max and min": lambda x: max(x[0], 0.1, x[1]) + min(x[2], 5) * max(x, key=lambda v: -v) + max((v, 1) for v in x)[0],
    "divmod": lambda x: divmod(x, 0.35)[0] * divmod(x[0], 0.35)[1] * x,
    "sorted": lambda x: np.array(sorted(x, reverse=True)) * np.array(sorted(x, key=lambda v: -v)),
    "any and all": lambda x: x * any(x > 1) * all(x > -1) * bool(x[0]),
    "reduce": lambda x: reduce(operator.mul, x) * np.array(list(itertools.accumulate(x, operator.mul))),
    "zip and map": lambda x: np.array([a * b for a, b in itertools.pairwise(x)]) * np.array(list(map(np.sin, x[1:]))),
    "generators": lambda x: sum(v * v for v in x) * x,
    "int": lambda x: x * int(x[2]) * W[int(x[3])] + sum(x[0] ** i for i in range(int(x[3]))) + x[: int(x[2])].sum(),
    "float of what is plain": lambda x: x * float(W[0]) * int(W[1]) + float(np.zeros(2)[0]),
    "item and tolist": lambda x: np.array([x[0].item() * x.item(1), x[1:2].item(), *x.tolist()]),
    "comparisons": lambda x: x[0] if 0 < x[0] < 10 and x[1] != 3 else x[1],
    "indices": lambda x: x[np.argmax(x)] * x[x.argmin()] * x[np.argsort(x)] * W[np.searchsorted(W, x[1])],
    "masks": lambda x: x[x > 1].sum() * np.where((x > 1) | (x < 0.6), x, 2 * x) * x[np.nonzero(x > 1)[0][0]],
    "text": lambda x: x * len(f"{x[0]:.2f}") + (x if str(x) else 0),
    "vectorize": lambda x: np.vectorize(lambda a, b: math.sin(a) * b if a > b else a)(x, 0.7) * power(x, n=3),
    "vectorize outside": lambda x: SQUARES(x),
    "vectorize with types": lambda x: np.vectorize(lambda a: a * 2, otypes=[float])(x),
    "vectorize, whole numbers first": lambda x: np.vectorize(lambda a: 1 if a < 1 else a)(x) * x,
    "vectorize, several outputs": lambda x: np.vectorize(lambda a, b: (a * 2, a * b))(x[:, None], x)[1],
    "vectorize over rows": lambda x: np.vectorize(lambda a: a @ a, signature="(n)->()", otypes=[float])(rows(x)),
    "vectorize to matrices": lambda x: np.vectorize(np.diag, signature="(n)->(n,n)")(rows(x)),
    "vectorize, excluded": lambda x: np.vectorize(lambda a, b: a * b.sum(), excluded=[1])(x, x),
    "vectorize over numbers": lambda x: np.vectorize(lambda a: a * x[0])(np.arange(3)) * np.vectorize(abs)(x[0]),
    "frompyfunc": lambda x: np.sum(np.frompyfunc(lambda t: t * t if t > 1 else np.sin(t), 1, 1)(x)),
    "frompyfunc of two": lambda x: np.sum(np.frompyfunc(lambda a, b: (a * b, a), 2, 2)(x, 2.0)[0]),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda r, k: r[:k] * r[0], 1, rows(x), 1),
    "poly1d": lambda x: np.poly1d([1.0, 2.0])(x) + np.poly1d(x[:3])(2.0) + np.poly1d(x).deriv()(x[0]),
    "Polynomial": lambda x: np.polynomial.Polynomial(x)(2.0) * np.polynomial.Chebyshev(x).deriv()(x * 0.1),
    "linear algebra": lambda x: la.solve(np.diag(x) + 1, W) + la.inv(np.diag(x) + 1)[0] * la.det(np.diag(x)),
    "complex": lambda x: np.abs(x + 1j * x[::-1]) + (x[0] * 1j + x).imag + (x * 1j).conj().imag,
    "ndenumerate and flat": lambda x: sum(i * v for (i,), v in np.ndenumerate(x)) * np.array(list(rows(x).flat)),
    "partials": functools.partial(lambda k, x: np.full(2, k) * x[:2], 2.0),
}  # fmt: skip


@pytest.mark.parametrize(
    "f",
    [
        from_imports,
        imports_inside,
        local_names,
        in_a_class,
        in_a_dataclass,
        unpacked,
        enumerated,
        counted,
        asked,
        into_counters,
    ],
)
def test_code(f):
    agrees(f, X)


@pytest.mark.parametrize("f", ROUTES.values(), ids=ROUTES)
def test_routes(f):
    agrees(f, X, exactly=False)


def test_lists_come_back_as_arrays():
    for f in (lambda x: [x[0] * x[1], 1.0, x[2]], lambda x: [[x[0], x[1]], [x[2], x[3]]], lambda x: [x[0]] * 3):
        y, J = jf.linearize(f, X)
        assert np.array_equal(y, np.array(f(X)))
        np.testing.assert_allclose(J.toarray(), jf.jacobian(lambda x, f=f: np.array(f(x)))(X).reshape(J.shape))


MODULE = """
import math
from numpy import zeros, sin as sine
import numpy as np
CONSTANT = np.ones(2)

def f(x):
    out = zeros(2)
    out[0] = sine(x[0]) * math.cos(x[1])
    return out + np.array([x[2], 1.0]) * CONSTANT
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "imported_late.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "imported_late"
    sys.modules.pop("imported_late", None)


def test_modules_first_imported_during_the_call(module):
    def f(x):
        return importlib.import_module(module).f(x)

    def g(x):
        import imported_late

        return imported_late.f(x)

    for function in (f, g):
        sys.modules.pop(module, None)
        J = jf.jacobian(function)(X)
        late = sys.modules[module]
        assert late.zeros is np.zeros and late.np is np and type(late.CONSTANT) is np.ndarray
        np.testing.assert_allclose(J, jf.jacobian(late.f)(X))
        agrees(function, X)
