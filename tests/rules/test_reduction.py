"""Reductions, running sums and averages: against differences, recorded, and at their conventions."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import JacobianMismatchError
from jacfwd.formats.combined import Pair, Sum
from jacfwd.formats.operators import Operator
from jacfwd.rules import averages, find, reduction, running
from jacfwd.testing import bound, check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_reduction import SAMPLES

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {**reduction.RULES, **running.RULES, **averages.RULES}.keys()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs)


# Conventions


@pytest.mark.parametrize("function", [np.max, np.amax, np.nanmax])
def test_the_largest_share_equally(function):
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    rows = jf.jacobian(lambda x: function(x, axis=1))(x)
    np.testing.assert_array_equal(rows[0], [[0, 0.5, 0.5], [0, 0, 0]])
    np.testing.assert_allclose(rows[1], [[0, 0, 0], [1 / 3] * 3], rtol=1e-15)
    np.testing.assert_array_equal(jf.gradient(function)(x), rows[0])


def test_the_smallest_share_equally():
    x = np.array([1.0, 3.0, 1.0])
    np.testing.assert_array_equal(jf.gradient(np.min)(x), [0.5, 0, 0.5])
    np.testing.assert_array_equal(jf.gradient(np.ptp)(np.array([1.0, 3.0, 1.0, 2.0])), [-0.5, 1, -0.5, 0])


def test_initial_is_one_more_element():
    slopes = jf.jacobian(lambda x, c: np.max(x, initial=c), argnums=(0, 1))
    for c, expected in ((3.0, (1 / 3, 1 / 3)), (2.0, (1 / 2, 0)), (4.0, (0, 1))):
        x, initial = slopes(np.array([1.0, 3.0, 3.0]), c)
        np.testing.assert_allclose(x, [0, expected[0], expected[0]], rtol=1e-15)
        np.testing.assert_allclose(initial, expected[1], rtol=1e-15)
    assert jf.gradient(lambda c: np.sum(np.ones(3), initial=c) * 2)(4.0) == 2
    assert jf.gradient(lambda x, c: np.prod(x, initial=c), argnums=1)(np.array([2.0, 3.0]), 4.0) == 6


def test_nan_is_the_largest_where_numpy_says_so():
    x = np.array([1.0, np.nan, 3.0, np.nan])
    np.testing.assert_array_equal(jf.gradient(np.max)(x), [0, 0.5, 0, 0.5])
    np.testing.assert_array_equal(jf.gradient(np.nanmax)(x), [0, 0, 1, 0])
    np.testing.assert_array_equal(jf.gradient(np.min)(x), [0, 0.5, 0, 0.5])


def test_what_is_masked_shares_nothing():
    x, where = np.array([5.0, 3.0, 3.0]), np.array([False, True, True])
    np.testing.assert_array_equal(jf.gradient(lambda x: np.max(x, where=where, initial=-9.0))(x), [0, 0.5, 0.5])
    np.testing.assert_array_equal(jf.gradient(lambda x: np.sum(x, where=x > 4))(x), [1, 0, 0])
    np.testing.assert_array_equal(jf.gradient(lambda x: np.mean(x, where=x < 4))(x), [0, 0.5, 0.5])


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 2.0, 0.0, 4.0], [0.0, 0.0, 0.0], [np.inf, 2.0, 0.5], [2.0, -1.0]])
def test_products_are_exact_with_zeros(x):
    """First and second derivatives are products of the others, computed without dividing."""
    x = np.array(x)
    n = len(x)

    def others(*without):
        return np.prod([x[k] for k in range(n) if k not in without])

    first = [others(i) for i in range(n)]
    second = [[0 if i == j else others(i, j) for j in range(n)] for i in range(n)]
    for f in (np.prod, lambda x: np.cumprod(x)[-1], lambda x: np.prod(x.reshape(-1, 1), axis=(0, 1))):
        np.testing.assert_array_equal(jf.gradient(f)(x), first)
        if np.all(np.isfinite(x)):
            np.testing.assert_array_equal(jf.hessian(f)(x), second)


def test_running_products_are_exact_with_zeros():
    x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    J = jf.jacobian(np.cumprod)(x)
    expected = [[np.prod(np.delete(x[: o + 1], i)) if i <= o else 0 for i in range(5)] for o in range(5)]
    np.testing.assert_array_equal(J, expected)
    pattern = jf.sparsity(np.cumprod, x).toarray()
    np.testing.assert_array_equal(pattern, np.tri(5, dtype=bool))


@pytest.mark.parametrize("function", [np.std, np.nanstd])
def test_no_spread_has_derivative_zero(function):
    x = np.array([[2.0, 2.0], [1.0, 3.0]])
    np.testing.assert_array_equal(
        jf.jacobian(lambda x: function(x, axis=1))(x), [[[0, 0], [0, 0]], [[0, 0], [-0.5, 0.5]]]
    )
    np.testing.assert_array_equal(jf.gradient(function)(np.full(3, 1.5)), np.zeros(3))


def test_one_pass_means_pass_themselves_on():
    """`var(x, mean=m)` depends on m; with m the mean of x that is as if m were not given."""
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(jf.gradient(lambda x: np.var(x, mean=x.mean()))(x), jf.gradient(np.var)(x), rtol=1e-14)
    np.testing.assert_allclose(jf.gradient(lambda m: np.var(x, mean=m))(2.0), -2 * np.mean(x - 2.0), rtol=1e-14)


# Structure


def test_a_given_mean_is_one_entry_for_each_row():
    x = np.random.default_rng(0).random((4, 5))
    for mean in (np.ones((4, 1)), np.zeros((4, 1), complex)):
        fmt = local(np.var, x + np.iscomplexobj(mean) * 1j, axis=1, mean=mean, k=2)
        halves = [fmt.holomorphic, fmt.conjugate] if isinstance(fmt, Pair) else [fmt]
        assert [(half.rows, half.nnz) for half in halves] == [(None, 4)] * len(halves)
    assert local(np.var, x, axis=0, mean=np.ones(5), k=2).nnz == 5
    assert local(np.var, np.ones((2, 2)), axis=1, mean=np.ones(2), k=2).nnz == 4


def local(function, *args, k=0, **kwargs):
    call = bound(find(function), args, kwargs)
    return call.primitive.local(call, k)


def test_weights_stay_small():
    x = np.random.default_rng(0).random((4, 5))
    assert local(np.sum, x, axis=0).weights == 1
    assert np.ndim(local(np.mean, x, axis=1).weights) == 0
    assert local(np.sum, x, where=x > 0.5).weights.dtype == bool
    assert local(np.max, x, axis=0).weights.dtype == bool
    assert local(np.max, np.float32([1, 2, 2])).weights.dtype == np.float32
    assert local(np.mean, x, axis=(0, 1)).rows.affine is not None


def test_differences_are_slices():
    fmt = local(np.diff, np.arange(5.0), 2)
    assert [term.weights for term in fmt.terms] == [1, -2, 1]
    assert all(term.rows is None and term.cols.affine is not None for term in fmt.terms)
    assert local(np.diff, np.arange(5.0), 1, -1, np.zeros(2), np.zeros(1), k=2).nnz == 1
    assert local(np.diff, np.arange(5.0), 5) is None
    assert jf.jacobian(np.diff, sparse=True)(np.arange(5.0)).nnz == 8


def test_running_sums_cost_what_they_are():
    fmt = local(np.cumsum, np.arange(6.0).reshape(2, 3), axis=1)
    assert fmt.work() == (0, 6)
    assert fmt.nnz == 12
    assert local(np.cumprod, np.arange(6.0)).work() == (6 * 4, 6 * 3)
    long = local(np.cumsum, np.zeros(10**6))
    assert long.work() == (0, 10**6)
    assert long.push(np.ones((1, 10**6)))[0, -1] == 10**6


def test_a_mean_that_is_taken_off_costs_little():
    """`x - mean(x)` never becomes a full matrix before the end."""
    J = jf.jacobian(lambda x: np.sum((x - np.mean(x)) ** 2), sparse=True)(np.arange(10.0**4))
    assert J.shape == (1, 10**4)


# Wrong rules, and calls that NumPy refuses


def off(fmt):
    """The same structure with values a percent off."""
    if isinstance(fmt, Pair):
        return Pair(off(fmt.holomorphic), off(fmt.conjugate))
    if isinstance(fmt, Sum):
        return Sum([off(fmt.terms[0]), *fmt.terms[1:]])
    if isinstance(fmt, Operator):
        return Operator(
            fmt.in_shape,
            fmt.out_shape,
            lambda b: 1.01 * fmt.apply(b),
            lambda b: 1.01 * fmt.transposed(b),
            fmt.mixed,
            fmt.support,
        )
    return fmt.scaled(np.multiply(fmt.weights, 1.01))


RULES = {**reduction.RULES, **running.RULES}
OWN = [function for function, rule in RULES.items() if rule.kind != "composed"]


@pytest.mark.parametrize("function", OWN, ids=lambda f: f.__name__)
def test_an_error_of_a_percent_is_noticed(function):
    rule = RULES[function]
    args, kwargs = SAMPLES[function][0]
    wrong = rule._replace(local=lambda call, k: off(rule.local(call, k)))
    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(function, *args, rule=wrong, **kwargs)


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (np.average, (np.ones(3),), {"weights": np.array([1.0, -1.0, 0.0])}),
        (np.average, (np.ones((2, 3)),), {"weights": np.ones(3)}),
        (np.average, (np.ones((2, 3)),), {"axis": 0, "weights": np.ones(3)}),
        (np.cumulative_sum if hasattr(np, "cumulative_sum") else np.average, (np.ones((2, 3)),), {"axis": 7}),
        (np.nansum, (np.ones(3),), {"axes": 0}),
    ],
)
def test_mistakes_are_those_of_numpy(function, args, kwargs):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        function(*args, **kwargs)
    with pytest.raises(expected.type):
        find(function).rewrite(*args, **kwargs)


def test_running_sums_of_matrices_need_an_axis():
    if hasattr(np, "cumulative_sum"):
        with pytest.raises(ValueError, match="axis"):
            jf.jacobian(np.cumulative_sum)(np.ones((2, 2)))


def test_results_are_written_where_asked():
    def f(x):
        out = np.zeros(3)
        np.sum(x, axis=0, out=out)
        np.nancumsum(x[0], None, None, out)
        return np.ptp(x, 1, None) + out[:2]

    np.testing.assert_array_equal(
        jf.jacobian(f)(np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 1.0]]))[:, 0], [[0, 0, 1], [1, 1, 0]]
    )
