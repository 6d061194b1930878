"""Fourier transforms: against differences, recorded, twice; structure, keywords, large ones."""

import functools
import sys

import numpy as np
import pytest
import scipy.fft

import jacfwd as jf
from jacfwd.errors import JacobianMismatchError
from jacfwd.formats.combined import Pair
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, structured
from jacfwd.rules import cosines, find, fourier
from jacfwd.testing import bound, check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_fourier import COSINES, CUBE, MATRIX, ROW, SAMPLES

CALLS = [(function, args, kwargs) for function, samples in (SAMPLES | COSINES).items() for args, kwargs in samples]
TRACEABLE = [call for call in CALLS if any(hasattr(x, "dtype") for x in (*call[1], *call[2].values()))]
PARAMETERS = ("function", "args", "kwargs")


def resolved(key):
    """The function behind a key of the table."""
    module, _, name = key.partition(":") if isinstance(key, str) else ("", "", "")
    return functools.reduce(getattr, name.split("."), sys.modules[module]) if module else key


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == set(map(resolved, fourier.RULES))
    assert COSINES.keys() == set(map(resolved, cosines.RULES))


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, TRACEABLE[::2], ids=map(call_label, TRACEABLE[::2]))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs)


@pytest.mark.parametrize(PARAMETERS, TRACEABLE[::7], ids=map(call_label, TRACEABLE[::7]))
def test_second_order(function, args, kwargs):
    check_second_order(lambda *a, **k: function(*a, **k) ** 2, args, kwargs)


# Analytic: the matrix of a transform


@pytest.mark.parametrize(("fft", "rfft"), [(np.fft.fft, np.fft.rfft), (scipy.fft.fft, scipy.fft.rfft)])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_the_jacobian_is_the_matrix_of_roots_of_unity(fft, rfft, norm):
    n = 7
    roots = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    scale = {None: 1, "ortho": n**-0.5, "forward": 1 / n}[norm]
    got = jf.jacobian(lambda z: fft(z, norm=norm), holomorphic=True)(np.zeros(n, complex))
    np.testing.assert_allclose(got, scale * roots, atol=1e-15 * n)
    half = jf.jacobian(lambda x: rfft(x, norm=norm))(np.zeros(n))
    np.testing.assert_allclose(half, scale * roots[: n // 2 + 1], atol=1e-15 * n)


@pytest.mark.parametrize(
    ("there", "back", "x"),
    [
        (np.fft.rfft2, np.fft.irfft2, MATRIX),
        (scipy.fft.rfftn, scipy.fft.irfftn, CUBE[..., :4]),
        (np.fft.ihfft, np.fft.hfft, ROW),
        (scipy.fft.fftn, scipy.fft.ifftn, CUBE),
    ],
)
def test_there_and_back_is_the_identity(there, back, x):
    J = jf.jacobian(lambda x: np.real(back(there(x))))(x)
    np.testing.assert_allclose(J.reshape(x.size, -1), np.eye(x.size), atol=1e-14)


@pytest.mark.parametrize("function", [scipy.fft.dct, scipy.fft.dst])
def test_cosines_and_sines_of_every_type(function):
    """The second types, written out: https://docs.scipy.org/doc/scipy/reference/generated/scipy.fft.dct.html."""
    n = 5
    k, m = np.arange(n)[:, None], 2 * np.arange(n) + 1
    wave = np.cos(np.pi * k * m / (2 * n)) if function is scipy.fft.dct else np.sin(np.pi * (k + 1) * m / (2 * n))
    np.testing.assert_allclose(jf.jacobian(lambda x: function(x))(ROW[:n]), 2 * wave, atol=1e-14)
    inverse = scipy.fft.idct if function is scipy.fft.dct else scipy.fft.idst
    for type in (1, 2, 3, 4):
        J = jf.jacobian(lambda x, type=type: inverse(function(x, type), type))(ROW)
        np.testing.assert_allclose(J, np.eye(6), atol=1e-14)


# Structure


def local(function, *args, **kwargs):
    call = bound(find(function), args, kwargs)
    return call.primitive.local(call, 0)


def test_no_matrix_is_formed():
    n = 2**18
    x = np.zeros(n)

    def f(x):
        return np.fft.irfft(np.fft.rfft(x) * np.arange(n // 2 + 1))

    _, J = jf.linearize(f, x)
    v = np.sin(np.arange(n))
    np.testing.assert_allclose(J @ v, f(v), atol=1e-6)
    assert (J.T @ v).shape == (n,)
    assert local(np.fft.fft, x).work() == (2 * n * 18, 3 * n * 18)
    assert local(np.fft.irfft, x[: n // 2 + 1]).work() == (2 * n * 18, 3 * n * 18)
    assert local(scipy.fft.dct, x).work() == (2 * n * 19, 3 * n * 19)
    assert local(scipy.fft.dctn, np.ones((2, 3)), s=(4, 5)).work() == (2 * 20 * 6, 3 * 20 * 6)
    assert local(scipy.fft.fft2, x.reshape(2**8, 2**10)).work() == (2 * n * 18, 3 * n * 18)


def test_what_is_cut_off_has_no_entries():
    assert local(np.fft.fft, np.ones(6), n=4).nnz == 16
    assert local(np.fft.fft, np.ones(3), n=4).nnz == 12
    assert local(np.fft.irfft, np.ones(6), n=4).nnz == 3 * 4
    assert local(np.fft.irfft, np.ones(6), n=5).nnz == 3 * 5
    assert local(scipy.fft.idct, np.ones(6), n=4).nnz == 16
    fmt = local(scipy.fft.rfft2, np.ones((4, 3)), (2, 5))
    assert fmt.nnz == fmt.pattern().nnz == (2 * 3) * (2 * 3)
    pattern = jf.sparsity(lambda x: np.fft.fft(x, n=2), np.ones((2, 3))).toarray()
    np.testing.assert_array_equal(pattern, np.kron(np.eye(2), [[1, 1, 0], [1, 1, 0]]) > 0)


def test_only_the_axes_transformed_mix():
    pattern = jf.sparsity(lambda x: np.fft.fft(x, axis=0), np.ones((3, 2)))
    np.testing.assert_array_equal(pattern.toarray(), np.kron(np.ones((3, 3)), np.eye(2)) > 0)


def test_real_results_of_complex_numbers_are_pairs():
    assert isinstance(local(np.fft.irfft, ROW + 0j), Pair)
    assert isinstance(local(np.fft.irfft, ROW), Operator)


# Keywords


def test_results_are_written_where_asked():
    def f(x):
        out = np.zeros((2, 3), complex)
        np.fft.fft(x, axis=0, out=out[0])
        np.fft.fftn(x, None, None, "ortho", out[1])
        return out.real

    y, J = jf.value_and_jacobian(f)(x := np.array([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(y, [np.fft.fft(x).real, np.fft.fftn(x, norm="ortho").real])
    np.testing.assert_allclose(J[1], J[0] / np.sqrt(3), atol=1e-15)


def test_scipy_is_found_by_any_name():
    from scipy.fft import fft as renamed

    def inside(x):
        from scipy import fft

        return fft.fft(x).real

    expected = jf.jacobian(lambda x: np.fft.fft(x).real)(ROW)
    for f in (lambda x: renamed(x).real, lambda x: scipy.fft.fft(x).real, inside):
        np.testing.assert_allclose(jf.jacobian(f)(ROW), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.fft.fft(x, norm="other"), ValueError),
        (lambda x: np.fft.fft(x, n=0), ValueError),
        (lambda x: np.fft.rfft(x + 1j), TypeError),
        (lambda x: scipy.fft.fft(x, plan=3), NotImplementedError),
        (lambda x: scipy.fft.fft(x, workers=0), ValueError),
        (lambda x: np.fft.fftfreq(2.5, x), ValueError),
        (lambda x: np.fft.fftfreq(3, x[0], device="gpu"), ValueError),
    ],
)
def test_mistakes_are_those_of_the_original(call, error):
    with pytest.raises(error):
        call(ROW)
    with pytest.raises(error):
        jf.jacobian(call)(ROW)


@pytest.mark.parametrize("name", ["fft", "ihfft", "irfft", "hfft", "rfft"])
def test_an_error_of_a_percent_is_noticed(name):
    rule = find(getattr(np.fft, name)).rule

    def wrong(call: Call):
        fmt = rule.local(call, 0)
        return Operator(
            fmt.in_shape,
            fmt.out_shape,
            lambda b: 1.01 * fmt.apply(b),
            lambda b: 1.01 * fmt.transposed(b),
            fmt.mixed,
        )

    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(getattr(np.fft, name), ROW, rule=structured(wrong).on("a"))
