"""Values of formats may be stand-in arrays: what is made of them can be differentiated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Pair
from jacfwd.formats.compose import add, compose, real_part, stack
from jacfwd.formats.entries import Entries, coo_entries, diagonal, segments, selection
from jacfwd.formats.index import IndexMap
from tests.formats.made import blocks

N = 12
POSITIONS = np.random.default_rng(0).permutation(np.r_[np.arange(N - 3), 1, 1, 2])
SOURCES = np.random.default_rng(1).permutation(N)
BASE = np.random.default_rng(2).normal(size=N)
SLOPE = np.random.default_rng(3).normal(size=N)
MATRIX = np.random.default_rng(4).normal(size=(N, N))

TAKEN = IndexMap.of_positions(POSITIONS, (N,))
ODD = IndexMap((N // 2,), (N,), affine=(1, (2,)))
ONE = IndexMap((N,), (), affine=(0, (0,)))


def doubled(w):
    """Two lists of entries as one."""
    rows, cols = np.concatenate([POSITIONS, SOURCES]), np.concatenate([SOURCES, SOURCES])
    return coo_entries((N,), (N,), rows, cols, np.concatenate([w, w * w]))


def stretched():
    """Half as many elements, each twice."""
    return selection(IndexMap.of_positions(np.arange(N) // 2, (N // 2,)))


# Formats from (N,) to (N,) whose values are made of an array of N numbers.
KINDS = {
    "diagonal": lambda w: diagonal(w, (N,), (N,)),
    "scaled": lambda w: diagonal(w[0], (N,), (N,)),
    "mask": lambda w: diagonal(w > 0, (N,), (N,)),
    "selection": lambda w: Entries((N,), (N,), None, TAKEN, w),
    "slice": lambda w: compose(stretched(), Entries((N,), (N // 2,), None, ODD, w[::2])),
    "segments": lambda w: segments(TAKEN, w),
    "listed": lambda w: coo_entries((N,), (N,), POSITIONS, SOURCES, w),
    "twice": doubled,
    "dense": lambda w: Dense(MATRIX * w, (N,)),
    "partly": lambda w: Dense(np.tri(N) * w, (N,), np.tri(N, dtype=bool)),
    "contraction": lambda w: Contraction("j", [(MATRIX * w, "ij")], "i", {"i": N, "j": N}),
    "sum": lambda w: add([diagonal(w, (N,), (N,)), Entries((N,), (N,), None, TAKEN, w * w)]),
    "low rank": lambda w: compose(diagonal(w, (), (N,)), segments(ONE, w)),
}


def check(f):
    """The derivative of an array function of one number, by recording and by differences."""
    t = np.float64(0.3)
    value, slope = jf.jvp(f, t, np.float64(1.0))
    expected, _ = richardson(lambda t: np.asarray(f(t)), t, np.float64(1.0))
    np.testing.assert_allclose(value, f(0.3), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-8)


def weights(t, k=0):
    return BASE * (1 + k) + SLOPE * t * t


@pytest.mark.parametrize("kind", KINDS)
def test_readings(kind):
    v = blocks((N,), 1, 2)
    make = KINDS[kind]
    check(lambda t: make(weights(t)).push(v))
    check(lambda t: make(weights(t)).T.push(v))
    check(lambda t: make(weights(t)).todense())
    check(lambda t: written(make(weights(t))))
    check(lambda t: make(weights(t)).push(v * t))


def written(fmt):
    """The matrix from the listed entries."""
    rows, cols, values = fmt.coo()
    return np.bincount(rows * fmt.n_in + cols, weights=values, minlength=fmt.n_in * fmt.n_out)


@settings(max_examples=60, deadline=None)
@given(*(st.sampled_from(sorted(KINDS)) for _ in range(3)))
def test_products_and_sums(first, second, third):
    a, b, c = KINDS[first], KINDS[second], KINDS[third]

    def product(t):
        return compose(c(weights(t, 2)), compose(b(weights(t, 1)), a(weights(t))))

    def total(t):
        return add([a(weights(t)), b(weights(t, 1)), compose(b(weights(t)), c(weights(t, 2)))])

    v = blocks((N,), 1, 2)
    check(lambda t: product(t).push(v))
    check(lambda t: written(product(t)))
    check(lambda t: total(t).push(v))
    check(lambda t: written(total(t)))


def test_views_of_traced_blocks():
    v = blocks((N,), 1, 2)
    for index in (ODD, IndexMap((N // 2,), (N,), affine=(N - 1, (-2,))), IndexMap((3, 2), (N,), affine=(1, (1, 4)))):
        check(lambda t, index=index: selection(index).push(v * t))
        check(lambda t, index=index: selection(index).T.push(v[:, : index.size].reshape(2, *index.shape) * t))


def test_masks_of_traced_values_add_up_as_numbers():
    check(lambda t: t * add([diagonal(weights(t) > 0, (N,), (N,))] * 3).push(blocks((N,))))


def test_stacks():
    v = blocks((N,), 1, 2)
    parts = list(KINDS.values())
    check(lambda t: stack([make(weights(t)) for make in parts[:4]], (N,), [N] * 4).push(v))
    check(lambda t: stack([make(weights(t)) for make in parts * 4], (N,), [N] * 4 * len(parts)).push(v))


def test_conjugates_and_real_parts():
    v = blocks((N,), 1, 2, True)
    make = KINDS["listed"]
    check(lambda t: np.real(Pair(make(weights(t) * 1j), make(weights(t) * (1 + 2j))).push(v)))
    check(lambda t: np.imag(make(weights(t) * (1 + 2j)).conj().push(v)))
    check(lambda t: real_part(make(weights(t) * (1 + 2j))).push(v.real))
