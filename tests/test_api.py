"""The public functions, convention by convention."""

import asyncio
import functools
import inspect
import pickle
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, root

import jacfwd as jf

METHODS = ("auto", "forward", "accumulate", "reverse")
X = np.array([1.0, 2.0, 3.0])
Pair = namedtuple("Pair", "first second")


@dataclass
class State:
    u: object
    v: object


def product(x, y, z=2.0, *, k=1.0):
    """The product of everything."""
    return x * y * z * k


def cubes(x):
    return np.sum(x**3)


class Model:
    """A method to differentiate, and derivatives as methods."""

    def __init__(self, c):
        self.c = c

    def value(self, x):
        return self.c * x * x

    slope = jf.jacobian(value, argnums=1)

    @jf.gradient
    def of_itself(x):
        return x.c

    def __call__(self, x):
        return self.c * x


# 1. Which arguments


def test_one_argument_or_a_tuple_of_them():
    J = jf.jacobian(product)
    assert J(3.0, 5.0) == 10.0
    assert jf.jacobian(product, 1)(3.0, 5.0) == 6.0
    assert jf.jacobian(product, argnums=-1)(3.0, 5.0, 7.0) == 15.0
    assert jf.jacobian(product, argnums=(1,))(3.0, 5.0) == (6.0,)
    assert jf.jacobian(product, argnums=(1, 0))(3.0, 5.0) == (6.0, 10.0)
    assert jf.jacobian(product, argnums=(-1, 0))(3.0, 5.0) == (6.0, 10.0)
    assert jf.gradient(product, (0, 1))(3.0, 5.0) == (10.0, 6.0)
    assert jf.value_and_gradient(product, 1)(3.0, 5.0) == (30.0, 6.0)
    assert jf.jacfwd(product, (0, 1))(3.0, 5.0) == (10.0, 6.0)
    assert jf.hessian(product, (0, 1))(3.0, 5.0) == ((0.0, 2.0), (2.0, 0.0))


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), (), 2, -3, (0, 7)])
@pytest.mark.parametrize("make", [jf.jacobian, jf.jacfwd, jf.gradient, jf.hessian, jf.value_and_jacobian])
def test_argnums_that_cannot_be(make, argnums):
    with pytest.raises(ValueError, match="argnums"):
        make(lambda x, y: x * y, argnums)(3.0, 5.0)


def test_keyword_arguments_by_name():
    assert jf.jacobian(product, argnames="k")(3.0, 5.0, k=7.0) == 30.0
    assert jf.jacobian(product, argnames=("k",))(3.0, 5.0, k=7.0) == (30.0,)
    assert jf.jacobian(product, argnums=0, argnames="k")(3.0, 5.0, k=7.0) == (70.0, 30.0)
    assert jf.value_and_jacobian(product, argnames="k")(3.0, 5.0, k=7.0) == (210.0, 30.0)
    with pytest.raises(ValueError, match="without a keyword argument of this name"):
        jf.jacobian(product, argnames="k")(3.0, 5.0)


def test_the_default_is_every_float_where_a_point_is_given():
    def f(x, n, z):
        return x * n * z

    _y, J = jf.linearize(f, 2.0, 3, 5.0)
    assert J.shape == (1, 2) and J(1.0, 0.0) == 15.0
    assert jf.linearize(f, 2.0, 3, 5.0, argnums=2)[1].shape == (1, 1)
    assert jf.sparsity(f, 2.0, 3, 5.0).shape == (1, 2)
    assert jf.sparsity(f, 2.0, 3, 5.0, argnums=0).shape == (1, 1)
    assert jf.trace(f, 2.0, 3, 5.0).jacobian(2.0, 3, 5.0) == (15.0, 6.0)
    jf.check_jacobian(f, 2.0, 3, 5.0)


def test_what_is_not_selected_is_passed_as_it_is():
    seen = []

    def f(x, *rest, **options):
        seen.append((rest, options))
        return x * 2

    marker = object()
    jf.jacobian(f)(X, marker, "text", option=marker)
    ((rest, options),) = seen
    assert rest == (marker, "text") and options == {"option": marker}


# 2. jvp


def test_a_tuple_of_primals_is_the_argument_list():
    assert jf.jvp(lambda x, y: x * y, (3.0, 5.0), (1.0, 1.0)) == (15.0, 8.0)
    assert jf.jvp(lambda x, y: x * y, (3.0, 5.0), (1.0, None)) == (15.0, 5.0)
    assert jf.jvp(lambda x, y: x * y, (3.0, 5.0), (None, None)) == (15.0, 0.0)
    assert jf.jvp(lambda x: x * x, 3.0, 1) == (9.0, 6.0)
    _y, dy = jf.jvp(lambda x: x * x, [1.0, 2.0], [1.0, 0.0])
    np.testing.assert_array_equal(dy, [2, 0])


def test_tangents_fit_their_primals():
    _, dy = jf.jvp(lambda x: x * 2, X.astype(np.float32), X)
    assert dy.dtype == np.float32
    with pytest.raises(ValueError, match=r"expected shape \(3,\), got shape \(2,\)"):
        jf.jvp(np.sin, X, X[:2])
    with pytest.raises(ValueError, match="expected 2 tangents"):
        jf.jvp(product, (1.0, 2.0), (1.0,))
    with pytest.raises(jf.NotDifferentiableError, match="3 is an integer; write 3.0"):
        jf.jvp(lambda x, k: x * k, (X, 3), (X, 1.0))
    with pytest.raises(jf.NotDifferentiableError, match="boolean"):
        jf.jvp(lambda x, k: x * k, (X, True), (X, 1.0))
    with pytest.raises(jf.NotDifferentiableError):
        jf.jvp(lambda x, k: x, (X, object()), (X, 1.0))
    with pytest.raises(TypeError, match="pass a real tangent"):
        jf.jvp(np.sin, X, X * 1j)


def test_a_sweep_is_one_run():
    runs = []

    def f(x):
        runs.append(1)
        return np.sin(x)

    jf.jvp(f, X, X)
    assert len(runs) == 1
    jf.jacobian(f)(X)
    assert len(runs) == 2


def test_second_order_sweeps():
    y, Hv = jf.hvp(cubes, X, np.array([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(Hv, [6.0, 0.0, 36.0])
    assert y == 36.0 and type(y) is np.float64
    y, (Hx, Hy) = jf.hvp(lambda x, y: cubes(x) * y, (X, 2.0), (X, None))
    np.testing.assert_array_equal(Hx, 12 * X * X)
    assert Hy == np.sum(3 * X**3)
    y, (Hx,) = jf.hvp(lambda x, k: np.sum(x**k), (X, 3), (X, None))
    np.testing.assert_allclose(Hx, 6 * X * X)
    _, found = jf.hvp(lambda s: np.sum(s.u * s.v**2), State(2.0, X), State(0.0, X))
    assert type(found) is State
    np.testing.assert_array_equal(found.v, 4 * X)
    with pytest.raises(ValueError, match="needs an output of size 1, got shapes .3,.; use jacobian"):
        jf.hvp(np.sin, X, X)
    with pytest.raises(ValueError, match="the tangents do not fit"):
        jf.hvp(cubes, X, X[:2])
    with pytest.raises(jf.NotDifferentiableError):
        jf.hvp(lambda x, k: np.sum(x**k), (X, 3), (X, 1.0))


# 4. Scalars and shapes


def test_shape_nothing_is_a_numpy_scalar():
    found = [
        *jf.jvp(np.sin, 1.0, 1.0),
        jf.linearize(np.sin, 1.0)[0],
        jf.linearize(np.sin, 1.0)[1](1.0),
        jf.gradient(np.sin)(1.0),
        jf.hessian(np.sin)(1.0),
        jf.jacobian(np.sin)(np.array(1.0)),
        *jf.value_and_gradient(np.sin)(1.0),
        jf.trace(np.sin, 1.0)(1.0),
        *jf.hvp(np.sin, 1.0, 1.0),
        *(jf.jacobian(np.sin, method=method)(1.0) for method in METHODS),
    ]
    assert {type(value) for value in found} == {np.float64}


def test_shape_one_stays_shape_one():
    assert jf.jacobian(np.sin)(np.ones(1)).shape == (1, 1)
    assert jf.jacobian(lambda x: x[0])(np.ones(1)).shape == (1,)
    assert jf.gradient(np.sin)(np.ones(1)).shape == (1,)
    assert jf.hessian(np.sin)(np.ones(1)).shape == (1, 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("out", [(), (1,), (2, 2), (0,)])
def test_shapes_are_those_of_output_and_input(method, shape, out):
    def f(x):
        return np.sum(x) * np.ones(out)

    x = np.ones(shape)
    assert np.shape(jf.jacobian(f, method=method)(x)) == out + shape
    matrix = jf.jacobian(f, method=method, sparse=True)(x)
    m, n = int(np.prod(out)), int(np.prod(shape))
    assert matrix.shape == (m, n) and matrix.nnz == m * n
    assert jf.jacobian(f, method=method, flat=True)(x).shape == (m, n)


def test_gradient_and_hessian_take_outputs_of_size_one():
    np.testing.assert_array_equal(jf.gradient(lambda x: np.sum(x**2, keepdims=True))(X), 2 * X)
    np.testing.assert_array_equal(jf.gradient(lambda x: {"loss": np.sum(x**2)})(X), 2 * X)
    for make in (jf.gradient, functools.partial(jf.hessian, sparse=True), jf.value_and_gradient):
        for f in (np.sin, lambda x: (x[0], x[1]), lambda x: x[:0], lambda x: ()):
            with pytest.raises(ValueError, match="use jacobian"):
                make(f)(X)


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_hessians_of_several_outputs(method, record):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.25])
    hessian = jf.hessian(lambda x: (x**3)[1:], method=method, record=record)
    expected = np.zeros((2, 3, 3))
    expected[[0, 1], [1, 2], [1, 2]] = 12, 18
    for _ in range(2):
        np.testing.assert_allclose(hessian(x), expected)
    nested = jf.hessian(lambda x, y: {"s": np.sum(x) * y, "t": x[0] ** 2}, (0, 1), method=method, record=record)(x, y)
    np.testing.assert_allclose(nested["s"][0][1], np.broadcast_to(np.eye(2)[:, None, :], (2, 3, 2)))
    np.testing.assert_allclose(nested["s"][1][0], np.broadcast_to(np.eye(2)[:, :, None], (2, 2, 3)))
    assert not nested["s"][0][0].any() and nested["t"][0][0][0, 0] == 2 and nested["t"][1][1].shape == (2, 2)
    assert jf.hessian(lambda x: x[:0], method=method, record=record)(x).shape == (0, 3, 3)


@pytest.mark.parametrize("method", METHODS)
def test_hessians(method):
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(jf.hessian(lambda x: x[0] ** 2 * x[1], method=method)(x), [[4, 2], [2, 0]])
    sparse = jf.hessian(cubes, sparse=True, method=method)(x)
    assert sparse.format == "csr" and sparse.nnz == 2
    np.testing.assert_array_equal(sparse.toarray(), np.diag(6 * x))
    (a, b), (c, d) = jf.hessian(lambda x, y: cubes(x) * y, (0, 1), method=method)(x, 2.0)
    np.testing.assert_allclose(a, np.diag(12 * x))
    np.testing.assert_allclose(b, 3 * x * x)
    np.testing.assert_allclose(c, 3 * x * x)
    assert d == 0.0


# 4. Sparse results


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr"])  # as SciPy names it
def test_formats(method, format):
    J = jf.jacobian(lambda x: x[1:] * x[:-1], sparse=True, format=format, method=method)(X)
    assert J.format == format and isinstance(J, sp.sparray)
    assert J.has_canonical_format
    np.testing.assert_array_equal(J.toarray(), [[2, 1, 0], [0, 3, 2]])


def test_choices_are_checked_when_they_are_made():
    with pytest.raises(ValueError, match="method must be one of .*, got 'fast'"):
        jf.jacobian(np.sin, method="fast")
    with pytest.raises(ValueError, match="format must be one of .*, got 'lil'"):
        jf.jacobian(np.sin, format="lil")
    with pytest.raises(TypeError, match="expects a function, got an object of class int"):
        jf.jacobian(3)
    with pytest.raises(TypeError):
        jf.jacobian(np.sin, unknown=1)


def test_the_pattern_of_one_branch_does_not_change():
    def f(x):
        return x * x + np.where(x > 0.5, x, 0.0)[::-1]

    J = jf.jacobian(f, sparse=True)
    zero, one = J(np.zeros(4)), J(np.ones(4))
    np.testing.assert_array_equal(zero.indices, one.indices)
    np.testing.assert_array_equal(zero.indptr, one.indptr)
    assert zero.nnz == 8 and zero.indices.dtype == np.int32 and zero.indptr.dtype == np.int32


def test_matrices_belong_to_the_caller():
    J = jf.jacobian(lambda x: x * x, sparse=True)
    first = J(X)
    first.data[:] = 0
    np.testing.assert_array_equal(J(X).diagonal(), 2 * X)


def test_sparse_inside_another_recording():
    def f(x):
        return jf.jacobian(lambda y: y * y, sparse=True)(x) @ x

    for call in (lambda: jf.jvp(f, X, X), lambda: jf.jacobian(f)(X), lambda: jf.trace(f, X)):
        with pytest.raises(TypeError, match="a sparse Jacobian cannot be traced by an outer derivative"):
            call()


# 5. Values and outputs


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("f", [lambda x: x > 1, np.argsort, lambda x: 3, lambda x: np.ones(2), lambda x: True])
def test_outputs_that_do_not_depend_have_derivative_zero(f, method):
    J = jf.jacobian(f, method=method)(X)
    assert J.shape == np.shape(f(X)) + (3,) and J.dtype == np.float64 and not J.any()
    assert jf.jacobian(f, method=method, sparse=True)(X).nnz == 0
    y, dy = jf.jvp(f, X, X)
    assert np.asarray(y).dtype == dy.dtype and not np.any(dy)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (None, "out is None"),
        ("text", "out is the string 'text'"),
        ((1.0, None), r"out\[1\] is None"),
        ({"a": "text"}, r"out\['a'\] is the string"),
        (object(), "out is an object of class object"),
        ({1, 2}, "out is an object of class set"),
    ],
)
def test_outputs_without_derivatives_belong_into_aux(out, message):
    def f(x):
        return out

    for call in (
        jf.jacobian(f),
        jf.jacfwd(f),
        jf.gradient(f),
        jf.hessian(f),
        lambda x: jf.jvp(f, x, x),
        lambda x: jf.hvp(f, x, x),
        lambda x: jf.linearize(f, x),
        lambda x: jf.trace(f, x),
        lambda x: jf.sparsity(f, x),
        lambda x: jf.check_jacobian(f, x),
    ):
        with pytest.raises(TypeError, match=message + ".*aux"):
            call(X)


# 6. has_aux


def test_aux_beside_every_result():
    def f(x):
        return np.sum(x**2), {"x": x, "text": "hi"}

    J, aux = jf.jacobian(f, has_aux=True)(X)
    np.testing.assert_array_equal(J, 2 * X)
    np.testing.assert_array_equal(aux["x"], X)
    assert type(aux["x"]) is np.ndarray and aux["text"] == "hi"
    (y, aux), J = jf.value_and_jacobian(f, has_aux=True)(X)
    assert y == 14.0 and aux["text"] == "hi" and J.shape == (3,)
    (y, aux), g = jf.value_and_gradient(f, has_aux=True)(X)
    assert y == 14.0 and aux["text"] == "hi" and g.shape == (3,)
    g, aux = jf.gradient(f, has_aux=True)(X)
    assert g.shape == (3,) and aux["text"] == "hi"
    J, aux = jf.jacfwd(f, has_aux=True)(X)
    assert J.shape == (3,) and aux["text"] == "hi"
    y, dy, aux = jf.jvp(f, X, X, has_aux=True)
    assert (y, dy) == (14.0, 28.0) and aux["text"] == "hi"
    y, L, aux = jf.linearize(f, X, has_aux=True)
    assert y == 14.0 and L(X) == 28.0 and aux["text"] == "hi"


# 7. dtypes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes_are_followed(dtype, method):
    x = X.astype(dtype)
    stored = np.float32 if dtype is np.float16 else dtype
    y, J = jf.value_and_jacobian(lambda x: x * x, method=method)(x)
    assert y.dtype == J.dtype == dtype
    assert jf.jacobian(lambda x: x * x, method=method, sparse=True)(x).dtype == stored
    assert jf.gradient(cubes, method=method)(x).dtype == jf.hessian(cubes, method=method)(x).dtype == dtype
    wide = jf.jacobian(lambda x: x * np.arange(3.0), method=method)(x)
    assert wide.dtype == np.result_type(dtype, np.float64)
    y, dy = jf.jvp(lambda x: x * np.arange(3.0), x, x)
    assert y.dtype == dy.dtype == np.result_type(dtype, np.float64)
    y, dy = jf.jvp(lambda x: x.astype(np.float32), x, x)
    assert y.dtype == dy.dtype == np.float32


def test_each_pair_has_a_dtype_of_its_own():
    def f(a, b):
        return a * 2, b * 1j

    for sparse in (False, True):
        (aa, ab), (ba, bb) = jf.jacobian(f, (0, 1), sparse=sparse)(np.ones(2, np.float32), np.ones(2))
        assert [part.dtype for part in (aa, ab, ba, bb)] == [np.float32, np.float64, np.complex128, np.complex128]


@pytest.mark.parametrize("method", METHODS)
def test_complex_outputs_of_real_inputs(method):
    def f(x):
        return np.exp(1j * x)

    np.testing.assert_allclose(jf.jacobian(f, method=method)(X), np.diag(1j * np.exp(1j * X)))
    np.testing.assert_allclose(jf.jacobian(f, method=method, sparse=True)(X).diagonal(), 1j * np.exp(1j * X))
    np.testing.assert_allclose(jf.gradient(lambda x: np.sum(f(x)), method=method)(X), 1j * np.exp(1j * X))


@pytest.mark.parametrize("method", METHODS)
def test_complex_inputs(method):
    z = np.array([1 + 2j, 3 - 1j])
    J = jf.jacobian(lambda z: z * np.sum(z), holomorphic=True, method=method)(z)
    np.testing.assert_allclose(J, np.diag([np.sum(z)] * 2) + z[:, None])
    (_value, J) = jf.value_and_jacobian(lambda z: z**2, holomorphic=True, method=method)(z)
    np.testing.assert_allclose(J, np.diag(2 * z))
    with pytest.raises(jf.NotDifferentiableError, match="not complex differentiable"):
        jf.jacobian(np.abs, holomorphic=True, method=method)(z)
    with pytest.raises(jf.NotDifferentiableError, match="complex inputs need holomorphic=True"):
        jf.jacobian(lambda z: z**2, method=method)(z)
    with pytest.raises(jf.NotDifferentiableError, match="complex inputs need holomorphic=True"):
        jf.gradient(lambda z: np.sum(z**2), method=method)(z)
    nested = jf.jacobian(
        jf.jacobian(lambda z: np.conj(z), holomorphic=True, method=method), holomorphic=True, method=method
    )
    with pytest.raises(jf.NotDifferentiableError, match="not complex differentiable"):
        nested(z)
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(jf.jacobian(lambda x: x**2, holomorphic=True, method=method)(x), np.diag(2 * x))


def test_complex_points_where_every_float_or_complex_argument_is_meant():
    z, v = np.array([1 + 2j, 3 - 1j]), np.array([1j, 1 - 1j])
    y, dy = jf.jvp(np.abs, z, v)
    np.testing.assert_allclose(dy, np.real(np.conj(z) * v) / np.abs(z))
    assert dy.dtype == y.dtype == np.float64
    np.testing.assert_allclose(jf.linearize(np.abs, z)[1](v), dy)
    np.testing.assert_allclose(jf.trace(np.abs, z).jvp(z, v)[1], dy)
    assert jf.sparsity(np.abs, z).nnz == 2
    jf.check_jacobian(lambda z: z**3, z)


@pytest.mark.parametrize(
    ("value", "message"),
    [(3, "3 is an integer; write 3.0"), (np.arange(3), "array of integers"), (True, "boolean"), ([1, 2], "integers")],
)
def test_arguments_without_derivatives(value, message):
    for call in (jf.jacobian(lambda x: x), jf.gradient(lambda x: x), jf.jacfwd(lambda x: x), jf.hessian(lambda x: x)):
        with pytest.raises(jf.NotDifferentiableError, match=message):
            call(value)
    with pytest.raises(TypeError):
        jf.linearize(lambda x: x, value)


# 8. and 9. Order and structure


def structured(a, p):
    return {"s": np.sin(a) * np.sum(p["w"]), "t": Pair(np.sum(a), p["b"] * 2)}


POINT = X, {"w": np.ones((2, 2)), "b": 4.0}


@pytest.mark.parametrize("method", METHODS)
def test_results_are_nested_by_output_and_input(method):
    J = jf.jacobian(structured, (0, 1), method=method)(*POINT)
    assert list(J) == ["s", "t"] and type(J["t"]) is Pair
    assert type(J["s"]) is tuple and J["s"][1].keys() == {"w", "b"}
    assert J["s"][0].shape == (3, 3) and J["s"][1]["w"].shape == (3, 2, 2) and J["s"][1]["b"].shape == (3,)
    assert type(J["t"].second[1]["b"]) is np.float64 and J["t"].second[1]["b"] == 2.0
    flat = jf.jacobian(structured, (0, 1), method=method, flat=True)(*POINT)
    _, L = jf.linearize(structured, *POINT)
    np.testing.assert_allclose(flat, L.toarray())
    parts = [
        [J["s"][0], J["s"][1]["b"], J["s"][1]["w"]],
        [J["t"].first[0], J["t"].first[1]["b"], J["t"].first[1]["w"]],
        [J["t"].second[0], J["t"].second[1]["b"], J["t"].second[1]["w"]],
    ]
    rows = [np.hstack([np.reshape(part, (m, -1)) for part in row]) for m, row in zip((3, 1, 1), parts, strict=True)]
    np.testing.assert_array_equal(np.vstack(rows), flat)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr"])
def test_sparse_results_are_nested_alike(method, format):
    J = jf.jacobian(structured, (0, 1), method=method, sparse=True, format=format)(*POINT)
    dense = jf.jacobian(structured, (0, 1))(*POINT)
    for out, shape in (("s", (3, 4)), ("t", None)):
        if out == "t":
            part, expected = J["t"].second[1]["b"], dense["t"].second[1]["b"]
            assert part.shape == (1, 1) and part.toarray() == expected
        else:
            part, expected = J["s"][1]["w"], dense["s"][1]["w"]
            np.testing.assert_array_equal(part.toarray(), expected.reshape(shape))
        assert part.format == format
    flat = jf.jacobian(structured, (0, 1), method=method, sparse=True, format=format, flat=True)(*POINT)
    assert flat.shape == (5, 8) and flat.format == format
    assert jf.sparsity(structured, *POINT).shape == (5, 8)
    assert jf.jacobian(lambda x: (x,), sparse=True)(X)[0].shape == (3, 3)
    assert jf.jacobian(lambda x: x, (0,), sparse=True)(X)[0].shape == (3, 3)


def test_dataclasses_and_lists():
    def f(s):
        return State(s.u * s.v, [s.u, s.v[0]])

    J = jf.jacobian(f)(State(2.0, X))
    assert type(J) is State and type(J.u) is State
    np.testing.assert_array_equal(J.u.v, 2 * np.eye(3))
    np.testing.assert_array_equal(J.v.u, [1, 0])
    assert type(jf.gradient(lambda s: np.sum(s.u * s.v))(State(2.0, X))) is State
    J = jf.jacobian(lambda x: [x[0] * x[1], x[0]])([1.0, 2.0])
    np.testing.assert_array_equal(J, [[2, 1], [1, 0]])
    with pytest.raises(TypeError, match="use a tuple"):
        jf.jacobian(lambda x: [x, x[:1]])(X)
    with pytest.raises(TypeError, match="use a tuple"):
        jf.jacobian(lambda x: x[0])([X, 1.0])


# 10. Callables


def test_callables_of_every_kind():
    assert jf.jacobian(lambda x: x * x)(3.0) == 6.0
    assert jf.jacobian(Model(2.0).value)(3.0) == 12.0
    assert jf.jacobian(Model(2.0))(3.0) == 2.0
    assert jf.jacobian(functools.partial(product, z=7.0), 1)(3.0, 5.0) == 21.0
    assert jf.jacobian(functools.partial(Model.value, Model(2.0)))(3.0) == 12.0
    assert jf.jacobian(np.multiply, (0, 1))(3.0, 5.0) == (5.0, 3.0)
    assert jf.jacobian(abs)(-3.0) == -1.0
    assert jf.jacobian(jf.gradient(cubes))(X).shape == (3, 3)


def test_derivatives_as_methods():
    assert Model(2.0).slope(3.0) == 12.0
    assert Model.slope(Model(2.0), 3.0) == 12.0


def test_a_derivative_looks_like_its_function():
    for make in (jf.jacobian, jf.jacfwd, jf.gradient, jf.hessian, jf.value_and_jacobian, jf.value_and_gradient):
        D = make(product)
        assert D.__name__ == "product" and D.__doc__ == "The product of everything."
        assert inspect.signature(D) == inspect.signature(product)
        assert D.__module__ == product.__module__
    assert repr(jf.jacobian(product)) == "jacfwd.jacobian(product)"
    assert repr(jf.jacobian(product, sparse=True)) == "jacfwd.jacobian(product, sparse=True)"
    assert repr(jf.hessian(product)) == "jacfwd.hessian(product)"
    assert repr(jf.gradient(product, 1)) == "jacfwd.gradient(product, argnums=1)"


@pytest.mark.parametrize("make", [jf.jacobian, jf.jacfwd, jf.gradient, jf.hessian, jf.value_and_gradient])
def test_derivatives_pickle(make):
    D = make(product, argnums=1)
    assert pickle.loads(pickle.dumps(D))(3.0, 5.0) == D(3.0, 5.0)
    assert repr(pickle.loads(pickle.dumps(D))) == repr(D)


def test_several_threads():
    def work(k):
        x = np.arange(1.0, 6.0) * k
        J = jf.jacobian(lambda x: np.sin(x) * np.sum(x))(x)
        H = jf.hessian(cubes)(x)
        _, dy = jf.jvp(lambda x: x**2, x, x)
        np.testing.assert_allclose(J, np.diag(np.cos(x) * np.sum(x)) + np.sin(x)[:, None])
        np.testing.assert_allclose(H, np.diag(6 * x))
        np.testing.assert_allclose(dy, 2 * x**2)
        return True

    with ThreadPoolExecutor(6) as executor:
        assert all(executor.map(work, np.linspace(0.1, 2, 40)))


def test_one_derivative_in_several_threads():
    J = jf.jacobian(lambda x: np.sin(x) * np.sum(x), sparse=True)
    _, L = jf.linearize(lambda x: np.sin(x) * np.sum(x), X)
    G = jf.trace(lambda x: np.sin(x) * np.sum(x), X)
    with ThreadPoolExecutor(6) as executor:
        found = list(executor.map(lambda _: (J(X).toarray(), L.toarray(), G.jacobian(X)), range(30)))
    assert all(np.array_equal(a, found[0][0]) for triple in found for a in triple)


def test_tasks_that_take_turns():
    async def work(k):
        await asyncio.sleep(0)
        J = jf.jacobian(lambda x: x**2 * k)(X)
        await asyncio.sleep(0)
        return J

    async def all_of_them():
        return await asyncio.gather(*map(work, range(5)))

    for k, J in enumerate(asyncio.run(all_of_them())):
        np.testing.assert_array_equal(J, np.diag(2 * X * k))


def test_the_same_bits_each_time():
    def f(x):
        return np.exp(np.sin(x)) * np.sum(x) / np.linalg.norm(x)

    for method in METHODS:
        J = jf.jacobian(f, method=method)
        assert all(np.array_equal(J(X), J(X)) for _ in range(5))


def test_derivatives_go_where_scipy_wants_them():
    def residuals(x):
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    for sparse in (False, True):
        options = {"tr_solver": "lsmr"} if sparse else {}
        fit = least_squares(residuals, [-1.0, 2.0], jac=jf.jacobian(residuals, sparse=sparse), **options)
        np.testing.assert_allclose(fit.x, [1, 1], atol=1e-6)
    np.testing.assert_allclose(root(residuals, [-1.0, 2.0], jac=jf.jacobian(residuals)).x, [1, 1])

    def decay(t, y, k):
        return -k * y**2

    exact = jf.jacobian(decay, argnums=1, sparse=True)
    found = solve_ivp(decay, (0, 1), X, method="BDF", jac=exact, args=(2.0,), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.y[:, -1], X / (1 + 2 * X), rtol=1e-6)


# Nested derivatives


def test_no_perturbation_confusion():
    assert jf.gradient(lambda x: x * jf.gradient(lambda y: x + y)(1.0))(2.0) == 1.0
    assert jf.gradient(lambda x: x * jf.jvp(lambda y: x * y, 1.0, 1.0)[1])(3.0) == 6.0
    inner = jf.jacobian(lambda x: jf.jacobian(lambda y: y * x * x)(x))
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 2 * X
    np.testing.assert_allclose(inner(X), expected)


# sparsity, check_jacobian, name


def test_sparsity_is_structure():
    S = jf.sparsity(lambda x: x[1:] * x[:-1] * 0.0, X)
    np.testing.assert_array_equal(S.toarray(), [[True, True, False], [False, True, True]])
    assert jf.sparsity(lambda x: 1.0, X).nnz == 0
    assert jf.sparsity(lambda x: x, np.ones(0)).shape == (0, 0)


class Wrong:
    """A function whose plain values are another function's."""

    def __init__(self, wrong):
        self.wrong, self.calls = wrong, 0

    def __call__(self, x):
        self.calls += 1
        return np.sin(x) if self.calls == 1 else self.wrong(x)


def test_right_jacobians_pass_the_check():
    jf.check_jacobian(np.sin, X)
    jf.check_jacobian(np.sin, X.astype(np.float32), rtol=1e-3)
    jf.check_jacobian(structured, *POINT)
    jf.check_jacobian(lambda x: np.exp(1j * x), X)
    jf.check_jacobian(lambda x: x, np.ones(0))
    jf.check_jacobian(lambda x, *, k: x * k, X, k=3)
    jf.check_jacobian(lambda x, y: x * y, X, X, argnums=1)
    jf.check_jacobian(lambda x, z: np.exp(x) * z, X, X + 1j)


def test_wrong_jacobians_do_not():
    with pytest.raises(jf.JacobianMismatchError) as caught:
        jf.check_jacobian(Wrong(np.cos), X)
    head, *worst = str(caught.value).splitlines()
    assert head == "3 of 9 entries of the Jacobian disagree; the worst:"
    assert len(worst) == 3 and worst[0].startswith("  d out[0] / d in[0]: 0.5403023059, differences give -0.84147098")
    with pytest.raises(AssertionError, match="9 of 9 entries"):
        jf.check_jacobian(Wrong(lambda x: np.sin(x) + 2 * np.sum(x)), X)
    with pytest.raises(jf.JacobianMismatchError, match="differences give nan"):
        jf.check_jacobian(Wrong(lambda x: x * np.nan), X)


def test_names():
    assert list(jf.trace(lambda x: jf.name("u", x * 2) * 2, 1.0).nodes) == ["x", "u", "t1"]
    assert list(jf.trace(lambda x: jf.name("u", x) * 2, 1.0).nodes) == ["x", "t1"]
    assert jf.jvp(lambda x: jf.name("u", x * 2), 3.0, 1.0) == (6.0, 2.0)
    assert jf.name("u", X) is X
    assert jf.jacobian(lambda x: jf.name("c", np.zeros(3)) + jf.name("n", np.argsort(x)) + x)(X).shape == (3, 3)
    with pytest.raises(TypeError, match="the label must be a string, got int"):
        jf.name(3, X)
