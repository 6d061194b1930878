"""Sorting, sets and quantiles: against differences, recorded, replayed, and at their conventions."""

import itertools

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import BranchChangedError, UnsupportedFunctionError
from jacfwd.rules import find, ordering, quantiles
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order, flat_function
from tests.rules.samples_ordering import CONSTANT, METHODS, ORDERING, QUANTILES, SETS, TIED

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SAMPLES = {**ORDERING, **QUANTILES, **SETS}
CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
FLOATING = [call for call in CALLS if call[0] not in SETS and flat_function(*call)[1]]


def test_every_rule_has_a_sample():
    assert {**SAMPLES, **CONSTANT}.keys() == {**ordering.RULES, **quantiles.RULES}.keys()


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(("function", "args", "kwargs"), FLOATING, ids=map(call_label, FLOATING))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, tolerance=1e-5, rounding=1e-14)


PAIRS = [call for call in CALLS if call[0] in SETS]


@pytest.mark.parametrize(("function", "args", "kwargs"), PAIRS, ids=map(call_label, PAIRS))
def test_sets_are_selections(function, args, kwargs):
    f, primals = flat_function(function, args, kwargs)
    everything = tuple(range(len(primals)))
    values, J = jf.value_and_jacobian(f, everything)(*primals)
    for value, plain in zip(values, f(*primals), strict=True):
        np.testing.assert_array_equal(value, plain, strict=True)
    total = sum(J[0][k] @ primals[k].ravel() if primals[k].ndim < 2 else np.tensordot(J[0][k], primals[k], 2)
                for k in everything)  # fmt: skip
    assert all(np.isin(part, (0, 1)).all() for part in J[0])
    # Constants, as in lists, are the rest.
    constants = np.concatenate([np.ravel(x) for x in args if not isinstance(x, np.ndarray)] or [np.zeros(0)])
    assert ((total == values[0]) | np.isin(values[0], constants)).all()


@pytest.mark.parametrize("function", CONSTANT, ids=lambda f: f.__name__)
def test_permutations_are_constant(function):
    for args, kwargs in CONSTANT[function]:
        check_rule(function, *args, **kwargs)


SECOND = [(np.sort, (np.array([2.0, 1.0, 3.0]),), {}), (np.median, (np.arange(6.0).reshape(2, 3),), {"axis": 1})]


@pytest.mark.parametrize(("function", "args", "kwargs"), SECOND, ids=map(call_label, SECOND))
def test_second_order(function, args, kwargs):
    check_second_order(lambda *x, **k: function(*x, **k) ** 3, args, kwargs)


# Conventions


def rows_of(f, x):
    """For each output the input that it selects."""
    J = jf.jacobian(f)(x).reshape(-1, x.size)
    assert ((J == 0) | (J == 1)).all()
    assert (J.sum(axis=1) == 1).all()
    return list(J.argmax(axis=1))


def test_equal_elements_keep_their_order():
    assert rows_of(np.sort, TIED) == [0, 2, 5, 3, 1, 4]
    assert rows_of(lambda x: np.partition(x, 5), TIED)[5] in (1, 4)
    assert rows_of(np.median, np.array([2.0, 2.0, 2.0])) == [1]
    assert rows_of(lambda x: np.quantile(x, 0.5), np.array([3.0, 1.0, 3.0, 1.0, 3.0])) == [0]
    np.testing.assert_array_equal(jf.gradient(np.median)(np.array([2.0, 1.0, 1.0, 2.0])), [0.5, 0, 0.5, 0])


def test_a_partition_is_a_permutation():
    x = np.random.default_rng(0).integers(0, 5, 40) * 1.0
    assert sorted(rows_of(lambda x: np.partition(x, 17), x)) == list(range(40))


def test_the_first_of_equal_ones_is_unique():
    assert rows_of(np.unique, TIED) == [0, 3, 1]
    assert rows_of(lambda x: np.unique(x, return_index=True)[0], TIED) == [0, 3, 1]
    assert rows_of(np.unique_values, TIED) == [list(TIED).index(v) for v in np.unique_values(TIED)]
    assert rows_of(lambda x: np.union1d(x, x), TIED) == [0, 3, 1]
    assert rows_of(lambda x: np.intersect1d(x, np.array([3.0, 1.0])), TIED) == [0, 1]
    assert rows_of(lambda x: np.setdiff1d(x, [1.0]), TIED) == [3, 1]
    assert rows_of(lambda x: np.setxor1d(x, [1.0, 7.0])[:2], TIED) == [3, 1]
    x = np.array([[2.0, 1.0], [0.0, 1.0], [2.0, 1.0]])
    assert rows_of(lambda x: np.unique(x, axis=0), x) == [2, 3, 0, 1]


def test_common_elements_are_those_of_the_first_array():
    x, y = np.array([1.0, 2.0, 3.0]), np.array([3.0, 5.0, 1.0])
    first, second = jf.jacobian(np.intersect1d, argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(first, [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(second, np.zeros((2, 3)))


def test_unique_parts_are_integers():
    x = np.array([3.0, 1.0, 3.0])

    def f(x):
        found = np.unique_all(x)
        assert type(found).__name__ == "UniqueAllResult"
        return found.values[found.inverse_indices] * found.counts[found.inverse_indices]

    np.testing.assert_array_equal(jf.jacobian(f)(x), [[2, 0, 0], [0, 1, 0], [2, 0, 0]])


def test_nan_is_sorted_last_and_spoils():
    x = np.array([2.0, np.nan, 1.0, np.nan])
    assert rows_of(np.sort, x) == [2, 0, 1, 3]
    y, J = jf.value_and_gradient(np.median)(x)
    assert np.isnan(y)
    np.testing.assert_array_equal(J, [0.5, 0.5, 0, 0])
    assert np.isnan(jf.value_and_gradient(lambda x: np.quantile(x, 0.1))(x)[0])
    np.testing.assert_array_equal(jf.gradient(np.nanmedian)(x), [0.5, 0, 0.5, 0])
    np.testing.assert_allclose(jf.gradient(lambda x: np.nanquantile(x, 0.25))(x), [0.25, 0, 0.75, 0])


def test_infinite_elements_do_not_reach_others():
    x = np.array([np.inf, 1.0, 2.0, 5.0, -np.inf])
    assert rows_of(np.sort, x) == [4, 1, 2, 3, 0]
    np.testing.assert_array_equal(jf.gradient(np.median)(x), [0, 0, 1, 0, 0])
    np.testing.assert_allclose(jf.gradient(lambda x: np.quantile(x, 0.4))(x), [0, 0.4, 0.6, 0, 0], rtol=1e-15)


def test_the_mean_of_an_element_with_itself_does_not_overflow():
    x = np.array([1e308, 1.5e308, np.nan, 1.7e308])
    assert jf.value_and_gradient(np.nanmedian)(x)[0] == 1.5e308
    assert jf.value_and_gradient(np.median)(x[[0, 1, 3]])[0] == 1.5e308


@pytest.mark.parametrize("function", QUANTILES, ids=lambda f: f.__name__)
def test_inputs_are_left_alone_where_they_may_be_overwritten(function):
    q = () if function in (np.median, np.nanmedian) else (0.3,)
    x = np.array([[4.0, 1.0, 2.0], [7.0, 11.0, 3.0]])
    y, J = jf.value_and_jacobian(lambda x: function(x, *q, axis=1, overwrite_input=True))(x)
    np.testing.assert_array_equal(y, function(x, *q, axis=1))
    np.testing.assert_array_equal(J, jf.jacobian(lambda x: function(x, *q, axis=1))(x))
    np.testing.assert_array_equal(x, [[4.0, 1.0, 2.0], [7.0, 11.0, 3.0]])


@pytest.mark.parametrize("function", [np.nanquantile, np.nanpercentile])
def test_axes_that_numpy_confuses_are_refused(function):
    with pytest.raises(UnsupportedFunctionError, match="ravel"):
        jf.jacobian(lambda x: function(x, [[0.3], [0.6]], axis=(0, 1)))(np.ones((2, 3, 2)))


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_change_with_their_share(method):
    x = np.array([4.0, 1.0, 2.0, 7.0, 11.0])
    for q in (0.13, 0.47, 0.71, 0.92):
        expected = (np.quantile(x, q + 1e-7, method=method) - np.quantile(x, q - 1e-7, method=method)) / 2e-7
        np.testing.assert_allclose(jf.gradient(lambda q: np.quantile(x, q, method=method))(q), expected, atol=1e-5)
        found = jf.gradient(lambda q: np.nanpercentile(x, q, method=method))(100 * q)
        np.testing.assert_allclose(found, expected / 100, atol=1e-6)


# Replay


def replays(f, x, other):
    """Whether a graph recorded at x works at another point; a wrong answer fails."""
    G = jf.trace(f, x)
    try:
        y, J = G(other), G.jacobian(other)
    except BranchChangedError:
        return False
    np.testing.assert_array_equal(y, f(other))
    np.testing.assert_array_equal(J, jf.jacobian(f)(other))
    return True


X = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
SAME_ORDER = np.array([3.5, 1.0, 2.0, 5.5, 4.0])
OUTER_SWAPPED = np.array([3.0, 2.0, 1.0, 5.0, 4.0])
INNER_SWAPPED = np.array([2.0, 1.0, 3.0, 5.0, 4.0])


@pytest.mark.parametrize(
    "f",
    [
        np.sort,
        lambda x: np.partition(x, 2),
        lambda x: x[np.argsort(x)],
        lambda x: x[np.lexsort((x,))],
        np.unique,
        lambda x: np.setxor1d(x, [1.5]),
        lambda x: np.sort_complex(x).real,
    ],
)
def test_another_order_raises_at_replay(f):
    assert replays(f, X, SAME_ORDER)
    assert not replays(f, X, OUTER_SWAPPED)


@pytest.mark.parametrize("f", [np.median, np.nanmedian, lambda x: np.quantile(x, 0.5), lambda x: np.percentile(x, 50)])
def test_medians_rely_on_the_ranks_they_read(f):
    assert replays(f, X, SAME_ORDER)
    assert replays(f, X, OUTER_SWAPPED)
    assert not replays(f, X, INNER_SWAPPED)


def test_nan_is_met_anew_at_replay():
    G = jf.trace(np.median, X)
    assert np.isnan(G(np.array([3.0, 1.0, 2.0, np.nan, 4.0])))
    # Without the smallest element another one is in the middle.
    assert replays(np.nanmedian, X, np.array([3.0, 1.0, 2.0, 5.0, 4.5]))
    assert not replays(np.nanmedian, X, np.array([3.0, np.nan, 2.0, 5.0, 4.0]))


def test_equal_elements_are_not_merged_at_replay():
    assert not replays(np.unique, X, np.array([3.0, 1.0, 2.0, 3.0, 4.0]))


# Written in place


def test_methods_sort_in_place():
    def f(x):
        a, b, c = x * 1.0, x * 2.0, x * 3.0
        a.sort()
        b.sort(axis=0, kind="stable", stable=None)
        c[0].partition(1)
        a[0, 0] = 0.0
        return a + b + c

    x = np.array([[3.0, 1.0, 2.0], [0.5, 2.5, 1.5]])
    check_recorded(f, (x,), {})
    assert np.asarray(jf.jvp(f, x, x)[0]).tolist() == f(x).tolist()


def test_results_are_written_where_asked():
    def f(x):
        out = np.zeros(2)
        np.median(x, 1, out)
        second = np.zeros(2)
        np.quantile(x, 0.5, axis=1, out=second)
        return out + second

    x = np.array([[3.0, 1.0, 2.0], [0.5, 2.5, 1.5]])
    np.testing.assert_array_equal(jf.jacobian(f)(x)[:, 0], [[0, 0, 2], [0, 0, 0]])


# Mistakes


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (np.sort, (np.float64(1.0),), {}),
        (np.sort, (X, 1), {}),
        (np.sort, (X,), {"kind": "bubble"}),
        (np.sort, (X,), {"order": "field"}),
        (np.sort, (X,), {"kind": "stable", "stable": True}),
        (np.partition, (X, 9), {}),
        (np.partition, (X, 1), {"kind": "other"}),
        (np.quantile, (X, 1.2), {}),
        (np.quantile, (X, [0.5, -0.1]), {}),
        (np.quantile, (X, 0.5), {"method": "mean"}),
        (np.quantile, (X, np.full((1, 1, 1), 0.5)), {}),
        (np.quantile, (X * 1j, 0.5), {}),
        (np.quantile, (X, 0.5), {"weights": X}),
        (np.quantile, (X, 0.5), {"weights": -X, "method": "inverted_cdf"}),
        (np.quantile, (X, 0.5), {"weights": X[:2], "method": "inverted_cdf"}),
        (np.quantile, (X, 0.5, 3), {}),
        (np.percentile, (X, 101), {}),
        (np.nanpercentile, (X, -1), {}),
    ],
)
def test_mistakes_are_those_of_numpy(function, args, kwargs):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        function(*args, **kwargs)
    with pytest.raises(expected.type):
        find(function).rewrite(*args, **kwargs)


@pytest.mark.parametrize("function", [np.quantile, np.nanquantile])
def test_quantiles_of_every_size_agree_with_numpy(function):
    """Ranks at both ends, in between and between two elements."""
    rewrite = find(function).rewrite
    for n, method in itertools.product(range(1, 8), METHODS):
        x = np.random.default_rng(n).uniform(size=n)
        q = np.linspace(0, 1, 29)
        np.testing.assert_allclose(rewrite(x, q, method=method), function(x, q, method=method), rtol=1e-14)
