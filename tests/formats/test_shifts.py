"""Boxes cover every element once and take it from where the map says."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import jacfwd as jf
from jacfwd.formats import index, shifts
from jacfwd.formats.index import IndexMap

GRID = np.arange(6 * 8 * 5).reshape(6, 8, 5)
SHIFTS = {
    "first axis": np.roll(GRID, 1, 0),
    "last axis": np.roll(GRID, -2, 2),
    "two axes": np.roll(GRID, (1, 3), (0, 1)),
    "part": np.roll(GRID, 1, 1)[::2, :, 1:],
    "turned": np.roll(GRID, 1, 0).T[::-1],
    "one row": np.roll(GRID, 1, 2)[:1],
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(shifts, "LEAST", 1)
    monkeypatch.setattr(index, "LEAST", 1)


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
def test_boxes_are_the_map(shift):
    source, out = np.random.default_rng(1).normal(size=GRID.size), np.full(shift.size, np.nan)
    found = shifts.boxes(shift)
    assert 2 <= len(found) <= 8
    for shape, (to, into), (start, steps) in found:
        item = source.itemsize
        box = as_strided(source[start:], shape, [step * item for step in steps])
        as_strided(out[to:], shape, [step * item for step in into])[...] = box
    np.testing.assert_array_equal(out, source[shift.reshape(-1)])


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
@pytest.mark.parametrize("p", [1, 3])
def test_maps_used_again_take_and_add_piece_by_piece(shift, p):
    rng = np.random.default_rng(3)
    map_, flat = IndexMap.of_positions(shift, GRID.shape), shift.reshape(-1)
    block, back = rng.normal(size=(p, *GRID.shape)), rng.normal(size=(p, *shift.shape))
    sums = np.stack([np.bincount(flat, row.reshape(-1), GRID.size).reshape(GRID.shape) for row in back])
    for _ in range(2):
        np.testing.assert_array_equal(map_.take(block), block.reshape(p, -1)[:, flat].reshape(back.shape))
        np.testing.assert_array_equal(
            map_.take(block[:, ::-1, ::-1]), block[:, ::-1, ::-1].reshape(p, -1)[:, flat].reshape(back.shape)
        )
        np.testing.assert_array_equal(map_.add(back), sums)


def test_pieces_that_meet_are_summed():
    padded = np.pad(np.arange(40).reshape(5, 8), ((0, 0), (1, 1)), "wrap")
    map_, back = IndexMap.of_positions(padded, (5, 8)), np.random.default_rng(4).normal(size=(2, 5, 10))
    assert map_.boxes is not None
    sums = [np.bincount(padded.reshape(-1), row.reshape(-1), 40).reshape(5, 8) for row in back]
    np.testing.assert_allclose(map_.add(back), sums, rtol=1e-15)


def test_other_maps_have_none():
    rng = np.random.default_rng(2)
    assert shifts.boxes(rng.permutation(100)) is None
    assert IndexMap.of_positions(rng.permutation(100), (100,)).boxes is None
    assert IndexMap.of_positions(np.arange(5, 50), (100,)).boxes is None


def test_breaks_that_one_line_does_not_show():
    shift = np.roll(GRID, 1, 0)
    shift[2:4, 3] = shift[3:5, 3]
    assert shifts.boxes(shift) is None


def test_shifts_in_programs():
    def f(x):
        u = np.reshape(x, (70, 70))
        return np.roll(u, 1, 0) * u + np.roll(u, -1, (0, 1)) ** 2 + np.roll(u.T, 3, 1)

    x = np.linspace(0.5, 1.5, 4900)
    G, v = jf.trace(f, x), np.cos(np.arange(4900.0))
    for point in (x, 1.1 * x):
        np.testing.assert_array_equal(G(point), f(point))
        for found, expected in zip(G.jvp(point, v), jf.jvp(f, point, v), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
        V = np.stack([v, 2 * v])
        np.testing.assert_allclose(
            G.push(point, V), np.stack([np.ravel(jf.jvp(f, point, w)[1]) for w in V]), rtol=1e-14
        )
    assert ".take(" not in G.source and " roll(" not in G.source
