"""Rules of discrete Fourier transforms, of NumPy's and of SciPy's: linear maps along axes, never a full matrix."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.base import Format, Shape, Work
from jacfwd.formats.combined import Pair
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, moves, structured

__all__ = ["RULES", "on_parts", "resized", "transform_axes", "within"]


def resized(block: Any, n: int, axis: int) -> Any:
    """The first n elements along an axis, or all of them and zeros after them."""
    have = block.shape[axis]
    if have >= n:
        return block[(slice(None),) * axis + (slice(n),)] if have > n else block
    shape = tuple(n - have if k == axis else m for k, m in enumerate(block.shape))
    return np.concatenate([block, np.zeros(shape, block.dtype)], axis=axis)


def on_parts(function: Callable[[Any], Any], block: Any) -> Any:
    """A function of real blocks, applied to real and imaginary parts."""
    if not np.iscomplexobj(block):
        return function(block)
    return function(np.real(block)) + 1j * function(np.imag(block))


def transform_axes(call: Call) -> tuple[list[int], list[int | None]]:
    """The axes that are transformed, from the front, and the lengths asked for, None where none was."""

    def given(name: str) -> Any:
        default = call.primitive.signature.parameters[name].default
        return call.params.get(name, default)

    shape = call.shape(0)
    if "n" in call.primitive.signature.parameters:
        return [given("axis") % len(shape)], [given("n")]
    axes, s = given("axes"), given("s")
    if s is not None:
        s = [int(n) if n is not None else None for n in np.atleast_1d(np.asarray(s, object))]
    if axes is None:
        axes = range(len(shape) - len(shape if s is None else s), len(shape))
    axes = [int(k) % len(shape) for k in np.atleast_1d(np.asarray(axes, int))]
    s = [-1] * len(axes) if s is None else s
    return axes, [shape[k] if n == -1 else n for n, k in zip(s, axes, strict=True)]


def within(shape: Shape, axes: Sequence[int], kept: Sequence[int]) -> Callable[[Any, Any], Any] | None:
    """Which flat positions within the axes lie in their first `kept` elements; None where all do.

    It is the support of a map that cuts its input off and then mixes what is left.
    """
    sizes = tuple(shape[k] for k in axes)
    if len(set(axes)) < len(axes) or all(n <= k for n, k in zip(sizes, kept, strict=True)):
        return None

    def support(i: Any, o: Any) -> Any:
        places = np.unravel_index(i, sizes)
        return functools.reduce(np.logical_and, (at < k for at, k in zip(places, kept, strict=True)))

    return support


class Transform:
    """One call of a transform: its axes in the order in which they are transformed, with lengths before and after.

    The transform of real numbers is Hermitian, so that half of one axis is left away: `of real` does that with its
    first step, `to real` puts it back with its last.
    """

    def __init__(self, call: Call, kind: str, forward: bool) -> None:
        self.call, self.kind, self.forward = call, kind, forward
        self.norm = call.params.get("norm")
        self.dft: Callable[..., Any] = np.fft.fft if forward else np.fft.ifft
        axes, lengths = transform_axes(call)
        pairs = list(zip(axes, lengths, strict=True))
        self.order = pairs if kind == "to real" else pairs[::-1]
        shape, self.steps = list(call.shape(0)), list[tuple[int, int, int]]()
        for at, (axis, n) in enumerate(self.order):
            if kind == "to real" and at == len(pairs) - 1:
                n = call.out_shape[axis]
            before, after = shape[axis], shape[axis] if n is None else n
            self.steps.append((axis, before, after))
            shape[axis] = after // 2 + 1 if kind == "of real" and at == 0 else after

    @property
    def work(self) -> Work:
        """About `5 n log2 n` operations for each axis."""
        size = max(math.prod(self.call.shape(0)), math.prod(self.call.out_shape))
        passes = sum(max(n - 1, 1).bit_length() for _, _, n in self.steps)
        return 2 * size * passes, 3 * size * passes

    def operator(self, apply: Callable[[Any], Any], back: Callable[[Any], Any]) -> Operator:
        """The map between the call's shapes that acts like this."""
        axes = tuple(dict.fromkeys(axis for axis, _, _ in self.steps))
        half = self.steps[-1][0] if self.kind == "to real" else None
        kept = [n // 2 + 1 if axis == half else n for axis, _, n in self.steps]
        support = within(self.call.shape(0), [axis for axis, _, _ in self.steps], kept)
        return Operator(
            self.call.shape(0), self.call.out_shape, apply, back, (axes, axes), support=support, cost=self.work
        )

    def sweep(self, block: Any, steps: Sequence[tuple[int, int, int]]) -> Any:
        """Complex transforms along axes, one after the other."""
        for axis, _, n in steps:
            block = self.dft(block, n, axis + 1, self.norm)
        return block

    def sweep_back(self, block: Any, steps: Sequence[tuple[int, int, int]]) -> Any:
        """The transpose: the matrix of a transform is symmetric, that of cutting off fills up."""
        for axis, before, n in reversed(steps):
            block = resized(self.dft(block, n, axis + 1, self.norm), before, axis + 1)
        return block

    def complex(self) -> Format:
        """Complex numbers to complex numbers."""
        return self.operator(lambda block: self.sweep(block, self.steps), lambda w: self.sweep_back(w, self.steps))

    def of_real(self) -> Format:
        """Real numbers to the first half of their transform along the last axis."""
        first, *others = self.steps
        axis, before, n = first[0] + 1, first[1], first[2]
        half: Callable[..., Any] = np.fft.rfft if self.forward else np.fft.ihfft

        def back(block: Any) -> Any:
            return resized(self.dft(self.sweep_back(block, others), n, axis, self.norm), before, axis)

        return self.operator(
            lambda block: self.sweep(on_parts(lambda v: half(v, n, axis, self.norm), block), others), back
        )

    def to_real(self) -> Format:
        """The real part of the transform of `c z`, c being 2 where an element stands for its conjugate too."""
        *others, (axis, before, n) = self.steps
        axis, m = axis + 1, n // 2 + 1
        twice = np.full(m, 2.0)
        twice[0] = 1
        if n % 2 == 0:
            twice[-1] = 1
        real = self.call.out.real.dtype
        weights = np.reshape(twice / 2, (m,) + (1,) * (len(self.call.out_shape) - axis)).astype(real)

        def apply(block: Any) -> Any:
            return self.dft(weights * resized(self.sweep(block, others), m, axis), n, axis, self.norm)

        def back(block: Any) -> Any:
            inner = weights * resized(self.dft(block, n, axis, self.norm), m, axis)
            return self.sweep_back(resized(inner, before, axis), others)

        if np.iscomplexobj(self.call.operands[0]):
            half = self.operator(apply, back)
            return Pair(half, half.conj())
        doubled = [lambda block, f=f: on_parts(lambda v: 2 * np.real(f(v)), block) for f in (apply, back)]
        return self.operator(*doubled)


def transform(kind: str, forward: bool) -> Rule:
    """The rule of a transform of one kind in one direction."""

    def local(call: Call) -> Format:
        made = Transform(call, kind, forward)
        return made.to_real() if kind == "to real" else made.of_real() if kind == "of real" else made.complex()

    return structured(local)


def frequencies(half: bool) -> Callable[..., Any]:
    """`fftfreq` and `rfftfreq`: whole numbers over the length n d of the record."""

    def rewrite(n: int, d: Any = 1.0, *, xp: Any = None, device: str | None = None) -> Any:
        if xp not in (None, np) or device not in (None, "cpu"):
            raise ValueError(f"frequencies are arrays of NumPy on the CPU, not of {xp!r} on {device!r}")
        if not isinstance(n, int | np.integer):
            raise ValueError(f"the number of frequencies must be an integer, got {n!r}")
        if half:
            whole = np.arange(n // 2 + 1)
        else:
            whole = np.concatenate([np.arange((n - 1) // 2 + 1), np.arange(-(n // 2), 0)])
        return whole * (1.0 / (n * d))

    return rewrite


TRANSFORMS = {
    f"{name}{suffix}": transform(kind, forward)
    for name, kind, forward in (
        ("fft", "complex", True),
        ("ifft", "complex", False),
        ("rfft", "of real", True),
        ("ihfft", "of real", False),
        ("irfft", "to real", False),
        ("hfft", "to real", True),
    )
    for suffix in ("", "2", "n")
}

RULES: dict[Any, Rule] = {
    **{getattr(np.fft, name): rule.on("a") for name, rule in TRANSFORMS.items() if hasattr(np.fft, name)},
    **{f"scipy.fft:{name}": rule.on("x") for name, rule in TRANSFORMS.items()},
    **{f: moves().on("x") for f in (np.fft.fftshift, np.fft.ifftshift)},
    **{f"scipy.fft:{name}": moves().on("x") for name in ("fftshift", "ifftshift")},
    np.fft.fftfreq: composed(frequencies(half=False)),
    np.fft.rfftfreq: composed(frequencies(half=True)),
    "scipy.fft:fftfreq": composed(frequencies(half=False)),
    "scipy.fft:rfftfreq": composed(frequencies(half=True)),
}
