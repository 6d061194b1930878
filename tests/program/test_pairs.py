"""Sine and cosine at once: relative to each number as accurate as NumPy's, and as programs use them."""

import mpmath
import numpy as np
import pytest

import jacfwd as jf
from jacfwd.program import pairs, regions, schedule

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
    pairs.sine_and_cosine(x, sine, cosine, spare)
    return sine, cosine


@pytest.mark.parametrize("x", NUMBERS.values(), ids=NUMBERS.keys())
def test_both_are_accurate_relative_to_each_number(x):
    with mpmath.workdps(400):
        exact = [[float(function(mpmath.mpf(each))) for each in x] for function in (mpmath.sin, mpmath.cos)]
    for found, expected in zip(both(x), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-14, atol=1e-300)


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
