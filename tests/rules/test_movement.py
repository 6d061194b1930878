"""Data movement: every function against differences, NumPy's own movement, and through recordings."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import JacobianMismatchError
from jacfwd.formats.entries import selection
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, local_rule, moves
from jacfwd.rules import find, movement
from jacfwd.testing import bound, check_rule
from tests.rules.recorded import call_label, check_recorded
from tests.rules.samples_movement import SAMPLES

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == movement.RULES.keys()


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs)


# What a rule must notice


WRONG = {
    np.reshape: (np.arange(6.0), (2, 3)),
    np.roll: (np.arange(4.0), 1),
    np.flip: (np.arange(4.0),),
    np.repeat: (np.arange(3.0), 2),
    np.take: (np.arange(4.0), [2, 0]),
}


@pytest.mark.parametrize("function", WRONG, ids=lambda f: f.__name__)
def test_a_wrong_movement_is_noticed(function):
    def local(call, k):
        positions = np.resize(np.roll(np.arange(np.size(call.operands[0])), 2), call.out_shape)
        return selection(IndexMap.of_positions(positions, call.shape(0)))

    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(function, *WRONG[function], rule=local_rule(local).on(*find(function).rule.operands))


TRIMS = [((), {}), (("f",), {}), ((), {"trim": "b"}), (("FB",), {})]
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    TRIMS += [(("f",), {"axis": 1}), ((), {"axis": (0, -1)})]


@pytest.mark.parametrize(("args", "kwargs"), TRIMS)
def test_zeros_are_trimmed_at_the_ends(args, kwargs):
    x = np.array([[1.5, 0.0, 2.0], [0.5, -1.0, 0.25]]) if "axis" in kwargs else np.array([1.5, 0.0, 2.0])
    inner = np.where(x == 0, 0, 1)

    def f(x):
        return np.trim_zeros(np.pad(x * inner, [(1, 2)] * x.ndim), *args, **kwargs) ** 2

    jf.check_jacobian(f, x)
    G = jf.trace(f, x)
    np.testing.assert_array_equal(G(x * 2), f(x * 2))
    if not kwargs.get("axis"):
        assert jf.jacobian(f)(x * 0).shape[0] == 0
        with pytest.raises(jf.BranchChangedError):
            G(x * 0)


# Structure


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.reshape, (np.ones((2, 3)), (3, 2))),
        (np.transpose, (np.ones((2, 3, 4)), (2, 0, 1))),
        (np.flip, (np.ones((2, 3)), 1)),
        (np.broadcast_to, (np.ones(3), (2, 3))),
        (np.diagonal, (np.ones((3, 4)),)),
        (np.lib.stride_tricks.sliding_window_view, (np.ones(5), 2)),
    ],
)
def test_what_numpy_answers_with_a_view_stays_a_few_strides(function, args):
    call = bound(find(function), args, {})
    fmt = call.primitive.local(call, 0)
    assert fmt.rows is None
    assert fmt.cols.affine is not None
    assert fmt.weights == 1


def test_operands_that_meet_in_one_result_are_joined():
    x, y = np.arange(3.0), np.arange(2.0)
    call = bound(find(np.concatenate), ([x, y, x],), {})
    ((wanted, fmt),) = call.primitive.groups(call, (0, 2))
    assert wanted == (0, 2)
    assert fmt.in_shape == (6,)
    np.testing.assert_array_equal(fmt.todense() @ np.arange(6.0), [0, 1, 2, 0, 0, 3, 4, 5])


def test_holes_have_no_entries():
    call = bound(find(np.tril), (np.ones((3, 3)),), {})
    assert call.primitive.local(call, 0).nnz == 6


def test_positions_are_exact_whatever_the_dtype_of_the_result():
    n = 2**12 + 1  # float16 ends at 2^11 in steps of one
    x = np.zeros(n, np.float16)
    call = bound(find(np.concatenate), ([x, x],), {"dtype": np.float16})
    rows, cols, _ = call.primitive.local(call, 1).coo()
    np.testing.assert_array_equal(rows, np.arange(n, 2 * n))
    np.testing.assert_array_equal(cols, np.arange(n))


# Where NumPy asks no argument what to do


def test_constants_around_a_constant_array_may_be_traced():
    plain = np.arange(2.0)
    J = jf.jacobian(lambda c: np.select([plain > 0], [plain], default=c))(np.array([2.5, 3.5]))
    np.testing.assert_array_equal(J, [[1, 0], [0, 0]])
    J = jf.jacobian(lambda c: np.select([plain > 0], [plain], c))(np.array([2.5, 3.5]))
    np.testing.assert_array_equal(J, [[1, 0], [0, 0]])


# Views


def test_views_of_one_array_share_what_is_written():
    def f(x):
        y = x * 1.0
        a, b = np.split(y, 2)
        a[0] = b[1] * 2
        np.atleast_2d(y)[0, 1] = y[0] * 3
        np.broadcast_arrays(y, np.zeros(4))[0][2] = y[1]
        return y

    J = jf.jacobian(f)(np.arange(4.0))
    np.testing.assert_array_equal(J, [[0, 0, 0, 2], [0, 0, 0, 6], [0, 0, 0, 6], [0, 0, 0, 1]])


def test_copies_share_nothing():
    def f(x):
        (grid,) = np.meshgrid(x)
        grid[0] = 0.0
        whole = np.block(x)
        whole[1] = 0.0
        return x

    np.testing.assert_array_equal(jf.jacobian(f)(np.arange(3.0)), np.eye(3))


# Refused, or wrong as NumPy says


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.split, (np.ones(3), 2)),
        (np.hsplit, (np.float64(1.0), 1)),
        (np.dsplit, (np.ones((2, 2)), 1)),
        (np.meshgrid, (np.ones(2), np.ones(2))),
        (np.select, ([np.array([True])], [np.ones(1), np.ones(1)])),
        (np.select, ([], [])),
        (np.select, ([np.array([1])], [np.ones(1)])),
        (np.choose, ([0, 2], [np.ones(2), np.ones(2)])),
        (np.choose, ([0, -1], [np.ones(2), np.ones(2)])),
        (np.block, ([[np.ones(2)], np.ones(2)],)),
        (np.block, ([np.ones(2), []],)),
        (np.block, ([(np.ones(2), np.ones(2))],)),
    ],
)
def test_mistakes_are_those_of_numpy(function, args):
    kwargs = {"indexing": "xx"} if function is np.meshgrid else {}
    with pytest.raises(Exception) as expected:  # noqa: PT011
        function(*args, **kwargs)
    with pytest.raises(expected.type):
        find(function).rewrite(*args, **kwargs)


def test_structure_is_found_once_for_calls_of_one_kind(monkeypatch):
    rule = find(np.roll).rule
    asked = []
    monkeypatch.setattr(IndexMap, "of_positions", lambda *args, f=IndexMap.of_positions: asked.append(args) or f(*args))

    def local(x, **params):
        primitive = find(np.roll)
        return rule.local(Call(primitive, np.roll(x, **params), (x,), params), 0)

    first = local(np.ones(7), shift=2)
    assert local(np.zeros(7), shift=2) is first and len(asked) == 1
    assert local(np.zeros(7), shift=3) is not first and local(np.zeros(8), shift=2) is not first
    large = np.zeros(5000)
    assert local(large, shift=2) is not local(large, shift=2)
    unhashable = local(np.ones((2, 2)), shift=[1, 1], axis=[0, 1])
    np.testing.assert_array_equal(unhashable.todense(), np.eye(4)[::-1])


def test_a_movement_of_the_users_own_is_looked_at_each_time():
    by = 1

    def f(x):
        return np.roll(x, by)

    primitive = jf.Primitive(f, moves())
    rows = [np.argmax(jf.jacobian(lambda x: primitive(x))(np.ones(3)), axis=1).tolist()]
    by = 2
    rows.append(np.argmax(jf.jacobian(lambda x: primitive(x))(np.ones(3)), axis=1).tolist())
    assert rows == [[2, 0, 1], [1, 2, 0]]
