"""Sums of elements that meet, against addition one by one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jacfwd.formats.sums import MANY, Sums


def one_by_one(positions, block, n):
    out = np.zeros((len(block), n), block.dtype)
    for k, at in enumerate(positions):
        out[:, at] += block[:, k]
    return out


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.longdouble, np.complex128, np.complex64])
@pytest.mark.parametrize(("p", "size", "n"), [(1, 5, 3), (4, 3, 7), (2, MANY, 40), (3, MANY + 7, 5000), (1, MANY, 1)])
def test_against_one_by_one(dtype, p, size, n):
    rng = np.random.default_rng(size)
    positions = rng.integers(0, n, size)
    block = rng.integers(-8, 8, (p, size)).astype(dtype)  # sums of small integers are exact in every order
    if np.dtype(dtype).kind == "c":
        block = (block * (1 + 2j)).astype(dtype)
    found = Sums(positions, n)(block)
    assert found.dtype == dtype and found.shape == (p, n) and found.flags.writeable
    np.testing.assert_array_equal(found, one_by_one(positions, block, n))


@pytest.mark.parametrize("size", [100, MANY, 3 * MANY])
def test_order_of_addition_is_that_of_the_elements(size):
    rng = np.random.default_rng(1)
    positions, block = rng.integers(0, 37, size), rng.normal(size=(2, size)) * 10.0 ** rng.integers(-9, 9, size)
    np.testing.assert_array_equal(Sums(positions, 37)(block), one_by_one(positions, block, 37))


def test_short_numbers_are_summed_in_doubles():
    block = np.full((1, 2 * MANY), 0.1, np.float32)
    found = Sums(np.zeros(2 * MANY, int), 1)(block)
    assert found[0, 0] == np.float32(2 * MANY * float(np.float32(0.1)))


def test_views_empty_blocks_and_holes():
    positions = np.arange(MANY) * 2
    block = np.arange(2.0 * MANY)[::2].reshape(1, -1)
    found = Sums(positions, 2 * MANY + 3)(block)
    np.testing.assert_array_equal(found[0, positions], block[0])
    assert found.sum() == block.sum()
    none = np.zeros(0, int)
    assert Sums(none, 3)(np.zeros((2, 0))).tolist() == [[0.0] * 3] * 2
    assert Sums(positions, 2 * MANY)(np.zeros((0, MANY))).shape == (0, 2 * MANY)


def test_threads_do_not_meet():
    rng = np.random.default_rng(3)
    sums = Sums(rng.integers(0, 50, 2 * MANY), 50)
    blocks = rng.normal(size=(16, 1, 2 * MANY))
    expected = [sums(block) for block in blocks]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for got, one in zip(pool.map(sums, blocks), expected, strict=True):
                np.testing.assert_array_equal(got, one)
