"""Problems that SciPy's solvers are tried on: NIST's regressions, the set of More, Garbow and Hillstrom."""

import numpy as np
import pytest

import jacfwd as jf
from bench.mgh import PROBLEMS
from bench.nist import data_sets, digits
from jacfwd import solvers

DATA = data_sets()
TIGHT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
# Scales of which a trust region that is a ball makes too little in a thousand steps.
BADLY_SCALED = ("Powell badly scaled", "Brown badly scaled", "Meyer", "gulf")
# From these starts a local minimum is found, as with SciPy's differences.
HARD = ("Freudenstein and Roth", "trigonometric")


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", DATA)
def test_nist_regressions_to_six_digits(name, start):
    data = DATA[name]
    with np.errstate(all="ignore"):
        popt, pcov = solvers.curve_fit(
            data.model, data.x, data.y, data.starts[start], method="trf", x_scale="jac", max_nfev=5000, **TIGHT
        )
    assert digits(popt, data.certified) >= 6
    assert digits(np.sqrt(np.diag(pcov)), data.deviations) >= (4 if name != "Lanczos1" else 0)  # an exact fit
    if name not in ("Lanczos1", "Lanczos2"):
        rss = np.sum((data.model(data.x, *popt) - data.y) ** 2)
        np.testing.assert_allclose(rss, data.rss, rtol=1e-6)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_sums_of_squares_reach_their_minima(problem):
    start = problem.start.astype(float)
    with np.errstate(all="ignore"):
        jf.check_jacobian(problem.residuals, start + 1e-3)
        found = solvers.least_squares(problem.residuals, start, method="trf", x_scale="jac", max_nfev=1000, **TIGHT)
    assert any(np.isclose(2 * found.cost, minimum, rtol=1e-5, atol=1e-15) for minimum in problem.minima)


@pytest.mark.parametrize("method", ["hybr", "lm"])
@pytest.mark.parametrize("problem", [each for each in PROBLEMS if each.square], ids=lambda problem: problem.name)
def test_square_systems_have_roots(problem, method):
    with np.errstate(all="ignore"):
        found = solvers.root(problem.residuals, problem.start.astype(float), method=method)
    assert np.abs(found.fun).max() < 1e-7 or problem.name in HARD


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_minimisers_with_hessian_products(problem):
    if problem.name in BADLY_SCALED:
        pytest.skip("badly scaled")

    def f(x):
        return np.sum(problem.residuals(x) ** 2)

    options = {"maxiter": 1000, "gtol": 1e-8}
    with np.errstate(all="ignore"):
        found = solvers.minimize(f, problem.start.astype(float), method="trust-ncg", options=options)
    assert any(np.isclose(found.fun, minimum, rtol=1e-5, atol=1e-11) for minimum in problem.minima)
    assert found.jacfwd.method == "gradient + products"
