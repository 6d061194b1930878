"""Special functions: every rule against differences and against 50 digits of mpmath; what has no derivative refuses."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import jacfwd as jf
from jacfwd.rules import bessel, find, gamma, hypergeometric
from jacfwd.rules import special as rules
from jacfwd.testing import check_rule
from tests.rules.recorded import check_recorded, check_second_order
from tests.rules.samples_special import SPECIAL, special_calls

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
HERE = {name: sample for name, sample in SPECIAL.items() if hasattr(special, name)}
TABLES = [family.RULES for family in (rules, gamma, bessel, hypergeometric)]
WITHOUT = {"round", "gammasgn"}


CALLS = [(name, args) for name in HERE for args in special_calls(name)]
IDS = [f"{name}-{','.join(str(np.shape(x)) for x in args)}-{np.result_type(*args).char}" for name, args in CALLS]


def test_every_rule_has_a_sample():
    named = {key.partition(":")[2] for table in TABLES for key in table if isinstance(key, str)}
    assert named - WITHOUT == SPECIAL.keys()


@pytest.mark.parametrize(("name", "args"), CALLS, ids=IDS)
def test_rule(name, args):
    function = getattr(special, name)
    if find(function).rewrite is None:
        held = {k for k, x in enumerate(SPECIAL[name].operands) if not isinstance(x, tuple)}
        primitive = find(function)
        operands, _ = primitive.bind(args, {})
        # Parameters that refuse a derivative are held: as integers where the function takes them, else closed over.
        if any(np.asarray(operands[k]).dtype.kind in "fc" for k in held if k < len(operands)):
            check_recorded(lambda *rest: function(*filled(args, held, rest)), free(args, held), {}, rounding=1e-6)
            return
        check_rule(function, *args)
    else:
        check_rule(function, *args)


def free(args, held):
    return tuple(x for k, x in enumerate(args) if k not in held)


def filled(args, held, rest):
    rest = list(rest)
    return tuple(x if k in held else rest.pop(0) for k, x in enumerate(args))


SMALL_CALLS = [(name, next(itertools.islice(special_calls(name), 1, None))) for name in HERE]


@pytest.mark.parametrize(("name", "args"), SMALL_CALLS, ids=[name for name, _ in SMALL_CALLS])
def test_recorded(name, args):
    held = {k for k, x in enumerate(SPECIAL[name].operands) if not isinstance(x, tuple)}
    function = getattr(special, name)
    check_recorded(lambda *rest: function(*filled(args, held, rest)), free(args, held), {}, rounding=1e-14)


NO_SECOND = {"huber"}


@pytest.mark.parametrize(("name", "args"), SMALL_CALLS, ids=[name for name, _ in SMALL_CALLS])
def test_second_order(name, args):
    if name in NO_SECOND:
        return
    held = {k for k, x in enumerate(SPECIAL[name].operands) if not isinstance(x, tuple)}
    function = getattr(special, name)
    check_second_order(lambda *rest: function(*filled(args, held, rest)), free(args, held), {})


def against_mpmath(name, count=7):
    """The worst relative errors of values and derivatives on a grid of the domain."""
    sample, function = SPECIAL[name], getattr(special, name)
    worst = [0.0, 0.0]
    free_operands = [k for k, x in enumerate(sample.operands) if isinstance(x, tuple)]
    with mp.workdps(50):
        for k in free_operands:
            low, high = sample.operands[k]
            for t in np.linspace(low, high, count) + 1e-3:
                at = [
                    float(t) if j == k else (x[0] + 2 * x[1]) / 3 if isinstance(x, tuple) else x
                    for j, x in enumerate(sample.operands)
                ]
                y, dy = jf.jvp(lambda x, at=at, k=k: function(*at[:k], x, *at[k + 1 :]), at[k], 1.0)
                parts = range(len(y)) if isinstance(y, tuple) else [None]
                for part in parts:

                    def exact(x, at=at, k=k, part=part):
                        given = [mp.mpf(v) if isinstance(v, float) else v for v in (*at[:k], x, *at[k + 1 :])]
                        out = sample.exact(*given)
                        return out if part is None else out[part]

                    value, slope = exact(mp.mpf(at[k])), mp.diff(exact, mp.mpf(at[k]))
                    got = (y, dy) if part is None else (y[part], dy[part])
                    for i, (found, wanted) in enumerate(zip(got, (value, slope), strict=True)):
                        error = abs(mp.mpmathify(complex(found)) - wanted) / max(abs(wanted), mp.mpf("1e-3"))
                        worst[i] = max(worst[i], float(error))
    return worst


@pytest.mark.parametrize("name", [name for name, sample in HERE.items() if sample.exact is not None])
def test_fifty_digits(name):
    value, slope = against_mpmath(name)
    assert slope <= max(1e-10, 1e3 * value), (value, slope)


REFUSED = [
    (special.jv, (1.3, 2.0), 0),
    (special.gammainc, (1.3, 2.0), 0),
    (special.betainc, (1.3, 2.0, 0.5), 1),
    (special.hyp2f1, (1.3, 2.0, 0.5, 0.1), 2),
    (special.stdtr, (1.3, 2.0), 0),
    (special.zeta, (2.3, 2.0), 0),
    (special.ellipj, (0.3, 0.5), 1),
    (special.eval_jacobi, (2.0, 0.5, 0.5, 0.2), 1),
    (special.psi, (1 + 2j,), 0),
    (special.jve, (1.3, 1 + 2j), 1),
]


@pytest.mark.parametrize(("function", "args", "k"), REFUSED, ids=lambda v: getattr(v, "__name__", ""))
def test_parameters_without_a_known_derivative_refuse(function, args, k):
    def f(x):
        return function(*args[:k], x, *args[k + 1 :])

    with pytest.raises(jf.UnsupportedFunctionError, match="no derivative with respect to"):
        jf.jvp(f, args[k], np.ones_like(args[k]))
    with pytest.raises(jf.UnsupportedFunctionError, match="custom_jvp"):
        jf.jacobian(f, holomorphic=isinstance(args[k], complex))(args[k])


class TestPointsWhereFormulasChange:
    def slope(self, function, x):
        return jf.jvp(function, x, 1.0)[1]

    def test_limits(self):
        assert self.slope(lambda x: special.xlogy(x, 0.0), 0.0) == 0
        assert self.slope(lambda y: special.xlogy(0.0, y), 0.0) == 0
        assert self.slope(lambda y: special.xlog1py(0.0, y), -1.0) == 0
        assert self.slope(special.spence, 1.0) == -1
        assert self.slope(special.exprel, 0.0) == 0.5
        assert self.slope(lambda z: special.lambertw(z).real, 0.0) == 1
        assert self.slope(lambda x: special.shichi(x)[0], 0.0) == 1
        assert self.slope(lambda x: special.sici(x)[0], 0.0) == 1
        np.testing.assert_allclose(self.slope(special.ellipk, 0.0), np.pi / 8, rtol=1e-15)
        np.testing.assert_allclose(self.slope(special.ellipe, 0.0), -np.pi / 8, rtol=1e-15)
        assert self.slope(lambda x: special.eval_chebyt(0, x), 0.3) == 0

    @pytest.mark.parametrize("n", range(4))
    def test_poles_of_gamma(self, n):
        wanted = (-1) ** n * special.factorial(n)
        np.testing.assert_allclose(self.slope(special.rgamma, -float(n)), wanted, rtol=1e-14)

    @pytest.mark.parametrize("lmbda", [0.0, 1e-9, 1e-3, 0.2, -0.2])
    def test_transforms_of_data_near_the_logarithm(self, lmbda):
        for y in (0.4, 2.5):
            with mp.workdps(50):

                def exact(lam, y=y):
                    return mp.log(y) if lam == 0 else (mp.mpf(y) ** lam - 1) / lam

                wanted = mp.diff(exact, mp.mpf(lmbda) + mp.mpf("1e-30"))
            np.testing.assert_allclose(
                self.slope(lambda lam, y=y: special.boxcox(y, lam), lmbda), float(wanted), rtol=1e-10
            )
            with mp.workdps(50):

                def inverse(lam, y=y):
                    return (1 + lam * mp.mpf(y)) ** (1 / lam)

                wanted = mp.diff(inverse, mp.mpf(lmbda) + mp.mpf("1e-20"), h=mp.mpf("1e-25"))
            np.testing.assert_allclose(
                self.slope(lambda lam, y=y: special.inv_boxcox(y, lam), lmbda), float(wanted), rtol=1e-8
            )

    @pytest.mark.parametrize("m", [0.0, 1e-8, 1e-5, 1e-3])
    def test_elliptic_integrals_of_small_parameters(self, m):
        with mp.workdps(50):
            first = mp.diff(lambda m: mp.ellipf(mp.mpf("0.7"), m), mp.mpf(m))
            second = mp.diff(lambda m: mp.ellipe(mp.mpf("0.7"), m), mp.mpf(m))
        np.testing.assert_allclose(self.slope(lambda m: special.ellipkinc(0.7, m), m), float(first), rtol=1e-8)
        np.testing.assert_allclose(self.slope(lambda m: special.ellipeinc(0.7, m), m), float(second), rtol=1e-8)

    def test_sums_of_exponentials(self):
        a = np.array([[0.3, -np.inf, 1.0], [-np.inf, -np.inf, -np.inf]])
        J = jf.jacobian(lambda a: special.logsumexp(a, axis=1))(a)
        np.testing.assert_allclose(J[0, 0], special.softmax(a[0]))
        assert not J[1].any()
        b = np.array([1.0, 2.0, 0.0])
        x = np.array([0.3, -1.0, 5.0])
        J = jf.jacobian(lambda x: special.logsumexp(x, b=b, keepdims=True))(x)
        np.testing.assert_allclose(J[0], b * np.exp(x) / (b * np.exp(x)).sum())
        with pytest.raises(jf.UnsupportedFunctionError, match="sign"):
            jf.jvp(lambda x: special.logsumexp(x, return_sign=True)[0], x, x)

    def test_softmax_is_what_scipy_computes(self):
        x = np.array([[1000.0, 1001.0], [-3.0, np.inf]])
        for axis in (None, 0, 1, (0, 1)):
            y, _ = jf.jvp(lambda x, axis=axis: special.softmax(x, axis=axis), x[:1], x[:1])
            np.testing.assert_array_equal(y, special.softmax(x[:1], axis=axis))
            y, _ = jf.jvp(lambda x, axis=axis: special.log_softmax(x, axis=axis), x[:1], x[:1])
            np.testing.assert_array_equal(y, special.log_softmax(x[:1], axis=axis))


def test_errors_name_the_function_of_scipy():
    with pytest.raises(jf.UnsupportedFunctionError, match=r"scipy.special.*voigt_profile"):
        jf.jvp(lambda x: special.voigt_profile(x, 1.0, 1.0), 0.5, 1.0)


@pytest.mark.parametrize("options", [{"exact": True}, {"extend": "complex"}])
def test_factorials_of_whole_numbers_are_refused(options):
    with pytest.raises(jf.UnsupportedFunctionError, match="factorial"):
        jf.jvp(lambda n: special.factorial(n, **options), 3.0, 1.0)
