"""scipy.signal: convolutions and recursive filters against differences, recorded, twice; what is refused."""

import numpy as np
import pytest
import scipy.signal as ss

import jacfwd as jf
from jacfwd.errors import JacfwdError, UnsupportedFunctionError
from jacfwd.rules import signals
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_signals import BUTTER, ROW, SAMPLES, SHORT, SIGNAL, SOS, TABLE, A, B
from tests.rules.test_fourier import resolved

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
# Whose coefficients are held constant.
CONSTANT = (ss.filtfilt, ss.sosfiltfilt, ss.sosfilt)
PARAMETERS = ("function", "args", "kwargs")


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == set(map(resolved, signals.RULES))


def rounding(args):
    return 1e-5 if any(getattr(x, "dtype", None) == np.float32 for x in args) else 1e-11


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    if function in (signals.convolved, signals.recursive):
        check_rule(function, *args, **kwargs)
    found = signals.RULES.get(f"scipy.signal:{function.__name__}")
    if found is not None:
        expected, got = function(*args, **kwargs), found.rewrite(*args, **kwargs)
        for e, g in zip(*((x if isinstance(x, tuple) else (x,)) for x in (expected, got)), strict=True):
            assert g.dtype == e.dtype
            np.testing.assert_allclose(g, e, rtol=0, atol=rounding(args), strict=True)


@pytest.mark.parametrize(PARAMETERS, CALLS[::2], ids=map(call_label, CALLS[::2]))
def test_recorded(function, args, kwargs):
    if function in CONSTANT:
        n = 2 if function is ss.filtfilt else 1
        coefficients, args = args[:n], args[n:]
        check_recorded(lambda x, *a, **k: function(*coefficients, x, *a, **k), args, kwargs, rounding=1e-11)
    else:
        check_recorded(function, args, kwargs, rounding=rounding(args))


@pytest.mark.parametrize(PARAMETERS, CALLS[::11], ids=map(call_label, CALLS[::11]))
def test_second_order(function, args, kwargs):
    if function not in CONSTANT:
        check_second_order(function, args, kwargs)


# Structure


def test_short_kernels_are_bands():
    J = jf.jacobian(lambda x: ss.convolve(x, SHORT, "same"), sparse=True)(np.ones(500))
    assert J.nnz == 3 * 500 - 2
    J = jf.jacobian(lambda x: ss.savgol_filter(x, 5, 2), sparse=True)(np.ones(500))
    assert J.nnz == 5 * 500


def test_no_matrix_is_formed():
    x = np.sin(np.arange(100_000.0))
    _, J = jf.linearize(lambda x: ss.lfilter(B, A, x), x)
    np.testing.assert_allclose(J @ x, ss.lfilter(B, A, x), atol=1e-12)
    np.testing.assert_allclose(J.T @ x, ss.lfilter(B, A, x[::-1])[::-1], atol=1e-12)
    _, J = jf.linearize(lambda x: ss.fftconvolve(x, np.hanning(1000), "same"), x)
    np.testing.assert_allclose(J @ x, ss.fftconvolve(x, np.hanning(1000), "same"), atol=1e-9)


def test_what_a_filter_answers_to_an_impulse():
    J = jf.jacobian(lambda x: ss.lfilter(B, A, x))(np.zeros(6))
    np.testing.assert_allclose(J[:, 0], ss.lfilter(B, A, [1.0, 0, 0, 0, 0, 0]), atol=1e-15)
    assert (np.triu(J, 1) == 0).all()


def test_states_go_on():
    """Filtering in two pieces is filtering at once."""

    def pieces(x):
        y, z = ss.lfilter(B, A, x[:3], zi=np.zeros(2))
        return np.concatenate([y, ss.lfilter(B, A, x[3:], zi=z)[0]])

    np.testing.assert_allclose(jf.jacobian(pieces)(ROW), jf.jacobian(lambda x: ss.lfilter(B, A, x))(ROW), atol=1e-14)


def test_the_envelope_of_a_signal():
    J = jf.jacobian(lambda x: np.abs(ss.hilbert(x)))(SIGNAL)
    step = 1e-6
    v = np.cos(np.arange(30.0))
    expected = (np.abs(ss.hilbert(SIGNAL + step * v)) - np.abs(ss.hilbert(SIGNAL - step * v))) / (2 * step)
    np.testing.assert_allclose(J @ v, expected, atol=1e-8)


def test_sections_have_derivatives_too():
    """SciPy takes nothing but 1 for their leading coefficient, so differences leave it alone."""
    _, found = jf.jvp(lambda t: ss.sosfilt(SOS * (1 + t * np.array([1.0, 0, 2, 0, 0, 0])), ROW), 0.0, 1.0)
    step = np.array([1e-6, 0, 2e-6, 0, 0, 0])
    expected = (ss.sosfilt(SOS * (1 + step), ROW) - ss.sosfilt(SOS * (1 - step), ROW)) / 2e-6
    np.testing.assert_allclose(found, expected, atol=1e-8)


# What is refused


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: ss.fftconvolve(x, x, axes=0), "axes="),
        (lambda x: ss.convolve2d(x, x, boundary="wrap"), "boundary='fill'"),
        (lambda x: ss.filtfilt(*BUTTER, x, method="gust"), "method='pad'"),
        (lambda x: ss.filtfilt(x[0], BUTTER[1], x), "constant coefficients"),
        (lambda x: ss.sosfiltfilt(SOS * x[0, 0], SIGNAL), "constant coefficients"),
        (lambda x: ss.savgol_filter(SIGNAL, 5, 2, 1, x[0, 0]), "'delta'"),
    ],
)
def test_what_has_no_derivative_is_refused(f, words):
    with pytest.raises(UnsupportedFunctionError, match=words):
        jf.jacobian(f)(TABLE)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ss.medfilt(x, 3),
        lambda x: ss.wiener(x, 3),
        lambda x: ss.resample(x, 12),
        lambda x: ss.resample_poly(x, 2, 1),
        lambda x: ss.decimate(np.tile(x, 5), 2),
        lambda x: ss.upfirdn([1.0, 2.0], x),
        lambda x: ss.welch(x, nperseg=4)[1],
        lambda x: ss.periodogram(x)[1],
        lambda x: ss.lfilter_zi(x[:2], [1.0, 0.5]),
        lambda x: ss.freqz(x[:2])[1].real,
        lambda x: ss.stft(x, nperseg=4)[2].real,
        lambda x: ss.find_peaks(x)[0] * 1.0,
        lambda x: ss.lsim(([1.0], [1.0, 1.0]), x, np.arange(8.0))[1],
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_has_no_rule_is_refused_or_right(f):
    try:
        J = jf.jacobian(f)(ROW)
    except JacfwdError as error:
        assert "test_signals.py" in str(error)  # noqa: PT017
    else:
        step = 1e-6 * np.cos(np.arange(8.0))
        np.testing.assert_allclose(J @ step, f(ROW + step) - f(ROW), rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ss.convolve(x, x, "other"),
        lambda x: ss.convolve(x, TABLE),
        lambda x: ss.lfilter(B, A, x, zi=np.zeros(3)),
        lambda x: ss.sosfilt(np.ones(5), x),
        lambda x: ss.filtfilt(*BUTTER, x[:3]),
        lambda x: ss.detrend(x, type="other"),
        lambda x: ss.savgol_filter(x[:3], 5, 2),
        lambda x: ss.hilbert(x, 0),
    ],
)
def test_mistakes_are_those_of_the_original(call):
    with pytest.raises(ValueError):  # noqa: PT011
        call(ROW)
    with pytest.raises(ValueError):  # noqa: PT011
        jf.jacobian(call)(ROW)
