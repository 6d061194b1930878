"""Index maps against positions one by one."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacfwd.formats.index import IndexMap, c_strides
from tests.formats.made import blocks, index_maps, shapes

EXAMPLES = settings(max_examples=60, deadline=None)


@st.composite
def maps(draw, shape=None, target=None):
    """A map with its positions; positions need something to point at."""
    shape = draw(shapes) if shape is None else shape
    target = draw(shapes) if target is None else target
    if math.prod(shape) and not math.prod(target):
        target = (3,)
    return draw(index_maps(shape, target))


@EXAMPLES
@given(maps(), st.booleans())
def test_positions(case, complex_):
    index, flat = case
    assert index.size == len(flat)
    taken = index.take(blocks(index.target, p=2, complex_=complex_))
    assert taken.shape == (2, *index.shape)
    np.testing.assert_array_equal(index.flat, flat)
    np.testing.assert_array_equal(index.take(blocks(index.target, p=2, complex_=complex_)), taken)
    rows = blocks(index.target, p=2, complex_=complex_).reshape(2, math.prod(index.target))
    np.testing.assert_array_equal(taken.reshape(2, index.size), rows[:, np.array(flat, int)])


@EXAMPLES
@given(maps(), st.sampled_from([np.float64, np.float32, np.complex128, np.longdouble]))
def test_adding_sums_what_meets(case, dtype):
    index, flat = case
    block = blocks(index.shape, p=2).astype(dtype)
    added = index.add(block)
    expected = np.zeros((2, math.prod(index.target)), dtype)
    for e, at in enumerate(flat):
        expected[:, at] += block.reshape(2, index.size)[:, e]
    assert added.dtype == dtype
    np.testing.assert_array_equal(added, expected.reshape(2, *index.target))


@EXAMPLES
@given(st.data(), maps())
def test_maps_compose(data, case):
    outer, flat = case
    shape = data.draw(shapes)
    if math.prod(shape) and not outer.size:
        shape = (0,)
    inner, steps = data.draw(index_maps(shape, outer.shape))
    made = outer.at(inner)
    assert made.shape == inner.shape
    assert made.target == outer.target
    np.testing.assert_array_equal(made.flat, [flat[at] for at in steps])


@EXAMPLES
@given(maps(), maps())
def test_equal_keys_ask_for_equality(one, other):
    (a, flat), (b, other_flat) = one, other
    if a.same(b):
        assert flat == other_flat
    assert a.same(a)
    again = IndexMap.of_positions(np.array(flat, np.intp).reshape(a.shape), a.target)
    if a.linear is not None and a.size > 1:
        assert again.linear == a.linear
    if again.affine is None and a.affine is None:
        assert a.same(again)
    if a.is_identity:
        assert flat == list(range(math.prod(a.target)))


@EXAMPLES
@given(maps())
def test_linear_maps_are_those_with_one_stride(case):
    index, flat = case
    assert len(index.flat) == len(flat)
    steps = set(np.diff(flat).tolist())
    if len(flat) > 1:
        assert (index.linear is not None) == (len(steps) == 1)
    if index.linear is not None and flat:
        start, step = index.linear
        assert flat == [start + step * k for k in range(len(flat))]


@EXAMPLES
@given(maps())
def test_pickled(case):
    index, flat = case
    again = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(again.flat, flat)
    assert (again.shape, again.target) == (index.shape, index.target)


SLICES = [
    slice(None),
    slice(1, None),
    slice(None, None, -1),
    slice(-1, None, -2),
    slice(0, 0),
    1,
    -1,
    None,
    Ellipsis,
]


@pytest.mark.parametrize("key", [key for key in itertools.product(SLICES, repeat=2) if key.count(Ellipsis) < 2])
def test_views_are_a_few_numbers(key):
    """Views of views stay affine, whatever axes are exchanged between."""
    shape = (3, 4, 2)
    source = np.arange(24).reshape(shape)
    first = IndexMap.of_view(lambda x: x[key], shape)
    if not source[key].size:
        assert first is None
        return
    np.testing.assert_array_equal(first.flat, source[key].reshape(-1))
    turned = IndexMap.of_view(np.transpose, first.shape)
    if turned is None:
        return
    both = first.at(turned)
    np.testing.assert_array_equal(both.flat, source[key].T.reshape(-1))
    assert both.affine is not None
    row = IndexMap.of_view(lambda x: x[-1:], both.shape) if both.shape else None
    if row is not None:
        assert both.at(row).affine is not None
        np.testing.assert_array_equal(both.at(row).flat, source[key].T[-1:].reshape(-1))


@pytest.mark.parametrize("move", [np.copy, np.tril, lambda x: x[:, [1, 0]], lambda x: x.astype(float)])
def test_copies_are_no_views(move):
    assert IndexMap.of_view(move, (2, 2)) is None


def test_taking_from_views_copies_nothing():
    block = np.arange(48.0).reshape(2, 24)[:, ::2]
    index = IndexMap((3, 2), (12,), affine=(11, (-4, -1)))
    taken = index.take(block)
    assert np.shares_memory(taken, block)
    np.testing.assert_array_equal(taken[0], [[22, 20], [14, 12], [6, 4]])


def test_an_array_of_positions_in_steps_is_linear():
    assert IndexMap.of_positions(np.array([[5, 3], [1, -1]]) + 1, (7,)).linear == (6, -2)
    assert IndexMap((3,), (9,), make=lambda: np.array([1, 4, 7])).key == IndexMap((3,), (9,), affine=(1, (3,))).key
    assert IndexMap.of_positions(np.array([0, 1, 3]), (7,)).linear is None


def test_axes_that_walk_on_are_joined_in_keys():
    flat = IndexMap((12,), (12,), affine=(0, (1,)))
    split = IndexMap((3, 1, 4), (12,), affine=(0, (4, 7, 1)))
    assert flat.key == split.key
    assert flat.same(split)
    assert not flat.same(IndexMap((3, 4), (12,), affine=(0, (1, 3))))


def test_strides_of_c_order():
    assert c_strides((2, 3, 4)) == (12, 4, 1)
    assert c_strides(()) == ()


def test_small_maps_print_themselves():
    assert repr(IndexMap.of_positions(np.array([2, 0]), (3,))) == "[2,0]"
    assert repr(IndexMap.identity((4, 5))) == "<(4, 5) of (4, 5)>"


def test_broadcasting():
    index = IndexMap.broadcast((3, 1), (2, 3, 4))
    np.testing.assert_array_equal(index.flat.reshape(2, 3, 4), np.broadcast_to(np.arange(3)[:, None], (2, 3, 4)))
