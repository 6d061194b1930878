"""Rules of SciPy's cosine and sine transforms: every one is an orthogonal matrix between two diagonal ones."""

import functools
import math
from typing import Any

import numpy as np

from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import dispatched
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, structured
from jacfwd.rules.fourier import on_parts, resized, transform_axes, within

__all__ = ["RULES"]

# The type whose matrix is the inverse, and what a norm is called that scales the other direction.
INVERSE_TYPE = {1: 1, 2: 3, 3: 2, 4: 4}
INVERSE_NORM = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


@dispatched
def orthonormal(x: Any, *, name: str, type: int, axes: tuple[int, ...]) -> Any:
    """The orthogonal form of a transform along axes; complex arrays by their parts."""
    from scipy import fft

    function = getattr(fft, name)
    return on_parts(lambda part: function(part, type, axes=axes, norm="ortho", orthogonalize=True), x)


def orthonormal_local(call: Call) -> Format:
    """The transform itself; its inverse is its transpose."""
    name, axes = call.params["name"], call.params["axes"]
    names = [name, name[1:] if name.startswith("i") else "i" + name]
    beside = tuple(axis + 1 for axis in axes)
    there, back = (functools.partial(orthonormal, name=name, type=call.params["type"], axes=beside) for name in names)
    return Operator(call.shape(0), call.out_shape, there, back, (axes, axes))


def at_ends(n: int, first: float, last: float, dtype: np.dtype) -> np.ndarray:
    """Ones, with other values at either end."""
    weights = np.ones(n, dtype)
    weights[0] *= first
    weights[-1] *= last
    return weights


def scaling(kind: str, type: int, n: int, dtype: np.dtype) -> tuple[float, np.ndarray, np.ndarray]:
    """`(s, L, R)` such that the transform without norm, of length n, is `s diag(L) Q diag(R)` with Q orthogonal.

    Cosines of types I, II and III, and sines of types II and III, weigh an end differently than they would if they
    were orthogonal: https://docs.scipy.org/doc/scipy/reference/generated/scipy.fft.dct.html.
    """
    shift = {("dct", 1): -1, ("dst", 1): 1}.get((kind, type), 0)
    root, one = math.sqrt(2), np.ones(n, dtype)
    s = math.sqrt(2 * (n + shift))
    if kind == "dct":
        left = {1: at_ends(n, root, root, dtype), 2: at_ends(n, root, 1, dtype)}
        right = {1: at_ends(n, 1 / root, 1 / root, dtype), 3: at_ends(n, 1 / root, 1, dtype)}
    else:
        left, right = {2: at_ends(n, 1, root, dtype)}, {3: at_ends(n, 1, 1 / root, dtype)}
    return s, left.get(type, one), right.get(type, one)


def weights(call: Call, kind: str, type: int, norm: str | None, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """What the outputs and what the inputs of the orthogonal transform are multiplied by."""
    # SciPy passes orthogonalize on for real arrays only.
    asked = None if np.iscomplexobj(call.operands[0]) else call.params.get("orthogonalize")
    orthogonal = norm == "ortho" if asked is None else asked
    dtype = call.out.real.dtype
    left, right = dtype.type(1), dtype.type(1)
    for axis in axes:
        s, L, R = scaling(kind, type, call.out_shape[axis], dtype)
        left = left * {None: s, "backward": s, "ortho": 1.0, "forward": 1 / s}[norm]
        if not orthogonal:
            along = (-1,) + (1,) * (len(call.out_shape) - 1 - axis)
            left, right = left * np.reshape(L, along), right * np.reshape(R, along)
    return left, right


def transform_local(call: Call, kind: str, inverse: bool) -> Format:
    """`c L Q R` after cutting off or filling up, the norm deciding on c; the transpose is `R Q^T (c L)`."""
    type, norm = call.params.get("type", 2), call.params.get("norm")
    if inverse:
        type, norm = INVERSE_TYPE[type], INVERSE_NORM[norm]
    axes = tuple(transform_axes(call)[0])
    left, right = weights(call, kind, type, norm, axes)
    beside = tuple(axis + 1 for axis in axes)
    there, back = (
        functools.partial(orthonormal, name=name, type=type, axes=beside) for name in (f"{kind}n", f"i{kind}n")
    )

    def fit(block: Any, shape: tuple[int, ...]) -> Any:
        return functools.reduce(lambda block, axis: resized(block, shape[axis], axis + 1), axes, block)

    n = max(math.prod(call.shape(0)), math.prod(call.out_shape))
    passes = sum(call.out_shape[axis].bit_length() for axis in axes)
    return Operator(
        call.shape(0),
        call.out_shape,
        lambda block: left * there(right * fit(block, call.out_shape)),
        lambda block: fit(right * back(left * block), call.shape(0)),
        (axes, axes),
        support=within(call.shape(0), axes, [call.out_shape[axis] for axis in axes]),
        cost=(2 * n * passes, 3 * n * passes),
    )


def transform(kind: str, inverse: bool) -> Rule:
    """The rule of one transform."""
    return structured(functools.partial(transform_local, kind=kind, inverse=inverse)).on("x")


RULES: dict[Any, Rule] = {
    orthonormal: structured(orthonormal_local),
    **{
        f"scipy.fft:{'i' if inverse else ''}{kind}{suffix}": transform(kind, inverse)
        for kind in ("dct", "dst")
        for inverse in (False, True)
        for suffix in ("", "n")
    },
}
