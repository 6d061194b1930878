"""Roots of systems by products."""

import numpy as np
import pytest

import jacfwd as jf


@pytest.mark.parametrize("n", [2, 3, 10, 100])
def test_exact_products_do_not_stop_lgmres_early(n):
    c = np.random.default_rng(n).random(n) * 5 + 1

    def f(p):
        return p**2 - c + 0.1 * np.roll(p, 1)

    found = jf.solvers.root(f, np.ones(n), method="krylov")
    assert found.success and found.nit <= 10
    np.testing.assert_allclose(f(found.x), 0, atol=1e-5)
