"""Orders of columns against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacfwd.coloring import orders
from jacfwd.pattern import Pattern

MASKS = hnp.arrays(bool, st.tuples(st.integers(0, 7), st.integers(0, 7)))


def pattern_of(mask):
    return Pattern.from_coo(*np.nonzero(mask), np.shape(mask))


def shared(mask):
    """How many rows each two columns share; columns share none with themselves."""
    counts = mask.T.astype(int) @ mask.astype(int)
    np.fill_diagonal(counts, 0)
    return counts


@given(MASKS)
@pytest.mark.parametrize("name", orders.ORDERS)
def test_orders_are_permutations(name, mask):
    order = orders.ordered(pattern_of(mask), name)
    assert order is None if name == "natural" else sorted(order) == list(range(mask.shape[1]))


@given(MASKS)
def test_largest_first(mask):
    degrees = shared(mask).sum(axis=0)[orders.ordered(pattern_of(mask), "largest_first")]
    assert np.all(degrees[1:] <= degrees[:-1])


@given(MASKS)
def test_smallest_last(mask):
    counts = shared(mask)
    left = list(range(mask.shape[1]))
    for column in reversed(orders.ordered(pattern_of(mask), "smallest_last")):
        degrees = counts[np.ix_(left, left)].sum(axis=0)
        assert degrees[left.index(column)] == degrees.min()
        left.remove(column)


@given(MASKS)
def test_incidence_degree(mask):
    counts = shared(mask)
    left, done = list(range(mask.shape[1])), []
    for column in orders.ordered(pattern_of(mask), "incidence_degree"):
        incidence = counts[np.ix_(done, left)].sum(axis=0)
        assert incidence[left.index(column)] == incidence.max()
        if not done:
            assert counts[column].sum() == counts.sum(axis=0).max()
        left.remove(column)
        done.append(column)


def test_long_rows_change_all_columns_alike(monkeypatch):
    mask = np.array([[1, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]], bool)
    expected = orders.ordered(pattern_of(mask), "smallest_last")
    monkeypatch.setattr(orders, "LONG", 3)
    assert sorted(orders.ordered(pattern_of(mask), "smallest_last")) == list(range(5))
    assert orders.ordered(pattern_of(mask), "smallest_last")[-1] == expected[-1]
