"""Labels of operands: einsum's subscripts, its other form, and core axes."""

import numpy as np
import pytest

from jacfwd.formats.labels import core_labels, einsum_labels, labelled, subscripts_of


def shape_of(labels, own):
    return tuple(labels.sizes[label] for label in own)


EINSUM = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ba", [(2, 3)]),
    (" i j -> j i ", [(2, 3)]),
    ("Ba,aC", [(2, 3), (3, 4)]),
    ("...ij,jk...->...k", [(5, 2, 3), (3, 4, 5)]),
    ("...,...", [(2, 3), (3,)]),
    ("i...->...", [(2, 3, 4)]),
    ("...i,...i", [(2, 3, 4), (1, 4)]),
    ("ij,ij->ij", [(1, 3), (2, 1)]),
    ("ii->i", [(3, 3)]),
    ("ij->", [(0, 3)]),
    (",i", [(), (3,)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUM)
def test_einsum(subscripts, shapes):
    """The labels' sizes give the operands' shapes and the result's."""
    labels = einsum_labels(subscripts, shapes)
    out = np.einsum(subscripts, *(np.ones(shape) for shape in shapes))
    assert [shape_of(labels, own) for own in labels.operands] == shapes
    assert shape_of(labels, labels.out) == out.shape


def test_axes_that_are_broadcast_have_labels_of_their_own():
    labels = labelled(["ij", "ij"], "ij", [(1, 3), (2, 3)])
    first, second = labels.operands
    assert first[0] != second[0]
    assert first[1] == second[1]
    assert labels.out == second


def test_sizes_of_nothing():
    assert labelled(["i", "i"], "i", [(1,), (0,)]).sizes["i"] == 0
    assert labelled(["i", "i"], "i", [(0,), (1,)]).sizes["i"] == 0


@pytest.mark.parametrize("lists", [([0, 1], [1, 2]), ([51, 0], [0, 26]), ([..., 25], [25, 26])])
@pytest.mark.parametrize("out", [None, True])
def test_lists_of_integers(lists, out):
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    call = [a, lists[0], b, lists[1]]
    if out and ... not in lists[0]:
        call.append([lists[1][1], lists[0][0]])
    subscripts, arrays = subscripts_of(call)
    assert len(arrays) == 2
    np.testing.assert_array_equal(np.einsum(subscripts, *arrays), np.einsum(*call))


def test_lists_for_one_operand():
    assert subscripts_of([1.0, [27, 0], [0, 27]]) == ("bA->Ab", [1.0])
    assert subscripts_of([1.0, [25, ...]]) == ("Z...", [1.0])


MATMUL = [
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
]


@pytest.mark.parametrize("shapes", MATMUL)
def test_matmul(shapes):
    labels = core_labels(("mk", "kn"), "mn", shapes)
    out = np.matmul(*(np.ones(shape) for shape in shapes))
    assert tuple(shape_of(labels, own) for own in labels.operands) == shapes
    assert shape_of(labels, labels.out) == np.shape(out)


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((2, 3, 4), (2, 3, 4)), {"axis": 1}),
        (((3, 4), (3, 1)), {"axis": 0}),
        (((2, 3), (3,)), {"keepdims": True}),
        (((3, 4), (3, 1)), {"axis": 0, "keepdims": True}),
        (((3, 2), (2, 3)), {"axes": [0, 1, ()]}),
        (((3, 2), (2, 3)), {"axes": [0, 1, 0], "keepdims": True}),
    ],
)
def test_vecdot(shapes, options):
    labels = core_labels(("k", "k"), "", shapes, **options)
    out = np.vecdot(*(np.ones(shape) for shape in shapes), **options)
    assert tuple(shape_of(labels, own) for own in labels.operands) == shapes
    assert shape_of(labels, labels.out) == np.shape(out)


def test_another_number_of_axes_is_refused():
    with pytest.raises(ValueError, match="zip"):
        labelled(["ij"], "i", [(3,)])
