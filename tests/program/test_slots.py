"""Slots against the obvious way: a dictionary of sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jacfwd.program.slots
from jacfwd.program.slots import Entry, arranged, stretch

M, N = 5, 4


@st.composite
def entries(draw):
    count = draw(st.integers(0, 12))
    place = st.lists(st.integers(0, M * N - 1), min_size=count, max_size=count)
    flat = np.array(draw(place), int)
    if draw(st.booleans()):
        flat = np.unique(flat)
    weights = draw(st.lists(st.integers(-3, 3), min_size=len(flat), max_size=len(flat)))
    scalar = draw(st.booleans())
    return Entry(flat // N, flat % N, 2.0 if scalar else np.array(weights, float), draw(st.booleans()))


def expected(terms):
    dense, present = np.zeros((M, N)), np.zeros((M, N), bool)
    for term in terms:
        np.add.at(dense, (term.rows, term.cols), term.weights)
        present[term.rows, term.cols] = True
    return dense, present


@pytest.mark.parametrize("block", [1, 3, 1 << 16])
@given(terms=st.lists(entries(), max_size=6))
def test_filled_as_a_sum(block, terms):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jacfwd.program.slots, "BLOCK", block)
        filled_as_a_sum(terms)


def filled_as_a_sum(terms):
    slots = arranged(terms, (M, N), np.dtype(float))
    changing = [term for term in terms if not term.constant]
    _, present = expected(terms)
    for factor in (1.0, -2.0):
        moved = [t if t.constant else Entry(t.rows, t.cols, factor * t.weights, False) for t in terms]
        data = slots.fill([factor * term.weights for term in changing])
        again = slots.fill([factor * term.weights for term in changing], data.copy())
        np.testing.assert_array_equal(again, data)
        np.testing.assert_array_equal(slots.fill([factor * term.weights for term in changing], slots.blank()), data)
        matrix = slots.matrix.copy()
        matrix.data = data
        np.testing.assert_array_equal(matrix.toarray(), expected(moved)[0])
    assert slots.matrix.has_canonical_format and slots.matrix.nnz == present.sum()


@pytest.mark.parametrize("n", [64, 300])
def test_blocks_of_slots(n, monkeypatch):
    monkeypatch.setattr(jacfwd.program.slots, "BLOCK", 16)
    i, rng = np.arange(n), np.random.default_rng(0)
    terms = [Entry(i, (i + k) % n, rng.normal(size=n), False) for k in (-1, 0, 1, 9)]
    terms += [Entry(i[:-3], i[3:], rng.normal(size=n - 3), False), Entry(i, i, 3.0, True)]
    terms.append(Entry(i, rng.permutation(n), rng.normal(size=n), False))
    for count in (7, 5):
        slots = arranged(terms[:count], (n, n), np.dtype(float))
        matrix = slots.matrix.copy()
        matrix.data = slots.fill([term.weights for term in terms[:count] if not term.constant])
        dense = np.zeros((n, n))
        for term in terms[:count]:
            np.add.at(dense, (term.rows, term.cols), term.weights)
        np.testing.assert_allclose(matrix.toarray(), dense, rtol=1e-14)
    assert sum(isinstance(write.slots, slice) for write in slots.writes) >= 3


def test_most_entries_of_a_periodic_stencil_are_written_as_slices():
    n = 64
    i = np.arange(n)
    terms = [Entry(i, (i + k) % n, np.arange(n) + 10.0 * k, False) for k in (-1, 0, 1)]
    terms.append(Entry(i, (i + 7) % n, 5.0, True))
    slots = arranged(terms, (n, n), np.dtype(float))
    assert [type(write.slots) for write in slots.writes] == [slice] * 3
    matrix = slots.matrix.copy()
    matrix.data = slots.fill([term.weights for term in terms[:3]])
    dense = np.zeros((n, n))
    for term in terms:
        dense[term.rows, term.cols] = term.weights
    np.testing.assert_array_equal(matrix.toarray(), dense)


@pytest.mark.parametrize(
    ("slots", "found"),
    [
        ([3], None),
        ([0, 2, 4, 6], (slice(0, 7, 2), slice(0, 4))),
        ([4, 3, 2, 1], None),
        ([0, 2, 4, 6, 8, 10, 12, 14, 15], (slice(0, 17, 2), slice(0, 9))),
        ([1, 2, 4, 6, 8, 10, 12, 14, 16], (slice(0, 17, 2), slice(0, 9))),
        ([0, 1, 5, 7, 8], None),
    ],
)
def test_stretches(slots, found):
    assert stretch(np.array(slots), 18) == found


def test_a_stretch_stays_inside():
    assert stretch(np.array([0, 2, 4, 6, 8, 10, 12, 14, 15]), 16) == (slice(0, 15, 2), slice(0, 8))
    assert stretch(np.array([1, 2, 4, 6, 8, 10, 12, 14, 16]) - 1, 18) == (slice(1, 16, 2), slice(1, 9))


def test_few_entries_that_meet_are_added_and_the_others_assigned():
    n = 50
    i = np.arange(n)
    terms = [Entry(i, i, i + 1.0, False), Entry(i, (i + i // 40) % n, 10.0 * i, False)]
    terms[1].cols[:3] += 1  # the others meet the first term
    crowded = arranged(terms, (n, n), np.dtype(float))
    assert [write.adds for write in crowded.writes] == [False, True]
    terms[1] = Entry(i, (i + 1 - i // 40) % n, 10.0 * i, False)
    slots = arranged(terms, (n, n), np.dtype(float))
    assert not any(write.adds for write in slots.writes)
    assert len(slots.writes[1].extra[0]) == 10
    matrix = slots.matrix.copy()
    matrix.data = slots.fill([term.weights for term in terms])
    dense = np.zeros((n, n))
    for term in terms:
        np.add.at(dense, (term.rows, term.cols), term.weights)
    np.testing.assert_array_equal(matrix.toarray(), dense)
