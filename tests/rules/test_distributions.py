"""scipy.stats: every distribution against differences, in its variable, location, scale and shapes."""

import numpy as np
import pytest
import scipy.stats as st
from scipy.stats import gamma, norm
from scipy.stats._distr_params import distcont

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.errors import JacfwdError, UnsupportedFunctionError
from jacfwd.rules.distributions import APPROXIMATE, CONTINUOUS, COUNTS, DISCRETE, KINDS, RULES, counted, standard
from jacfwd.testing import check_rule
from tests.rules.recorded import check_recorded, check_second_order

SHAPES = {name: shapes for name, shapes in distcont if isinstance(name, str) and hasattr(st, name)} | {
    "erlang": (4,),
    "levy_stable": (1.8, 0.5),
}
COUNTED = {"poisson": (2.5,), "binom": (7, 0.3), "bernoulli": (0.3,), "geom": (0.3,), "nbinom": (2.5, 0.4)}
PROBABILITIES = np.array([0.2, 0.45, 0.8])
LOC, SCALE = np.float64(0.4), np.float64(1.3)
# Whose parameters in SciPy's own list put differences off.
ELSEWHERE = {"fatiguelife": (0.6,)}


def shapes_of(name):
    return tuple(np.float64(s) for s in ELSEWHERE.get(name, SHAPES[name]))


def compare(f, x, tolerance=2e-6):
    """A directional derivative and the value, against differences and the plain call."""
    y, dy = jf.jvp(f, x, np.ones_like(x))
    np.testing.assert_allclose(y, f(x), rtol=1e-11)
    expected, error = richardson(f, x, np.ones_like(x), steps=5, step=1e-3)
    assert np.all(np.abs(dy - expected) <= tolerance * np.maximum(1, np.abs(expected)) + 10 * error)


def test_names_are_scipys():
    assert all(hasattr(st, name) for name in [*CONTINUOUS, *DISCRETE])
    assert set(COUNTED) == set(DISCRETE)
    assert len(CONTINUOUS) >= 35


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", sorted(set(SHAPES) - APPROXIMATE))
def test_distribution_functions_and_quantiles_of_every_distribution(name):
    method, shapes = getattr(st, name), shapes_of(name)
    x = method.ppf(PROBABILITIES, *shapes) * SCALE + LOC
    compare(lambda x: method.cdf(x, *shapes, loc=LOC, scale=SCALE), x)
    compare(lambda q: method.ppf(q, *shapes, LOC, SCALE), PROBABILITIES, 1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_known_distributions_in_every_parameter(name, kind):
    method, shapes = getattr(getattr(st, name), kind), shapes_of(name)
    x = getattr(st, name).ppf(PROBABILITIES, *shapes) * SCALE + LOC
    at = PROBABILITIES if kind in ("ppf", "isf") else x
    compare(lambda x: method(x, *shapes, loc=LOC, scale=SCALE), at)
    compare(lambda loc: method(at, *shapes, loc, SCALE), LOC)
    compare(lambda scale: method(at, *shapes, loc=LOC, scale=scale), SCALE)
    known = CONTINUOUS[name]
    for k, partial in enumerate(known.score[1:] if kind in ("pdf", "logpdf") else known.drift):
        assert partial is not None
        compare(lambda s, k=k: method(at, *(s if j == k else t for j, t in enumerate(shapes)), LOC, SCALE), shapes[k])


@pytest.mark.parametrize("kind", COUNTS)
@pytest.mark.parametrize("name", COUNTED)
def test_counting_distributions_in_their_parameters(name, kind):
    method, shapes = getattr(getattr(st, name), kind), tuple(map(np.float64, COUNTED[name]))
    k = np.arange(1.0, 4) if name == "geom" else np.arange(3.0) if name != "bernoulli" else np.arange(2.0)
    k = k[:-1] if kind == "logsf" and name == "bernoulli" else k
    partials = DISCRETE[name][0 if kind.endswith("pmf") else 1]
    for j, partial in enumerate(partials):
        if partial is not None:
            compare(lambda s, j=j: method(k, *(s if i == j else t for i, t in enumerate(shapes))), shapes[j])
    _, dk = jf.jvp(lambda k: getattr(st, name).cdf(k + 0.5, *shapes, loc=1), k, np.ones_like(k))
    assert not dk.any()


SAMPLES = [
    (norm.pdf, (np.array([-1.0, 0.5]), np.float64(0.2), np.array([1.0, 2.0])), {}),
    (norm.logpdf, (np.array([[0.5], [1.0]]), np.array([0.1, 0.2])), {"scale": np.float64(2.0)}),
    (norm.cdf, (np.array([-1.0, 0.5]),), {}),
    (norm.ppf, (np.array([0.2, 0.5]),), {"loc": np.float64(1.0)}),
    (gamma.logpdf, (np.array([1.0, 2.0]), np.array([1.5, 2.5])), {"scale": np.float64(2.0)}),
    (gamma.pdf, (np.array([-1.0, 2.0]), np.float64(1.5)), {}),
    (st.weibull_min.sf, (np.array([1.0, 0.5, -1.0]), np.float64(2.0)), {}),
    (st.lognorm.isf, (np.array([0.3, 0.6]), np.float64(0.7)), {}),
    (st.poisson.logpmf, (np.array([1, 3]), np.array([2.0, 4.0])), {}),
    (st.beta.logpdf, (np.array([0.3, 0.6]), np.float64(2.0), np.float64(3.0)), {}),
    (st.t.pdf, (np.zeros(0), np.float64(3.0)), {}),
    (st.uniform.logpdf, (np.array([0.3, 0.6]), np.float64(-1.0), np.float64(3.0)), {}),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), SAMPLES)
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)
    check_second_order(function, args, kwargs)


@pytest.mark.parametrize("kind", ["cdf", "logpdf", "isf"])
def test_rules(kind):
    assert {standard, counted} <= RULES.keys()
    check_rule(standard, np.array([0.3, 0.6]), np.float64(2.0), dist=st.weibull_min, kind=kind)
    check_rule(standard, np.array([[0.3], [0.6]]), dist=norm, kind=kind)


def test_frozen_and_by_other_names():
    from scipy.stats import norm as renamed

    x = np.array([0.3, -0.4])
    pdf, frozen = renamed.pdf, norm(0.0, 2.0)
    expected = jf.jacobian(lambda x: np.exp(-x * x / 8) / np.sqrt(8 * np.pi))(x)
    for f in (
        lambda x: pdf(x, scale=2.0),
        lambda x: frozen.pdf(x),
        lambda x: st.norm(loc=0.0, scale=2.0).pdf(x),
        frozen.pdf,
    ):
        np.testing.assert_allclose(jf.jacobian(f)(x), expected, rtol=1e-13)
    shifted = jf.gradient(lambda loc: st.norm(loc, 2.0).logpdf(1.0))(np.float64(0.4))
    np.testing.assert_allclose(shifted, 0.6 / 4)


def test_log_likelihoods_and_their_curvature():
    """The Fisher information of a normal sample: n / s^2 and 2 n / s^2 at the maximum."""
    data = np.random.default_rng(0).normal(3.0, 2.0, 50)
    best = np.array([data.mean(), data.std()])

    def likelihood(p):
        return np.sum(norm.logpdf(data, p[0], p[1]))

    np.testing.assert_allclose(jf.gradient(likelihood)(best), 0, atol=1e-12)
    s = best[1]
    np.testing.assert_allclose(-jf.hessian(likelihood)(best), np.diag([50 / s**2, 100 / s**2]), atol=1e-11)


def test_a_density_is_diagonal():
    J = jf.jacobian(lambda x: gamma.pdf(x, 2.0), sparse=True)(np.arange(1.0, 100))
    assert J.nnz == 99


def test_outside_the_support_and_where_a_scale_is_none():
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_array_equal(jf.jacobian(lambda x: st.uniform.cdf(x))(x), np.diag([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(jf.jacobian(lambda x: st.uniform.logpdf(x))(x), 0)
    value = jf.jvp(lambda s: norm.pdf(x, 0, s), np.float64(-1.0), np.float64(1.0))[0]
    assert np.isnan(value).all()


# The normal distribution in several dimensions


MEAN, COV = np.array([0.5, -1.0]), np.array([[2.0, 0.3], [0.3, 1.0]])
POINTS = np.array([[0.1, 0.2], [1.0, -2.0], [0.0, 0.5]])


@pytest.mark.parametrize("x", [POINTS, POINTS[0], POINTS[None]])
@pytest.mark.parametrize("name", ["logpdf", "pdf"])
def test_multivariate_normal(name, x):
    method = getattr(st.multivariate_normal, name)

    def symmetric(x, mean, cov):
        return method(x, mean, (cov + cov.T) / 2)

    check_recorded(symmetric, (x, MEAN, COV), {}, rounding=1e-13)
    frozen = st.multivariate_normal(MEAN, COV)
    J = jf.jacobian(lambda x: getattr(frozen, name)(x))(x)
    np.testing.assert_allclose(J, jf.jacobian(lambda x: method(x, MEAN, COV))(x), atol=1e-15)


def test_multivariate_normal_of_numbers():
    for f in (
        lambda x: st.multivariate_normal.logpdf(x, MEAN, np.array([1.0, 2.0])),
        lambda x: st.multivariate_normal.logpdf(x, MEAN, 2.0),
        lambda x: st.multivariate_normal.logpdf(x[0]),
        lambda x: st.multivariate_normal.logpdf(x[:, 0], 0.5, 2.0),
    ):
        compare(f, POINTS)


# What is refused


class Own(st.rv_continuous):
    def _cdf(self, x):
        return x**2


OWN = Own(a=0, b=1)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: gamma.cdf(2.0, x), "gamma.cdf has no known derivative with respect to 'a'"),
        (lambda x: st.t.ppf(0.3, x), "'df'"),
        (lambda x: st.nakagami.pdf(x, 2.0), "nakagami.pdf has no known derivative with respect to its variable"),
        (lambda x: st.binom.pmf(2, x, 0.3), "'n'"),
        (lambda x: OWN.cdf(x), "no distribution of SciPy's"),
        (lambda x: st.levy_stable.cdf(x, 1.8, 0.5), "no distribution of SciPy's"),
        (lambda x: st.multivariate_normal.pdf(np.ones(2), cov=x * np.eye(2), allow_singular=True), "allow_singular"),
    ],
)
def test_what_has_no_known_derivative_is_refused(f, words):
    with pytest.raises(UnsupportedFunctionError, match=words):
        jf.jacobian(f)(np.float64(0.7))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: norm.mean(x[0]),
        lambda x: norm.entropy(0.0, x[0]),
        lambda x: norm.fit(x)[0],
        lambda x: norm.expect(lambda t: t * x[0]),
        lambda x: st.gaussian_kde(x)(0.5),
        lambda x: st.zscore(x),
        lambda x: st.skew(x),
        lambda x: st.pearsonr(x, np.arange(3.0)).statistic,
        lambda x: st.gmean(x),
        lambda x: st.linregress(x, np.arange(3.0)).slope,
    ],
)
def test_what_has_no_rule_is_refused_or_right(f):
    x = np.array([0.5, 0.9, 0.2])
    try:
        J = jf.jacobian(f)(x)
    except JacfwdError as error:
        assert "test_distributions.py" in str(error)  # noqa: PT017
    else:
        expected, _ = richardson(f, x, np.ones(3))
        np.testing.assert_allclose(J @ np.ones(3), expected, atol=1e-7)
