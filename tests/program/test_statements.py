"""Statements of their own kind: terms among zeros, joined terms, short axes, and memory that is taken over."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.program import reading


def joined(x):
    parts = [x[1:] * x[:-1], np.sin(x), x[::2] ** 2, x[:3]]
    places = np.concatenate([np.arange(9), 10 + 2 * np.arange(10), np.array([3, 3, 1, 40, 9]), np.array([0, 0, 1])])
    return np.bincount(places, np.concatenate(parts), minlength=50)


def joined_and_kept(x):
    both = np.concatenate([x, x * x])
    return np.bincount(np.arange(20) % 7, both), both


def overlapping(x):
    places = np.concatenate([2 + 2 * np.arange(5), np.arange(10), 5 + np.arange(10), np.array([1, 1, 18])])
    return np.bincount(places, np.concatenate([x[5:] ** 3, np.exp(x), x * x, x[:3]]), minlength=20)


def covering(x):
    return np.bincount(np.concatenate([np.arange(10), np.arange(10)]), np.concatenate([np.exp(x), x * x]))


def short_sums(x):
    a = np.reshape(x * x, (2, 5))
    b = np.stack([a, a * a, np.cos(a)], -1)
    return b.sum(-1), b.sum(axis=(2,), keepdims=True), a.sum(1), np.sum(b[:, ::2], axis=2), b.sum(0)


def padded(x):
    y = np.zeros(12)
    y[1:11] = x * x
    z = np.zeros(12)
    z[:10] = np.sin(x)
    return y + z, (y + z) * 2


FUNCTIONS = [joined, joined_and_kept, overlapping, covering, short_sums, padded]


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_value_tangent_and_pull(f):
    x = np.linspace(0.5, 1.5, 10)
    v = np.cos(np.arange(10.0))
    G = jf.trace(f, x)
    value = reading.value(G.data, [x])
    for careful in (False, True):
        for factor in (1.0, 0.7):
            point = factor * x
            found = value.run.program(careful)([point], None)
            expected = f(point)
            for got, other in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
                np.testing.assert_allclose(got, other, rtol=1e-14)
                assert got.shape == other.shape and got.flags.writeable and not np.shares_memory(got, point)
    for got, other in zip(leaves(G.jvp(x, v)), leaves(jf.jvp(f, x, v)), strict=True):
        np.testing.assert_allclose(got, other, rtol=1e-13)
    for got, other in zip(leaves(G.jacobian(x, method="reverse")), leaves(jf.jacobian(f)(x)), strict=True):
        np.testing.assert_allclose(got, other, rtol=1e-13, atol=1e-13)


def leaves(found):
    return [part for x in found for part in leaves(x)] if isinstance(found, tuple) else [found]


def scatter_sum(x):
    return np.sum(x[1:] ** 2 * x[:-1]) + np.sum(x[2:] ** 3) + np.sum(np.exp(x[::3]))


def test_gradients_add_terms_in_place():
    x = np.linspace(0.5, 1.5, 1000)
    G = jf.trace(scatter_sum, x)
    for factor in (1.0, 0.9):
        np.testing.assert_allclose(G.gradient(factor * x), jf.gradient(scatter_sum)(factor * x), rtol=1e-13)
    kept = G.gradient(x).copy()
    first = G.gradient(x)
    G.gradient(2 * x)
    np.testing.assert_array_equal(first, kept)
    assert "bincount" not in G._programs.gradient(G.data.inputs).run.text
