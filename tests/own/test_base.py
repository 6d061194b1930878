"""Primitives of the user's own: rules by every builder, and the mistakes one can make."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.errors import JacobianMismatchError
from jacfwd.formats.entries import diagonal
from jacfwd.primitive import composed, constant, elementwise, jacobians, local_rule, moves, reduction, structured
from jacfwd.testing import check_rule

X = np.array([0.5, -1.25, 2.0, 3.0])
D = sp.diags_array([-np.ones(3), np.ones(3)], offsets=[0, 1], shape=(3, 4))

softplus = jf.Primitive(
    lambda x: np.log1p(np.exp(x)), elementwise(lambda out, x: 1 / (1 + np.exp(-x))), name="softplus"
)
rows, cols = np.repeat(np.arange(3), 2), np.arange(3).repeat(2) + np.tile([0, 1], 3)
products = jf.Primitive(
    lambda x: x[1:] * x[:-1],
    jacobians(lambda out, x: (rows, cols, np.stack([x[1:], x[:-1]], axis=1).reshape(-1))),
    name="products",
)
outer = jf.Primitive(
    lambda x, y: np.outer(x, y),
    jacobians(
        lambda out, x, y: np.eye(len(x))[:, None, :] * y[:, None],
        lambda out, x, y: x[:, None, None] * np.eye(len(y)),
    ),
    name="outer",
)
differences = jf.Primitive(lambda x: D @ x, jacobians(lambda out, x: D), name="differences")
scaled = jf.Primitive(
    lambda x, factor=1.0: x * factor, jacobians(lambda out, x, factor=1.0: diagonal(factor, x.shape, x.shape))
)
total = jf.Primitive(lambda x, axis=None: np.sum(x, axis), reduction().on("x"))
swapped = jf.Primitive(lambda x: x.T, moves())
level = jf.Primitive(lambda x, y: np.floor(x) + 0 * y, constant())
squares = jf.Primitive(lambda x: x * x, structured(lambda call: diagonal(2 * call.operands[0], *[call.out_shape] * 2)))
cubes = jf.Primitive(
    lambda x: x**3, local_rule(lambda call, k: diagonal(3 * call.operands[k] ** 2, *[call.out_shape] * 2))
)
tripled = jf.Primitive(lambda x: 3 * x, composed(lambda x: np.add(x, 2 * x)))

CALLS = [
    (softplus, (X,), {}),
    (softplus, (np.float64(0.5),), {}),
    (softplus, (X[::2],), {}),
    (softplus, (np.asfortranarray(X.reshape(2, 2)),), {}),
    (softplus, (X.astype(np.float32),), {}),
    (softplus, (np.zeros((0, 3)),), {}),
    (products, (X,), {}),
    (outer, (X, X[:2]), {}),
    (differences, (X,), {}),
    (scaled, (X,), {}),
    (scaled, (X,), {"factor": 2.5}),
    (total, (X.reshape(2, 2),), {}),
    (total, (X.reshape(2, 2),), {"axis": 1}),
    (swapped, (X.reshape(2, 2),), {}),
    (level, (X, X), {}),
    (squares, (X,), {}),
    (cubes, (X,), {}),
    (tripled, (X,), {}),
]


@pytest.mark.parametrize(("primitive", "args", "kwargs"), CALLS)
def test_rule(primitive, args, kwargs):
    check_rule(primitive, *args, **kwargs)


@pytest.mark.parametrize(("primitive", "args", "kwargs"), CALLS)
def test_recorded_replayed_and_differentiated_twice(primitive, args, kwargs):
    argnums = tuple(range(len(args)))

    def value(*xs):
        return np.sum(np.sin(primitive(*xs, **kwargs)))

    def plainly(*xs):
        return np.sum(np.sin(primitive.plain(*xs, **kwargs)))

    expected = jf.value_and_jacobian(value, argnums)(*args)
    assert expected[0] == plainly(*args)
    G = jf.trace(value, *args)
    np.testing.assert_array_equal(G(*args), expected[0])
    for one, other in zip(jf.jacobian(value, argnums, method="reverse")(*args), expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5 if one.dtype == np.float32 else 1e-12)
    if args[0].dtype == np.float64 and primitive is not level:
        jf.check_jacobian(jf.gradient(value), *args)


def test_structure():
    assert jf.sparsity(products, X).nnz == 6
    assert jf.sparsity(differences, X).nnz == 6
    J = jf.jacobian(lambda x: differences(softplus(x)), sparse=True)(X)
    np.testing.assert_allclose(J.toarray(), D.toarray() / (1 + np.exp(-X)))


def test_programs():
    G = jf.trace(lambda x: differences(softplus(x) ** 2), X)
    other = X[::-1] - 0.5
    np.testing.assert_allclose(
        G.jacobian(other, sparse=True).toarray(),
        jf.jacobian(lambda x: D.toarray() @ np.log1p(np.exp(x)) ** 2)(other),
        atol=1e-14,
    )
    assert "softplus" in str(G)
    assert "softplus" in G.source


def test_pickles():
    assert pickle.loads(pickle.dumps(products)) is products
    again = pickle.loads(pickle.dumps(jf.trace(lambda x: softplus(products(x)), X)))
    np.testing.assert_array_equal(again(X), softplus(products(X)))
    with pytest.raises(pickle.PicklingError, match="global name"):
        pickle.dumps(jf.trace(lambda x: jf.Primitive(np.sin, elementwise(lambda out, x: np.cos(x)))(x), X))


def test_a_wrong_rule_is_noticed():
    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(jf.Primitive(np.sin, elementwise(lambda out, x: np.sin(x))), X)


def test_lists_and_constants():
    found = jf.jacobian(lambda x: products([x[0], 2.0, x[1], 1.0]))(X[:2])
    np.testing.assert_array_equal(found, [[2, 0], [0, 2], [0, 1]])
    assert softplus([0.0, 1.0]).shape == (2,)

    def f(x):
        out = softplus(np.zeros(2))
        out[0] = x
        return out

    np.testing.assert_array_equal(jf.jacobian(f)(3.0), [1, 0])


@pytest.mark.parametrize(
    "rule",
    [
        jacobians(lambda out, x: np.ones((2, 2))),
        jacobians(lambda out, x: sp.eye_array(2)),
        jacobians(lambda out, x: ([4], [0], 1.0)),
    ],
)
def test_matrices_of_another_shape(rule):
    with pytest.raises(ValueError, match="expected|outside"):
        jf.jacobian(jf.Primitive(np.sin, rule))(X)


def test_mistakes():
    with pytest.raises(TypeError, match="takes a rule"):
        jf.Primitive(np.sin, np.cos)
    with pytest.raises(TypeError, match="takes a function"):
        jf.Primitive("sin", moves())
    with pytest.raises(TypeError, match="returned a tuple"):
        jf.jacobian(jf.Primitive(lambda x: (x, x), moves()))(X)


def test_no_derivative_where_the_rule_gives_none():
    flat = jf.Primitive(lambda x, y: x * 0 + y, jacobians(None, lambda out, x, y: np.eye(4)))
    one, other = jf.jacobian(flat, (0, 1))(X, X)
    np.testing.assert_array_equal(one, np.zeros((4, 4)))
    np.testing.assert_array_equal(other, np.eye(4))
