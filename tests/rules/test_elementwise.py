"""Elementwise rules: every one against differences, and the conventions where no derivative exists."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.errors import JacobianMismatchError, NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.combined import Pair
from jacfwd.formats.entries import Entries
from jacfwd.primitive import Call
from jacfwd.recording.apply import apply
from jacfwd.rules import constant, elementwise, find, rewritten
from jacfwd.testing import bound, check_rule
from tests.rules.samples_elementwise import ROWS, SAMPLES

LINEAR_ALGEBRA = {
    np.matmul,
    np.vecdot,
    *(getattr(np, name) for name in ("matvec", "vecmat") if hasattr(np, name)),
}
WITHOUT_DERIVATIVE = {
    "integers and their bits": (
        np.bitwise_and,
        np.bitwise_or,
        np.bitwise_xor,
        np.invert,
        np.left_shift,
        np.right_shift,
        np.bitwise_count,
        np.gcd,
        np.lcm,
    ),
    "truth values of comparisons": (
        np.equal,
        np.not_equal,
        np.less,
        np.less_equal,
        np.greater,
        np.greater_equal,
    ),
    "truth values of tests": (np.isfinite, np.isinf, np.isnan, np.isnat, np.signbit),
    "truth values of truth values": (np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    "piecewise constant": (np.floor, np.ceil, np.trunc, np.rint, np.floor_divide, np.spacing),
}


def label(sample):
    """Function, dtypes and shapes, as an id for tests."""
    function, call = sample
    shapes = ",".join(f"{np.asarray(x).dtype.char}{list(np.shape(x))}" for x in call.args)
    return f"{function.__name__}({shapes}{''.join(f',{k}' for k in call.kwargs)})"


RULES = elementwise.RULES
CALLS = [(function, sample) for function, samples in SAMPLES.items() for sample in samples]


def weights(function, *args, k=0, **kwargs):
    """The local derivative with respect to operand k, one number per output."""
    primitive = find(function)
    with np.errstate(all="ignore"):
        call = bound(primitive, args, kwargs)
        local = primitive.local(call, k)
        return np.zeros(call.out_shape) if local is None else np.asarray(local.push(np.ones((1, *call.shape(k)))))[0]


# Coverage


def test_every_ufunc_of_numpy_has_a_rule_or_a_reason_to_have_none():
    ufuncs = {value for value in vars(np).values() if isinstance(value, np.ufunc)}
    without = {ufunc for ufuncs in WITHOUT_DERIVATIVE.values() for ufunc in ufuncs}
    others = {*RULES, *rewritten.RULES}
    differentiable = {function for function in others if isinstance(function, np.ufunc)}
    assert differentiable | without | LINEAR_ALGEBRA == ufuncs
    assert not (differentiable & without) | (without & LINEAR_ALGEBRA)
    assert without <= constant.RULES.keys()
    for ufunc in ufuncs:
        assert find(ufunc) is not None, ufunc


def test_ufuncs_elsewhere_in_numpy_take_no_numbers():
    strings = {value for value in vars(np.strings).values() if isinstance(value, np.ufunc)} - {
        value for value in vars(np).values() if isinstance(value, np.ufunc)
    }
    for ufunc in strings:
        assert not any(set(types.partition("->")[0]) & set("efdgFDG") for types in ufunc.types), ufunc


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == RULES.keys()


# Every rule


@pytest.mark.parametrize(("function", "sample"), CALLS, ids=map(label, CALLS))
def test_rule(function, sample):
    check_rule(function, *sample.args, analytic=sample.analytic, **sample.kwargs)


def off_by_a_percent(fmt):
    """The same structure with slightly wrong values."""
    if isinstance(fmt, Pair):
        return Pair(off_by_a_percent(fmt.holomorphic), off_by_a_percent(fmt.conjugate))
    assert isinstance(fmt, Entries)
    return fmt.scaled(np.multiply(fmt.weights, 1.01))


@pytest.mark.parametrize("function", [f for f, rule in RULES.items() if rule.kind == "elementwise"])
def test_an_error_of_a_percent_is_noticed(function):
    rule = RULES[function]

    def local(call, k):
        fmt = rule.local(call, k)
        return None if fmt is None else off_by_a_percent(fmt)

    def fails(sample):
        try:
            check_rule(function, *sample.args, rule=rule._replace(local=local), **sample.kwargs)
        except JacobianMismatchError:
            return True
        return False

    assert any(fails(sample) for sample in SAMPLES[function])


def second_order_calls():
    """Operand of the first derivative, operand of the second; one call for each shape of samples."""
    for function, sample in CALLS:
        primitive = find(function)
        if function is np.i0:
            continue
        if "dtype" in sample.kwargs or not all(np.size(x) for x in sample.args):
            continue
        operands, _ = primitive.bind(sample.args, sample.kwargs)
        inexact = [k for k, x in enumerate(operands) if x is not None and np.asarray(x).dtype.kind in "fc"]
        for j in inexact:
            yield pytest.param(function, sample, j, inexact, id=f"{label((function, sample))}-{j}")


@pytest.mark.parametrize(("function", "sample", "j", "inexact"), list(second_order_calls()))
def test_rules_are_differentiable_themselves(function, sample, j, inexact):
    primitive = find(function)
    call = bound(primitive, sample.args, sample.kwargs)
    random = np.random.default_rng(0)

    def directions(k, *lead):
        x = np.asarray(call.operands[k])
        v = random.uniform(0.5, 1.5, (*lead, *x.shape))
        return v * (1 - 0.7j) if x.dtype.kind == "c" else v

    blocks = {k: directions(k, 1) for k in inexact}

    def first_order(x):
        operands = list(call.operands)
        operands[j] = x
        out = apply(primitive, tuple(operands), call.params)
        locals_ = [(k, primitive.local(Call(primitive, out, tuple(operands), call.params), k)) for k in inexact]
        pushed = [fmt.push(blocks[k])[0] for k, fmt in locals_ if fmt is not None]
        return np.stack(pushed) if pushed else np.zeros((1, *call.out_shape))

    x, v = np.asarray(call.operands[j]), directions(j)
    with np.errstate(all="ignore"):
        _, dy = jf.jvp(first_order, x, v.astype(x.dtype))
        expected, error = richardson(first_order, x, v)
    low = any(np.asarray(operand).dtype.char in "fF" for operand in call.operands if operand is not None)
    scale = max(np.max(np.abs(expected), where=np.isfinite(expected), initial=0), 1) * (5e-3 if low else 1e-6)
    known = error < scale
    np.testing.assert_allclose(np.asarray(dy)[known], expected[known], rtol=0, atol=10 * scale)


# Conventions


@pytest.mark.parametrize(
    ("function", "args", "k", "expected"),
    [
        (np.absolute, (0.0,), 0, 0),
        (np.fabs, (-0.0,), 0, 0),
        (np.absolute, (np.zeros(2, complex),), 0, [0, 0]),
        (np.sign, (np.array([0.0, 2.0]),), 0, [0, 0]),
        (np.sign, (np.zeros(2, complex),), 0, [0, 0]),
        (np.heaviside, (np.array([-1.0, 0.0, 1.0]), 0.5), 0, [0, 0, 0]),
        (np.heaviside, (np.array([-1.0, 0.0, 1.0]), 0.5), 1, [0, 1, 0]),
        (np.copysign, (np.array([-2.0, 0.0, 2.0]), -1.0), 0, [1, 0, -1]),
        (np.sqrt, (np.array([0.0, 4.0]),), 0, [np.inf, 0.25]),
        (np.cbrt, (np.array([0.0, 8.0]),), 0, [np.inf, 1 / 12]),
        (np.hypot, (np.array([0.0, 3e300]), np.array([0.0, 4e300])), 0, [0, 0.6]),
        (np.hypot, (np.array([0.0, 3e-300]), np.array([0.0, 4e-300])), 1, [0, 0.8]),
        (np.arctan2, (np.array([0.0, 3e-200]), np.array([0.0, 4e-200])), 0, [0, 4e-200 / 25e-200 * 1e200]),
        (np.arctan2, (np.array([0.0, 3e200]), np.array([0.0, 4e200])), 1, [0, -3e-200 / 25]),
        (np.sinc, (np.array([0.0, 1.0]),), 0, [0, -1]),
        (np.where, (np.array([True, False]), np.array([0.0, np.nan]), 1.0), 1, [1, 0]),
        (np.where, (np.array([2, 0]), 1.0, np.array([0.0, np.nan])), 2, [0, 1]),
        (np.ldexp, (np.array([1.0, 1.0]), np.array([3, -1])), 0, [8, 0.5]),
        (np.nextafter, (1.0, 2.0), 0, 1),
        (np.nextafter, (1.0, 2.0), 1, 0),
        (np.remainder, (np.array([7.5, -7.5]), 2.0), 1, [-3, 4]),
        (np.fmod, (np.array([7.5, -7.5]), 2.0), 1, [-3, 3]),
        # 1 / 0.1 rounds to 10, yet fmod finds nine whole tenths and nearly another.
        (np.fmod, (1.0, 0.1), 1, -9),
        (np.remainder, (1.0, 0.1), 1, -9),
    ],
)
def test_convention(function, args, k, expected):
    np.testing.assert_allclose(weights(function, *args, k=k), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "y", "in_x", "in_y"),
    [
        (0.0, 0.0, 0, 0),
        (3.0, 0.0, 0, np.log(3)),
        (-3.0, 0.0, 0, np.nan),
        (np.nan, 0.0, 0, np.nan),
        (0.0, 1.0, 1, 0),
        (0.0, 2.0, 0, 0),
        (0.0, 0.5, np.inf, 0),
        (0.0, -1.0, -np.inf, -np.inf),
        (-2.0, 3.0, 12, np.nan),
        (-2.0, -1.0, -0.25, np.nan),
        (-2.0, 0.5, np.nan, np.nan),
        (2.0, 3.0, 12, 8 * np.log(2)),
    ],
)
@pytest.mark.parametrize("function", [np.power, np.float_power])
def test_powers(function, x, y, in_x, in_y):
    for first, second in [(x, y), (np.array([x]), np.array([y])), (np.array([[x]]), np.array(y))]:
        np.testing.assert_allclose(weights(function, first, second, k=0), np.full(np.shape(first), in_x), rtol=1e-15)
    np.testing.assert_allclose(weights(function, x, np.array([y]), k=1), [in_y], rtol=1e-15)
    np.testing.assert_allclose(weights(function, np.array([x]), np.array([y]), k=1), [in_y], rtol=1e-15)


def test_integer_powers_stay_cheap():
    x = np.array([-1.0, 0.0, 2.0])
    rule = find(np.power).rule
    call = {y: Call(find(np.power), x**y, (x, y), {}) for y in (0, 1, 2)}
    assert rule.local(call[0], 0).weights == 0
    assert rule.local(call[1], 0).weights == 1
    np.testing.assert_array_equal(rule.local(call[2], 0).weights, 2 * x)


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_ties_share_equally_and_nan_is_taken_as_numpy_takes_it(function):
    nan = np.nan
    x, y = np.array([1.0, 1.0, 2.0, nan, 1.0, nan]), np.array([1.0, 2.0, 1.0, 1.0, nan, nan])
    out = function(x, y)
    in_x, in_y = weights(function, x, y, k=0), weights(function, x, y, k=1)
    np.testing.assert_array_equal(in_x + in_y, 1)
    assert in_x[0] == 0.5
    for k in range(1, 6):  # which operand is it that comes out?
        taken = np.array_equal(out[k], x[k], equal_nan=True)
        assert (in_x[k], in_y[k]) == ((1, 0) if taken else (0, 1))


def test_without_ties_a_choice_is_a_mask():
    primitive = find(np.maximum)
    x, y = np.array([1.0, 2.0]), np.array([2.0, 1.0])
    assert primitive.local(Call(primitive, np.maximum(x, y), (x, y), {}), 0).weights.dtype == bool


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
def test_logaddexp_at_infinities_and_huge_differences(function):
    inf = np.inf
    x = np.array([inf, -inf, inf, -inf, 0.0, 1e4, 0.0, inf, 3.0])
    y = np.array([inf, -inf, -inf, inf, 1e4, 0.0, 0.0, 1.0, inf])
    np.testing.assert_array_equal(weights(function, x, y, k=0), [0.5, 0.5, 1, 0, 0, 1, 0.5, 1, 0])
    np.testing.assert_array_equal(weights(function, x, y, k=1), [0.5, 0.5, 0, 1, 1, 0, 0.5, 0, 1])


def test_sinc_keeps_its_digits_near_zero():
    x = np.array([1e-12, 1e-8, 1e-4, 1e-2, 0.159, 0.16])
    u = np.pi * x.astype(np.longdouble)
    terms = [
        (-1) ** k * 2 * k * u ** (2 * k - 1) / np.prod(np.arange(1.0, 2 * k + 2, dtype=u.dtype)) for k in range(1, 12)
    ]
    found, expected = weights(np.sinc, x), np.float64(np.pi * np.sum(terms, axis=0))
    np.testing.assert_allclose(found, expected, rtol=2e-14)
    np.testing.assert_allclose(found[:-1], expected[:-1], rtol=2e-15)  # where the series is


@pytest.mark.parametrize("z", [2 + 0j, 2 - 0j, complex(2, -0.0), -2 + 0j, complex(-2, -0.0)])
@pytest.mark.parametrize("function", [np.arcsin, np.arccos, np.arccosh, np.arctanh])
def test_branch_cuts_are_met_from_the_side_of_the_signed_zero(function, z):
    side = np.copysign(1e-9, z.imag)
    np.testing.assert_allclose(weights(function, z), weights(function, complex(z.real, side)), rtol=1e-8)


@pytest.mark.parametrize(("function", "slope"), [(np.arcsinh, 1e-200), (np.arccosh, 1e-200), (np.arctan, 0)])
def test_large_arguments_do_not_overflow(function, slope):
    np.testing.assert_allclose(weights(function, 1e200), slope)


def test_fill_values_are_operands():
    x = np.array([np.nan, np.inf, -np.inf, 2.0])
    for k, expected in enumerate(([0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0])):
        np.testing.assert_array_equal(weights(np.nan_to_num, x, True, 1.0, 2.0, 3.0, k=k), expected)


def test_parts_of_complex_numbers_are_replaced_one_by_one():
    primitive = find(np.nan_to_num)
    call = bound(primitive, (np.array([complex(np.nan, 1), complex(2, np.inf), 5j]), True, 0.0, 7.0), {})
    in_x, in_nan, in_inf = (primitive.local(call, k) for k in range(3))
    np.testing.assert_array_equal(in_x.push(np.full((1, 3), 3 + 4j))[0], [4j, 3, 3 + 4j])
    np.testing.assert_array_equal(in_x.T.push(np.full((1, 3), 3 + 4j))[0], [4j, 3, 3 + 4j])
    np.testing.assert_array_equal(in_nan.push(np.ones(1))[0], [1, 0, 0])
    np.testing.assert_array_equal(in_inf.push(np.ones(1))[0], [0, 1j, 0])


# Keywords


@pytest.mark.parametrize("keyword", [{"signature": "d->d"}, {"sig": "d->d"}, {"casting": "unsafe"}])
def test_keywords_that_may_truncate_are_refused(keyword):
    with pytest.raises(UnsupportedFunctionError, match=next(iter(keyword))):
        check_rule(np.sin, ROWS, **keyword)


def test_writing_in_place_is_refused():
    with pytest.raises(UnsupportedFunctionError, match="copy=False"):
        jf.jvp(lambda x: np.nan_to_num(x, copy=False), ROWS, ROWS)


@pytest.mark.parametrize("function", [f for f in RULES if isinstance(f, np.ufunc) and f is not np.float_power])
def test_float32_stays_float32(function):
    """Tangents do not grow into float64, next to Python numbers neither."""
    x = np.linspace(1.25, 1.75, 3, dtype=np.float32) if function is np.arccosh else np.float32([0.25, 0.5, 0.75])
    others = (2,) if function is np.ldexp else (0.5,) * (function.nin - 1)
    _, dx = jf.jvp(lambda x: function(x, *others), x, np.ones_like(x))
    primitive = find(function)
    assert dx.dtype == np.float32
    local = primitive.local(Call(primitive, function(x, *others), (x, *others), {}), 0)
    assert local is None or local.push(np.ones((1, 3), np.float32)).dtype == np.float32


def test_integers_are_no_inputs():
    with pytest.raises(NotDifferentiableError):
        jf.jvp(np.sin, 1, 1)
