"""Every operator, on traced arrays and scalars: values to the last bit, derivatives against differences."""

import math
import operator
import warnings

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees, assert_same

X = np.array([0.53, -1.21, 2.37, 0.74])
Y = np.array([1.57, 0.43, -0.62, 2.29])
POSITIVE = np.abs(X) + 0.1
SQUARE = np.array([[1.0, 0.3], [-0.2, 0.8]])
N = np.array([3, -2, 1, 4])

SMOOTH = [operator.add, operator.sub, operator.mul, operator.truediv]
STEPPED = [operator.floordiv, operator.mod]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
# Names in containers are not exchanged for substitutes.
WHOLE = {"floor": math.floor, "ceil": math.ceil, "trunc": math.trunc}
IN_PLACE = [
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod),
    operator.ipow,
]


def name(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize("op", SMOOTH + STEPPED, ids=name)
class TestBinary:
    def test_of_two_traced_arrays(self, op):
        agrees(op, X, Y)

    def test_broadcast(self, op):
        agrees(lambda x, y: op(x[:, None], y[:2]), X, Y)

    def test_of_traced_scalars(self, op):
        agrees(lambda x: op(x[0], x[3]), X)

    @pytest.mark.parametrize("other", [2, 1.5, np.float64(1.5), np.float32(1.5), np.int64(3), True, Y, N], ids=repr)
    def test_with_constants_on_either_side(self, op, other):
        agrees(lambda x: op(x, other), X)
        agrees(lambda x: op(other, x), X)
        agrees(lambda x: op(x[2], other), X)
        agrees(lambda x: op(other, x[2]), X)

    def test_with_lists_on_either_side(self, op):
        agrees(lambda x: op(x, [1.0, 2.0, 3.0, 4.0]), X)
        agrees(lambda x: op((1.0, 2.0, 3.0, 4.0), x), X)
        agrees(lambda x: op(x, [x[0], 2.0, 3, x[3]]), X)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
    def test_keeps_the_dtype(self, op, dtype):
        x = X.astype(dtype)
        y, dy = jf.jvp(lambda x: op(x, 2.5), x, np.ones(4, dtype))
        assert_same(y, op(x, 2.5))
        assert dy.dtype == dtype
        y, J = jf.linearize(lambda x: op(2.5, x), x)
        assert_same(y, op(2.5, x))
        assert J(np.ones(4, dtype)).dtype == dtype


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.5, np.float64(1.5), np.int64(2)], ids=repr)
def test_powers(exponent):
    agrees(lambda x: x**exponent, POSITIVE)
    agrees(lambda x: x[1] ** exponent, POSITIVE)
    agrees(lambda x: x.copy() ** exponent * x, POSITIVE)


def test_powers_with_traced_exponents():
    agrees(lambda x, y: x**y, POSITIVE, Y)
    agrees(lambda x: 2.0**x, X)
    agrees(lambda x: 3 ** x[0], X)
    agrees(lambda x: x ** np.array([1, 2, 3, 0]), X)


def test_powers_modulo_are_refused():
    with pytest.raises(TypeError):
        jf.jvp(lambda x: pow(x, 2, 5), X, X)


@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs], ids=name)
def test_unary(op):
    agrees(op, X)
    agrees(lambda x: op(x[1]), X)


def test_unary_plus_is_a_copy():
    def f(x):
        y = +x
        y[0] = 5.0
        return x * y

    agrees(f, X)


@pytest.mark.parametrize("other", [np.eye(4), N], ids=["matrix", "vector"])
def test_matrix_products(other):
    agrees(lambda x: x @ other, X)
    agrees(lambda x: other @ x, X)
    agrees(lambda x: x.reshape(2, 2) @ x.reshape(2, 2), X)
    agrees(lambda x: [[1.0, 2.0], [3.0, 4.0]] @ x.reshape(2, 2), X)


def test_matrix_product_in_place():
    def f(a):
        b = a.copy()
        c = b
        b @= a
        return c * 2

    agrees(f, SQUARE)


@pytest.mark.parametrize("op", IN_PLACE, ids=name)
@pytest.mark.parametrize("other", [2, 1.5, Y, "traced", "view"], ids=str)
def test_in_place(op, other):
    def f(x):
        y = x * 1.0
        alias, part = y, y[1:]
        value = {"traced": x, "view": y[::-1]}.get(other, other) if isinstance(other, str) else other
        y = op(y, value)
        assert y is alias
        part = op(part, 0.75)
        return alias * np.arange(4.0)

    agrees(f, POSITIVE)


@pytest.mark.parametrize("op", IN_PLACE, ids=name)
def test_in_place_on_scalars_makes_new_ones(op):
    def f(x):
        s = t = x[0]
        s = op(s, x[1])
        return s + 3 * t

    agrees(f, POSITIVE)


def test_in_place_on_arrays_of_no_dimension():
    def f(x):
        s = t = np.array(x[0])
        s += x[1]
        s *= t
        return t * x[2]

    agrees(f, X)


def test_in_place_broadcasts_the_value_only():
    def widened(x):
        x += np.ones((2, 4))
        return x

    agrees(lambda x: operator.iadd(x.reshape(2, 2), x[:2]), X)
    for call in (lambda: jf.jvp(widened, X, X), lambda: jf.linearize(widened, X)):
        with pytest.raises(ValueError, match="non-broadcastable"):
            call()


def test_in_place_keeps_the_dtype():
    def f(x):
        y = x.astype(np.float32)
        y += x
        return y

    y, dy = jf.jvp(f, X, X)
    assert y.dtype == dy.dtype == np.float32
    np.testing.assert_allclose(dy, 2 * X, rtol=1e-6)

    def g(x):
        y = x * 1
        y += 1j * x
        return y

    with pytest.raises(TypeError, match="same_kind"):
        jf.jvp(g, X, X)


@pytest.mark.parametrize("op", COMPARISONS, ids=name)
def test_comparisons_choose(op):
    agrees(lambda x, y: np.where(op(x, y), x * y, x), X, Y)
    agrees(lambda x: np.where(op(x, 0.6), x * x, -x), X)
    agrees(lambda x: np.where(op(0.6, x), x * x, -x), X)
    agrees(lambda x: x * 2 if op(x[0], x[1]) else x * 3, X)
    agrees(lambda x: op(x, [0.0, 1.0, 2.0, 3.0]) * x, X)


@pytest.mark.parametrize("op", COMPARISONS, ids=name)
def test_compared_integers_carry_no_derivative(op):
    y, dy = jf.jvp(lambda x: op(x, 0.6), X, X)
    assert y.dtype == bool
    assert not dy.any()
    _, J = jf.linearize(lambda x: op(x, 0.6), X)
    assert not J.toarray().any()


@pytest.mark.parametrize("other", [None, "auto", b"raw"], ids=repr)
def test_equality_with_what_is_no_number(other):
    agrees(lambda x: x * 2 if np.any(x == other) else x * 3, X)
    agrees(lambda x: x * 2 if x[0] == other else x * 3, X)
    agrees(lambda x: x * 2 if np.all(x != other) else x * 3, X)
    agrees(lambda x: x * (other != x), X)


@pytest.mark.parametrize("op", BITS, ids=name)
def test_bits_of_integers(op):
    agrees(lambda x: x * op(np.argsort(x), 2), X)
    agrees(lambda x: x * op(5, x.argsort()), X)
    agrees(lambda x: x * op(np.argsort(x), np.argsort(-x)), X)


@pytest.mark.parametrize("op", [operator.iand, operator.ior, operator.ixor], ids=name)
def test_masks_in_place(op):
    def f(x):
        mask = x > 0
        mask = op(mask, x < 1)
        return np.where(mask, x * x, x)

    agrees(f, X)


@pytest.mark.parametrize("op", [operator.ilshift, operator.irshift], ids=name)
def test_shifts_in_place(op):
    def f(x):
        order = np.argsort(x)
        order = op(order, 1)
        return x * order

    agrees(f, X)


def test_inverted_masks():
    agrees(lambda x: np.where(~(x > 0), x * x, x), X)
    agrees(lambda x: x * ~np.argsort(x), X)


@pytest.mark.parametrize("op", BITS, ids=name)
def test_bits_of_floats_are_refused_as_numpy_does(op):
    for run in (lambda f: jf.jvp(f, X, X), lambda f: jf.linearize(f, X)):
        with pytest.raises(TypeError):
            run(lambda x: op(x, 2))


def test_divmod():
    agrees(lambda x: divmod(x, 0.4)[1], X + 0.05)
    agrees(lambda x: divmod(2.0, x)[1] * divmod(2.0, x)[0], X)
    agrees(lambda x: divmod(x[2], x[0])[1], X)


def test_rounding_is_piecewise_constant():
    agrees(lambda x: round(x[0], 1) * x, X + 0.01)
    agrees(lambda x: round(x[2]) * x, X)
    graph = agrees(lambda x: x * round(x[2]), X)
    with pytest.raises(jf.BranchChangedError):
        graph(X + 1)


def test_whole_numbers_of_math_without_names():
    for function in WHOLE.values():
        agrees(lambda x, function=function: x * function(x[2]), X)


def test_sequences_are_repeated_by_whole_numbers():
    agrees(lambda x: sum([x[0]] * np.argmax(x)), X)
    agrees(lambda x: np.array(np.argmax(x) * [x[0], 1.0]), X)
    agrees(lambda x: x * len("ab" * np.argmax(x)), X)


def test_builtins():
    agrees(lambda x: max(x) * min(x[0], x[3]) + sum(x) * abs(x[1]), X)
    agrees(lambda x: sorted(x)[1] * sorted(x, key=lambda t: -t)[0], X)
    agrees(lambda x: sum(a * b for a, b in zip(x, reversed(x), strict=True)), X)
    agrees(lambda x: sum(map(np.sin, x)) + sum(k * v for k, v in enumerate(x)), X)
    agrees(lambda x: (any(x > 2) and x[0]) * (not all(x > 0) or x[1]) * x[2], X)
    agrees(lambda x: x * (2 if x[0] else 3) * (bool(x[1]) + 1), X)


def test_operators_with_objects_of_other_kinds():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, x):
            return x * 3

        def __mul__(self, x):
            return x * 4

    agrees(lambda x: x + Other(), X)
    agrees(lambda x: Other() * x, X)
    with pytest.raises(TypeError):
        jf.jvp(lambda x: x - Other(), X, X)
    with pytest.raises(TypeError):
        jf.jvp(lambda x: x + None, X, X)
    with pytest.raises(TypeError):
        jf.jvp(lambda x: x < "a", X, X)


def test_objects_in_arrays():
    agrees(lambda x: (np.array([2.0, 3.0, 1, 5], dtype=object) * x)[1] * x, X)
    agrees(lambda x: sum(x + np.array([2.0, 3.0, 1, 5], dtype=object)), X)
    with pytest.raises(jf.TracerConversionError, match="objects"):
        jf.jvp(lambda x: np.ones(5000, object) * x[0] + np.ones(5000) * x[0] * np.ones(5000, object), X, X)


def test_arrays_whose_operators_mean_something_else_are_refused():
    with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
        matrix = np.asmatrix(np.eye(4))
    for other in (np.ma.array(Y, mask=[1, 0, 0, 0]), matrix):
        for op in (operator.add, operator.matmul):
            with pytest.raises(jf.TracerConversionError, match=r"test_operators\.py"):
                jf.jvp(lambda x, other=other, op=op: op(x, other), X, X)
