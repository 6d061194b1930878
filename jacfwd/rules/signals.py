"""Rules of scipy.signal: convolutions, recursive filters and what is made of them."""

import functools
import itertools
import math
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Dense
from jacfwd.formats.dispatch import as_array, constant_value, dispatched
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, local_rule, structured
from jacfwd.rules.filters import convolve1d
from jacfwd.rules.products import SHORT, Band

__all__ = ["RULES"]

# Convolutions in as many dimensions as both arrays have


@dispatched
def convolved(x: Any, h: Any, *, mode: str = "full", name: str = "convolve", method: str = "auto") -> Any:
    """`scipy.signal.convolve` and its kin of other names."""
    from scipy import signal

    options = {"method": method} if name == "convolve" else {}
    return getattr(signal, name)(x, h, mode, **options)


def stretch(n: Shape, m: Shape, mode: str) -> tuple[Shape, Shape]:
    """Where the output starts within the full convolution, and its shape."""
    if mode == "full":
        return (0,) * len(n), tuple(a + b - 1 for a, b in zip(n, m, strict=True))
    if mode == "same":
        return tuple((b - 1) // 2 for b in m), n
    return (
        tuple(min(a, b) - 1 for a, b in zip(n, m, strict=True)),
        tuple(abs(a - b) + 1 for a, b in zip(n, m, strict=True)),
    )


def convolved_local(call: Call, k: int) -> Format:
    """The other operand, as a band where short; its transpose convolves with that operand from its end."""
    n, h, m = call.shape(k), call.operands[1 - k], call.shape(1 - k)
    start, out_shape = stretch(call.shape(0), call.shape(1), call.params.get("mode", "full"))
    if len(n) == 1 and min(n[0], m[0]) <= SHORT:
        return Band(n[0], h, start[0], out_shape[0], False).format(n)
    part = tuple(slice(s, s + length) for s, length in zip(start, out_shape, strict=True))
    ends = [(s, a + b - 1 - s - length) for s, a, b, length in zip(start, n, m, out_shape, strict=True)]
    # The short way for real arrays, by whatever method the user chose.
    again = functools.partial(convolved, name="convolve", method=call.params.get("method", "auto"))

    def push(block: Any) -> Any:
        return np.stack([again(row, h)[part] for row in block]) if len(block) else np.zeros((0, *out_shape))

    def pull(block: Any) -> Any:
        rows = [again(np.pad(row, ends), np.flip(h), mode="valid") for row in block]
        return np.stack(rows) if rows else np.zeros((0, *n))

    axes = tuple(range(len(n)))

    def support(i: np.ndarray, o: np.ndarray) -> np.ndarray:
        inner, outer = np.unravel_index(i, n), np.unravel_index(o, out_shape)
        offsets = (b + s - a for a, b, s in zip(inner, outer, start, strict=True))
        return np.logical_and.reduce([(d >= 0) & (d < size) for d, size in zip(offsets, m, strict=True)])

    work = math.prod(n) * math.prod(m)
    return Operator(n, out_shape, push, pull, (axes, axes), support, cost=(work, work))


def convolution(name: str) -> Rule:
    """The rule of `convolve`, `fftconvolve` or `oaconvolve`."""

    def function(in1: Any, in2: Any, mode: str = "full", method: str = "auto", axes: Any = None) -> Any:
        x, h = as_array(in1), as_array(in2)
        if axes is not None or np.ndim(x) != np.ndim(h):
            if np.ndim(x) != np.ndim(h):
                raise ValueError("in1 and in2 should have the same dimensionality")
            raise UnsupportedFunctionError(f"{name}: axes= has no derivative rule; convolve one row after the other")
        if mode not in ("full", "same", "valid"):
            raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
        if np.ndim(x) == 0 or np.size(x) == 0 or np.size(h) == 0:
            return x * h if np.ndim(x) == 0 else np.zeros(0)
        if mode == "valid" and not _nested(np.shape(x), np.shape(h)):
            raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
        options = {"method": method} if name == "convolve" else {}
        return convolved(x, h, mode=mode, name=name, **options)

    return composed(function)


def _nested(n: Shape, m: Shape) -> bool:
    """Whether one shape is at least as large as the other in every dimension."""
    return all(a >= b for a, b in zip(n, m, strict=True)) or all(a <= b for a, b in zip(n, m, strict=True))


def reversed_conjugate(x: Any) -> Any:
    """What correlation convolves with."""
    x = np.flip(as_array(x))
    return np.conjugate(x) if np.iscomplexobj(x) else x


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """A convolution with the second array from its end, and conjugate."""
    return CONVOLVE(as_array(in1), reversed_conjugate(in2), mode, method)


CONVOLVE: Any = convolution("convolve").rewrite


def plane(name: str) -> Rule:
    """The rule of `convolve2d` or `correlate2d`, with zeros around."""

    def function(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
        if boundary != "fill" or constant_value(fillvalue) is None or fillvalue != 0:
            raise UnsupportedFunctionError(f"{name}: only boundary='fill' with fillvalue=0 has a derivative rule")
        if np.ndim(in1) != 2 or np.ndim(in2) != 2:
            raise ValueError(f"{name} inputs must both be 2-D arrays")
        x = as_array(in1)
        if name == "convolve2d":
            return CONVOLVE(x, in2, mode, "direct")
        if mode != "same":
            return CONVOLVE(x, reversed_conjugate(in2), mode, "direct")
        # Its middle is another one than the convolution's, where a length is even.
        part = tuple(slice(m // 2, m // 2 + n) for n, m in zip(np.shape(x), np.shape(in2), strict=True))
        return CONVOLVE(x, reversed_conjugate(in2), "full", "direct")[part]

    return composed(function)


# Recursive filters: a[0] y[n] = sum b[k] x[n - k] - sum a[k] y[n - k]


@dispatched
def recursive(b: Any, a: Any, x: Any, *, axis: int) -> Any:
    """`scipy.signal.lfilter` from rest."""
    from scipy import signal

    return signal.lfilter(b, a, x, axis)


def recursive_local_x(call: Call) -> Format:
    """The filter itself along its axis; its transpose runs backwards."""
    b, a, x = call.operands
    axis = call.params["axis"] % np.ndim(x)

    def there(block: Any) -> Any:
        return recursive(b, a, block, axis=axis + 1)

    def back(block: Any) -> Any:
        return np.flip(recursive(b, a, np.flip(block, axis + 1), axis=axis + 1), axis + 1)

    taps = call.shape(0)[0] if call.shape(1)[0] == 1 else None

    def support(i: np.ndarray, o: np.ndarray) -> np.ndarray:
        return (o >= i) & (True if taps is None else o - i < taps)

    work = np.size(x) * (call.shape(0)[0] + call.shape(1)[0])
    return Operator(call.shape(2), call.out_shape, there, back, ((axis,), (axis,)), support, cost=(work, work))


def delayed(response: Any, count: int, axis: int) -> Any:
    """A signal and its delays by 1, 2, ... along an axis, zeros coming in."""
    n = response.shape[axis]
    shifted = [response]
    for k in range(1, count):
        zeros = np.zeros((*response.shape[:axis], min(k, n), *response.shape[axis + 1 :]), response.dtype)
        kept = response[(slice(None),) * axis + (slice(0, max(n - k, 0)),)]
        shifted.append(np.concatenate([zeros, kept], axis=axis))
    return np.stack(shifted)


def recursive_local_b(call: Call) -> Format:
    """Delays of what `1 / a` makes of x."""
    _, a, x = call.operands
    axis = call.params["axis"] % np.ndim(x)
    response = recursive(np.ones(1), a, x, axis=axis)
    return Dense(delayed(response, call.shape(0)[0], axis), call.shape(0))


def recursive_local_a(call: Call) -> Format:
    """Minus the delays of what `1 / a` makes of the output."""
    a, axis = call.operands[1], call.params["axis"] % len(call.out_shape)
    response = recursive(np.ones(1), a, call.out, axis=axis)
    return Dense(np.negative(delayed(response, call.shape(1)[0], axis)), call.shape(1))


def final_state(b: Any, a: Any, x: Any, y: Any, zi: Any) -> Any:
    """The delays after the last sample, along the first axis: `z[i] = sum_(k > i) b[k] x[N - k + i] - a[k] y[...]`."""
    n, order = np.shape(x)[0], np.shape(zi)[0]
    states = []
    for i in range(order):
        terms = [zi[i + n]] if i + n < order else []
        for k in range(i + 1, order + 1):
            at = n - (k - i)
            if at >= 0:
                terms += [b[k] * x[at]] if k < np.shape(b)[0] else []
                terms += [-a[k] * y[at]] if k < np.shape(a)[0] else []
        states.append(sum(terms[1:], terms[0]) if terms else np.zeros_like(zi[0]))
    return np.stack(states)


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """`scipy.signal.lfilter`: what starts at rest, and what the initial delays add."""
    b, a, x = np.atleast_1d(as_array(b)), np.atleast_1d(as_array(a)), as_array(x)
    x = x if x.dtype.kind in "fc" else x.astype(float)
    if np.ndim(b) != 1 or np.ndim(a) != 1:
        raise ValueError("object of too small depth for desired array")
    y = recursive(b, a, x, axis=axis)
    if zi is None:
        return y
    order = max(np.shape(b)[0], np.shape(a)[0]) - 1
    x, y, zi = np.moveaxis(x, axis, 0), np.moveaxis(y, axis, 0), np.moveaxis(as_array(zi), axis, 0)
    if np.shape(zi)[0] != order or np.ndim(zi) != np.ndim(x):
        raise ValueError(f"Unexpected shape for zi: {np.shape(zi)[0]} delays along the axis, expected {order}")
    zi = np.broadcast_to(zi, (order, *np.shape(x)[1:]))
    b, a = b / a[0], a / a[0]
    if order:
        n = np.shape(x)[0]
        start = np.concatenate([zi[:n], np.zeros((max(n - order, 0), *np.shape(x)[1:]))])
        y = y + recursive(np.ones(1), a, start, axis=0)
    zf = final_state(b, a, x, y, zi) if order else zi
    return np.moveaxis(y, 0, axis), np.moveaxis(zf, 0, axis)


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """`scipy.signal.sosfilt`: one section after the other."""
    sos, y = np.atleast_2d(as_array(sos)), as_array(x)
    if np.ndim(sos) != 2 or np.shape(sos)[1] != 6:
        raise ValueError("sos array must be shape (n_sections, 6)")
    last = []
    for k in range(np.shape(sos)[0]):
        b, a = sos[k, :3], sos[k, 3:]
        if zi is None:
            y = lfilter(b, a, y, axis)
        else:
            y, zf = lfilter(b, a, y, axis, as_array(zi)[k])
            last.append(zf)
    return y if zi is None else (y, np.stack(last))


# Forwards and backwards


def continued(x: Any, n: int, padtype: str | None) -> Any:
    """The signal along its first axis, with n samples more at either end."""
    if not n or padtype is None:
        return x
    left, right = np.flip(x[1 : n + 1], 0), np.flip(x[-n - 1 : -1], 0)
    if padtype == "odd":
        left, right = 2 * x[:1] - left, 2 * x[-1:] - right
    elif padtype == "constant":
        left, right = (np.broadcast_to(end, (n, *np.shape(x)[1:])) for end in (x[:1], x[-1:]))
    elif padtype != "even":
        raise ValueError(
            f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', 'constant', or None."
        )
    return np.concatenate([left, x, right])


def there_and_back(x: Any, axis: int, padtype: str | None, edge: int, once: Any) -> Any:
    """The filter `once(x, first)` along the first axis, run forwards and backwards over the continued signal."""
    x = np.moveaxis(as_array(x), axis, 0)
    edge = 0 if padtype is None else edge
    if np.shape(x)[0] <= edge:
        raise ValueError(f"The length of the input vector x must be greater than padlen, which is {edge}.")
    y = continued(x, edge, padtype)
    y = once(y, y[:1])
    y = np.flip(once(np.flip(y, 0), y[-1:]), 0)
    return np.moveaxis(y[edge : np.shape(y)[0] - edge], 0, axis)


def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: Any = None,
    method: str = "pad",
    irlen: Any = None,
) -> Any:
    """`scipy.signal.filtfilt` with constant coefficients."""
    from scipy import signal

    b, a = constant_value(b), constant_value(a)
    if method != "pad" or b is None or a is None:
        raise UnsupportedFunctionError("filtfilt: only constant coefficients and method='pad' have a derivative rule")
    b, a = np.atleast_1d(b), np.atleast_1d(a)
    n = max(len(a), len(b))
    zi = signal.lfilter_zi(b, a) if n > 1 else np.zeros(0)

    def once(y: Any, first: Any) -> Any:
        start = np.reshape(zi, (-1,) + (1,) * (np.ndim(y) - 1))
        return lfilter(b, a, y, 0, start * first)[0] if n > 1 else lfilter(b, a, y, 0)

    return there_and_back(x, axis, padtype, 3 * n if padlen is None else padlen, once)


def sosfiltfilt(sos: Any, x: Any, axis: int = -1, padtype: str | None = "odd", padlen: Any = None) -> Any:
    """`scipy.signal.sosfiltfilt` with constant coefficients."""
    from scipy import signal

    sos = constant_value(sos)
    if sos is None:
        raise UnsupportedFunctionError("sosfiltfilt: only constant coefficients have a derivative rule")
    sos = np.asarray(sos)
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    zi = signal.sosfilt_zi(sos)

    def once(y: Any, first: Any) -> Any:
        start = np.reshape(zi, (*zi.shape, *(1,) * (np.ndim(y) - 1)))
        return sosfilt(sos, y, 0, start * first)[0]

    return there_and_back(x, axis, padtype, int(3 * taps) if padlen is None else padlen, once)


# Smoothing, trends, the analytic signal


def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> Any:
    """`scipy.signal.savgol_filter`: a stencil inside, near the ends the polynomial of the last window."""
    from scipy import signal

    delta = constant_value(delta)
    if delta is None:
        raise UnsupportedFunctionError("savgol_filter: no derivative with respect to 'delta'; hold it constant")
    x = as_array(x)
    x = x if x.dtype in (np.float32, np.float64) else x.astype(float)
    if mode not in ("mirror", "constant", "nearest", "interp", "wrap"):
        raise ValueError("mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp'.")
    coefficients = signal.savgol_coeffs(window_length, polyorder, deriv, delta)
    if mode != "interp":
        return convolve1d(x, coefficients, axis, None, mode, cval)
    y, half = np.moveaxis(x, axis, 0), window_length // 2
    if window_length > np.shape(y)[0]:
        raise ValueError("If mode is 'interp', window_length must be less than or equal to the size of x.")
    window = signal.savgol_filter(np.eye(window_length), window_length, polyorder, deriv, delta, axis=0)
    inner = convolve1d(y, coefficients, 0, None, "constant")[half : np.shape(y)[0] - half]
    ends = (np.tensordot(rows, part, 1) for rows, part in (
        (window[:half], y[:window_length]), (window[window_length - half :], y[np.shape(y)[0] - window_length :])
    ))  # fmt: skip
    first, last = (end.astype(x.dtype) for end in ends)
    return np.moveaxis(np.concatenate([first, inner, last]), 0, axis)


def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False) -> Any:
    """`scipy.signal.detrend`: what is left of each segment beside its mean, or its line."""
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    x = as_array(data)
    x = x if x.dtype.kind in "fc" else x.astype(float)
    if type[0] == "c":
        return x - np.mean(x, axis, keepdims=True)
    y = np.moveaxis(x, axis, 0)
    n = np.shape(y)[0]
    breaks = sorted({0, n, *map(int, np.atleast_1d(bp))})
    if breaks[-1] > n:
        raise ValueError("Breakpoints must be less than length of data along given axis.")
    parts = []
    for start, stop in itertools.pairwise(breaks):
        line = np.stack([np.ones(stop - start), np.arange(1, stop - start + 1) / (stop - start)], axis=1)
        basis = np.linalg.qr(line)[0][:, : min(2, stop - start)]
        parts.append(y[start:stop] - np.tensordot(basis, np.tensordot(basis.T, y[start:stop], 1), 1))
    return np.moveaxis(np.concatenate(parts), 0, axis)


def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """`scipy.signal.hilbert`: the transform without its negative frequencies."""
    x = as_array(x)
    if np.iscomplexobj(x):
        raise ValueError("x must be real.")
    n = np.shape(x)[axis] if N is None else N
    if n <= 0:
        raise ValueError("N must be positive.")
    keep = np.zeros(n)
    keep[0] = 1
    keep[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        keep[n // 2] = 1
    shape = [1] * np.ndim(x)
    shape[axis] = n
    return np.fft.ifft(np.fft.fft(x, n, axis) * np.reshape(keep, shape), axis=axis)


RULES: dict[Any, Rule] = {
    convolved: local_rule(convolved_local),
    "scipy.signal:convolve": convolution("convolve"),
    "scipy.signal:fftconvolve": convolution("fftconvolve"),
    "scipy.signal:oaconvolve": convolution("oaconvolve"),
    "scipy.signal:correlate": composed(correlate),
    "scipy.signal:convolve2d": plane("convolve2d"),
    "scipy.signal:correlate2d": plane("correlate2d"),
    recursive: structured(recursive_local_b, recursive_local_a, recursive_local_x),
    "scipy.signal:lfilter": composed(lfilter),
    "scipy.signal:sosfilt": composed(sosfilt),
    "scipy.signal:filtfilt": composed(filtfilt),
    "scipy.signal:sosfiltfilt": composed(sosfiltfilt),
    "scipy.signal:savgol_filter": composed(savgol_filter),
    "scipy.signal:detrend": composed(detrend),
    "scipy.signal:hilbert": composed(hilbert),
}
