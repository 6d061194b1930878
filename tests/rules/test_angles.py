"""Sine and cosine at once: relative to each number as accurate as NumPy's, and as programs use them."""

import mpmath
import numpy as np
import pytest

import jacfwd as jf
from jacfwd.program import regions, schedule
from jacfwd.rules import angles

RNG = np.random.default_rng(3)
NUMBERS = {
    "small": RNG.uniform(-4, 4, 1000),
    "tiny": RNG.uniform(-1, 1, 100) * 10.0 ** RNG.integers(-300, 0, 100),
    "large": RNG.uniform(-1, 1, 1000) * 10.0 ** RNG.integers(1, 15, 1000),
    "near multiples of a quarter turn": np.pi / 2 * np.arange(-50, 50) * (1 + RNG.integers(-3, 4, 100) * 2.0**-52),
    "special": np.array([0.0, -0.0, np.pi, -np.pi, np.pi / 2, 1e300]),
}


def both(x):
    sine, cosine, spare = np.empty((3, len(x)))
    angles.sine_and_cosine(x, sine, cosine, spare)
    return sine, cosine


@pytest.mark.parametrize("x", NUMBERS.values(), ids=NUMBERS.keys())
def test_both_are_accurate_relative_to_each_number(x):
    with mpmath.workdps(400):
        exact = [[float(function(mpmath.mpf(each))) for each in x] for function in (mpmath.sin, mpmath.cos)]
    for found, expected in zip(both(x), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-14, atol=1e-300)


@pytest.mark.parametrize("x", NUMBERS.values(), ids=NUMBERS.keys())
def test_each_of_them_alone(x, monkeypatch):
    monkeypatch.setattr(angles, "MANY", 1)
    monkeypatch.setattr(angles, "BLOCK", 64)
    monkeypatch.setattr(angles, "is_worth_it", lambda: True)
    with mpmath.workdps(400):
        exact = [[float(function(mpmath.mpf(each))) for each in x] for function in (mpmath.sin, mpmath.cos)]
    for shape in ((-1,), (2, -1)):
        for function, expected in zip((angles.sine, angles.cosine), exact, strict=True):
            found = function(x.reshape(shape))
            np.testing.assert_allclose(found, np.reshape(expected, shape), rtol=2e-14, atol=1e-300)
            np.testing.assert_array_equal(function(x.reshape(shape)[::-1]), found[::-1])


def test_derivatives_of_large_arrays_and_of_what_has_no_tangent(monkeypatch):
    monkeypatch.setattr(angles, "is_worth_it", lambda: True)
    x = np.linspace(-20, 20, 2 * angles.MANY)
    for function, slope in ((np.sin, np.cos), (np.cos, lambda x: -np.sin(x))):
        np.testing.assert_allclose(jf.jvp(function, x, np.ones_like(x))[1], slope(x), rtol=2e-14, atol=0)
        np.testing.assert_array_equal(jf.jvp(function, x, np.ones_like(x))[0], function(x))
        small = x.astype(np.float32)
        np.testing.assert_array_equal(jf.jvp(function, small, np.ones_like(small))[1], slope(small))
    with np.errstate(invalid="ignore"):
        assert np.isnan(angles.cosine(np.full(angles.MANY, np.inf))).all()
        assert np.isnan(angles.sine(np.full(angles.MANY, np.nan))).all()


def test_what_is_not_finite_is_reported():
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        both(np.array([1.0, np.inf]))
    with np.errstate(invalid="ignore"):
        assert np.isnan(both(np.array([np.inf, np.nan]))).all()


@pytest.mark.parametrize("worth", [False, True])
def test_in_programs(worth, monkeypatch):
    monkeypatch.setattr(regions, "is_worth_it", lambda: worth)
    monkeypatch.setattr(schedule, "BLOCK", 64)
    monkeypatch.setattr(schedule, "LEAST", 65)

    def f(x):
        return np.sin(x) * x + np.cos(3 * x) * np.sin(2 * x), np.cos(x)

    x = np.linspace(-3, 3, 1000)
    G = jf.trace(f, x)
    for factor in (1.0, 0.5):
        (y, c), (dy, dc) = G.jvp(factor * x, np.cos(x))
        expected = jf.jvp(f, factor * x, np.cos(x))
        for found, other in zip((y, c, dy, dc), (*expected[0], *expected[1]), strict=True):
            np.testing.assert_allclose(found, other, rtol=0, atol=1e-14)
    run = next(made for key, made in G._programs._made.items() if key[0] == "value and tangent").run
    assert ("sine_and_cosine" in run.text) is worth
