"""Tangent functions of the user's own, as in JAX: every reading of them, against the formulas written out."""

import copy
import dataclasses
import functools
import pickle

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import JacobianMismatchError, NotDifferentiableError, UnsupportedFunctionError
from jacfwd.testing import check_rule

X = np.array([-1.0, 0.0, 0.5, 2.0])


@jf.custom_jvp
def log1pexp(x):
    """Softplus."""
    return np.log1p(np.exp(x))


@log1pexp.defjvp
def _log1pexp_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return log1pexp(x), t / (1 + np.exp(-x))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@jf.custom_jvp
def stencil(x, k):
    """`x[i+1] - k x[i]` in a buffer, the rule too."""
    out = np.zeros(len(x))
    out[:-1] = x[1:]
    return out - k * x


@stencil.defjvp
def _stencil_jvp(primals, tangents):
    (x, k), (dx, dk) = primals, tangents
    dout = np.zeros(len(x))
    dout[:-1] = dx[1:]
    return stencil(x, k), dout - k * dx - dk * x


def plain_stencil(x, k):
    out = np.zeros(len(x))
    out[:-1] = x[1:]
    return out - k * x


@pytest.mark.parametrize("method", ["forward", "accumulate", "reverse", "auto"])
def test_every_method_agrees_with_the_formula(method):
    J = jf.jacobian(lambda x: log1pexp(2 * x) ** 2, method=method)(X)
    np.testing.assert_allclose(J, np.diag(4 * log1pexp(2 * X) * sigmoid(2 * X)), rtol=1e-14)
    for argnums in (0, 1):
        found = jf.jacobian(stencil, argnums, method=method)(X, 3.0)
        np.testing.assert_allclose(found, jf.jacobian(plain_stencil, argnums)(X, 3.0), rtol=1e-14)


def test_plain_calls_are_the_function_itself():
    assert type(log1pexp(0.5)) is np.float64
    assert log1pexp.__name__ == "log1pexp"
    assert log1pexp.__doc__ == "Softplus."
    np.testing.assert_array_equal(log1pexp(X), np.log1p(np.exp(X)))


def test_structure_is_that_of_the_tangent_function():
    S = jf.sparsity(lambda x: stencil(x, 2.0), X)
    np.testing.assert_array_equal(S.tocsr().toarray(), np.eye(4) + np.eye(4, k=1))
    J = jf.jacobian(stencil, sparse=True)(X, 2.0)
    np.testing.assert_array_equal(J.toarray(), np.eye(4, k=1) - 2 * np.eye(4))
    _, L = jf.linearize(stencil, X, 2.0)
    np.testing.assert_allclose(L.T @ np.ones(4), L.toarray().T @ np.ones(4))
    np.testing.assert_allclose(functools.reduce(lambda a, b: b @ a, L.layers).toarray(), L.toarray())


def test_second_and_third_order():
    s = sigmoid(X)
    hessian = jf.hessian(lambda x: log1pexp(x).sum())(X)
    np.testing.assert_allclose(hessian, np.diag(s * (1 - s)), rtol=1e-14)
    third = jf.jacobian(jf.hessian(lambda x: log1pexp(x)))(0.7)
    s = sigmoid(0.7)
    np.testing.assert_allclose(third, s * (1 - s) * (1 - 2 * s), rtol=1e-12)
    _, Hv = jf.hvp(lambda x: log1pexp(x).sum(), X, np.ones(4))
    np.testing.assert_allclose(Hv, np.diag(hessian), rtol=1e-14)


def test_replay_and_programs():
    G = jf.trace(lambda x, k: np.sin(stencil(log1pexp(x), k)), X, 2.0)
    other = X[::-1] + 0.25
    reference = jf.linearize(lambda x, k: np.sin(plain_stencil(np.log1p(np.exp(x)), k)), other, 1.5)
    np.testing.assert_allclose(G(other, 1.5), reference[0], rtol=1e-14)
    expected = reference[1].toarray()
    np.testing.assert_allclose(G.linearize(other, 1.5)[1].toarray(), expected, rtol=1e-13)
    H = jf.trace(lambda x: log1pexp(stencil(x, 2.0)), X)
    for _ in range(2):
        J = H.jacobian(other, sparse=True)
        np.testing.assert_allclose(
            J.toarray(), jf.jacobian(lambda x: np.log1p(np.exp(plain_stencil(x, 2.0))))(other), rtol=1e-13
        )
    g = jf.trace(lambda x: log1pexp(stencil(x, 2.0)).sum(), X)
    np.testing.assert_allclose(g.gradient(other), J.sum(axis=0), rtol=1e-13)
    np.testing.assert_allclose(
        g.hessian(other), jf.hessian(lambda x: np.log1p(np.exp(plain_stencil(x, 2.0))).sum())(other), atol=1e-13
    )


def test_graphs_pickle_by_reference():
    G = jf.trace(lambda x: log1pexp(x) * 2, X)
    again = pickle.loads(pickle.dumps(G))
    np.testing.assert_array_equal(again(X + 1), 2 * log1pexp(X + 1))
    np.testing.assert_array_equal(again.jacobian(X), G.jacobian(X))
    assert pickle.loads(pickle.dumps(log1pexp)) is log1pexp
    assert copy.deepcopy(log1pexp) is log1pexp
    assert copy.copy(log1pexp) is log1pexp
    with pytest.raises(pickle.PicklingError, match="assign it to a global name"):
        pickle.dumps(jf.custom_jvp(np.sin))


@dataclasses.dataclass
class Point:
    x: np.ndarray
    n: int


def made(p, more):
    return {"sum": p.x * more["a"], "n": p.n * 2, "pair": (p.x.sum(), more["a"][0])}


structured = jf.custom_jvp(made)


@structured.defjvp
def _structured_jvp(primals, tangents):
    (p, more), (dp, dmore) = primals, tangents
    out = structured(p, more)
    sums = dp.x * more["a"] + p.x * dmore["a"]
    return out, {"sum": sums, "n": 0.0, "pair": (dp.x.sum(), dmore["a"][0])}


def test_structured_arguments_and_results():
    args = (Point(np.array([1.0, 2.0]), 3), {"a": np.array([4.0, 5.0])})

    def call(function):
        def f(x, a):
            out = function(Point(x, 3), {"a": a})
            assert out["n"] == 6
            assert out["n"].dtype.kind == "i" if hasattr(out["n"], "dtype") else out["n"] == 6
            return out["sum"], out["pair"][0], out["pair"][1]

        return f

    for argnums in (0, 1, (0, 1)):
        found = jf.value_and_jacobian(call(structured), argnums)(args[0].x, args[1]["a"])
        expected = jf.value_and_jacobian(call(made), argnums)(args[0].x, args[1]["a"])
        for one, other in zip(found, expected, strict=True):
            for part, wanted in zip(one, other, strict=True):
                np.testing.assert_array_equal(part, wanted)
    check_rule(structured, *args)


@functools.partial(jf.custom_jvp, nondiff_argnums=(0, 2))
def applied(function, x, kind):
    return function(x) if kind == "once" else function(function(x))


@applied.defjvp
def _applied_jvp(function, kind, primals, tangents):
    (x,), (t,) = primals, tangents
    assert kind == "once"
    return function(x), np.cos(x) * t


def test_arguments_that_are_no_arrays():
    np.testing.assert_allclose(jf.gradient(lambda x: applied(np.sin, x, "once"))(0.5), np.cos(0.5))
    np.testing.assert_allclose(jf.gradient(lambda x: applied(np.sin, kind="once", x=x))(0.5), np.cos(0.5))
    with pytest.raises(UnsupportedFunctionError, match="argument 2"):
        jf.gradient(lambda x: applied(np.sin, 1.0, x))(0.5)
    with pytest.raises(jf.TracerConversionError, match="nondiff_argnums"):
        jf.gradient(jf.custom_jvp(np.sin, nondiff_argnums=(3,)))(0.5)
    with pytest.raises(TypeError, match="nondiff_argnums"):
        jf.custom_jvp(np.sin, nondiff_argnums=("x",))


def test_one_function_for_each_argument():
    g = jf.custom_jvp(lambda x, y: x * y)
    g.defjvps(lambda t, out, x, y: t * y, None)
    np.testing.assert_array_equal(jf.jacobian(g, (0, 1))(2.0, 5.0), (5.0, 0.0))
    g.defjvps(None, None)
    assert jf.gradient(g)(2.0, 5.0) == 0
    g.defjvps(None)
    with pytest.raises(TypeError, match="1 functions for 2"):
        jf.gradient(g)(2.0, 5.0)


def test_single_precision_complex_empty_and_scalar():
    y, dy = jf.jvp(log1pexp, np.float32(0.5), np.float32(1.0))
    assert (y.dtype, dy.dtype) == (np.float32, np.float32)
    z = jf.custom_jvp(lambda z: np.conj(z) * z)
    z.defjvp(lambda p, t: (z(*p), np.conj(t[0]) * p[0] + np.conj(p[0]) * t[0]))
    found = jf.jacobian(lambda x: np.real(z(x * (1 + 2j))))(np.array([1.0, 3.0]))
    np.testing.assert_allclose(found, np.diag([10.0, 30.0]))
    check_rule(z, np.array([1 + 2j, -0.5j]))
    assert jf.jacobian(log1pexp)(np.zeros(0)).shape == (0, 0)
    check_rule(log1pexp, X)
    check_rule(stencil, X, 3.0)
    check_rule(stencil, X[::-1], 3)
    check_rule(log1pexp, np.asfortranarray(X.reshape(2, 2)))
    check_rule(log1pexp, X.astype(np.float32))


def test_a_tangent_function_that_reads_values_decides_anew():
    relu = jf.custom_jvp(lambda x: max(x, 0.0))
    relu.defjvp(lambda p, t: (relu(*p), t[0] * 1.0 if p[0] > 0 else t[0] * 0.0))
    G = jf.trace(lambda x: relu(x) * 3, 2.0)
    assert (G(-1.0), G.gradient(1.0)) == (0.0, 3.0)
    assert jf.gradient(relu)(-2.0) == 0


def test_lists_of_traced_numbers_are_arrays():
    np.testing.assert_allclose(
        jf.gradient(lambda x: log1pexp([x[0], x[1] * 2]).sum())(X[:2]), sigmoid(X[:2] * [1, 2]) * [1, 2]
    )


def test_results_can_be_written_to():
    def f(x):
        out = log1pexp(np.ones(3))
        out[1] = x
        return out

    np.testing.assert_array_equal(jf.jacobian(f)(2.0), [0, 1, 0])


def test_a_tangent_function_may_write_into_its_primals():
    square = jf.custom_jvp(lambda x: x * x)

    @square.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        dout = 2.0 * x * t
        x[...] = 0.0
        return np.zeros(len(x)), dout

    G = jf.trace(lambda x: square(x) * x, X)
    for _ in range(2):
        np.testing.assert_array_equal(G.linearize(X)[1].toarray(), np.diag(3 * X**2))
    np.testing.assert_allclose(jf.jacobian(jf.jacobian(square))(2 * np.ones(1)), [[[2.0]]])


# Mistakes


def test_no_tangent_function():
    g = jf.custom_jvp(np.sin)
    with pytest.raises(UnsupportedFunctionError, match=r"sin\.defjvp"):
        jf.gradient(g)(1.0)


@pytest.mark.parametrize(
    ("jvp", "error", "match"),
    [
        (lambda p, t: (p[0], t[0] ** 2), NotDifferentiableError, "not linear"),
        (lambda p, t: (p[0], t[0] + 1.0), NotDifferentiableError, "not linear"),
        (lambda p, t: (p[0], np.ones(2)), NotDifferentiableError, "not linear"),
        (lambda p, t: t[0], TypeError, "must return"),
        (lambda p, t: (p[0], t[0][:1]), TypeError, "must be like the result"),
        (lambda p, t: (p[0], (t[0], t[0])), TypeError, "must be like the result"),
        (lambda p, t: (p[0], t[0] * 1j), TypeError, "complex"),
    ],
)
def test_mistakes_of_tangent_functions(jvp, error, match):
    g = jf.custom_jvp(np.sin)
    g.defjvp(jvp)
    with pytest.raises(error, match=match):
        jf.jacobian(g)(np.array([0.5, 2.0]))


def test_an_argument_changed_in_place_is_noticed():
    def doubled(x):
        x *= 2
        return x.sum()

    g = jf.custom_jvp(doubled)
    g.defjvps(lambda t, out, x: 2 * t.sum())
    with pytest.raises(NotDifferentiableError, match="in place"):
        jf.jacobian(g)(np.array([0.5, 2.0]))


def test_a_wrong_rule_is_noticed():
    g = jf.custom_jvp(np.sin)
    g.defjvps(lambda t, out, x: t * out)
    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(g, X)


def test_keyword_only_arguments_are_static():
    g = jf.custom_jvp(lambda x, *, power=2: x**power)
    g.defjvp(lambda p, t, power=2: (g(*p, power=power), power * p[0] ** (power - 1) * t[0]))
    assert jf.gradient(lambda x: g(x, power=3))(2.0) == 12
    assert jf.gradient(g)(2.0) == 4
