"""The verdict on one call of somebody's function: its derivative against differences, forward and transposed."""

import copy
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import jacfwd as jf
from jacfwd.differences import richardson

__all__ = ["Verdict", "agrees", "judge", "leaves"]

# Widths of differences: wide ones are exact for smooth functions, narrow ones stay on one side of a kink.
WIDTHS = ((0.02, 1.0), (1e-3, 10.0), (1e-5, 1e3))
TOLERANCE = 2e-7


@dataclass(frozen=True)
class Verdict:
    """`right`, `refused`, `wrong`; or why there is nothing to ask: `fails`, `random`, `rough`, `no floats`."""

    kind: str
    detail: str = ""


def leaves(value: Any) -> list[np.ndarray] | None:
    """The float and complex arrays in nested structure; None where there is something else, or integers."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        parts = [leaves(part) for part in value]
        return None if any(part is None for part in parts) else [leaf for part in parts for leaf in part or []]
    if not isinstance(value, np.ndarray | np.generic | float | complex):
        return None
    value = np.asarray(value)
    return [value] if value.dtype.kind in "fc" else None


def flat(value: Any) -> np.ndarray:
    """All leaves as one real vector."""
    found = [np.ravel(leaf) for leaf in leaves(value) or []]
    found = [np.concatenate([p.real, p.imag]) if p.dtype.kind == "c" else p for p in found]
    return np.concatenate([np.zeros(0), *(part.astype(float) for part in found)])


def moved(value: Any, tangent: Any, t: float) -> Any:
    """A structure of arrays moved along a tangent of the same structure; scalars stay Python's or NumPy's."""
    if isinstance(value, tuple):
        return tuple(moved(v, d, t) for v, d in zip(value, tangent, strict=True))
    if isinstance(value, list):
        return [moved(v, d, t) for v, d in zip(value, tangent, strict=True)]
    if isinstance(value, dict):
        return {key: moved(value[key], tangent[key], t) for key in value}
    out = value + t * tangent
    return float(out) if type(value) is float else out


def direction(value: Any, rng: np.random.Generator) -> Any:
    """A random tangent."""
    if isinstance(value, tuple | list):
        return type(value)(direction(v, rng) for v in value)
    if isinstance(value, dict):
        return {key: direction(value[key], rng) for key in value}
    return rng.uniform(0.5, 1.0, np.shape(value))[()] * rng.choice([-1.0, 1.0], np.shape(value))[()]


def judge(f: Callable, args: Sequence[Any], second: bool = False, scale: float | None = None) -> Verdict:
    """The derivative of `f(*args)` in a random direction of all arguments; with `second`, that derivative's too.

    The arguments are floats, arrays, or structure of these. `scale` is the size of a step that stays in the domain.
    """
    args, rng = tuple(args), np.random.default_rng(1)
    v = direction(args, rng)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            y = f(*copy.deepcopy(args))
        except Exception as error:
            return Verdict("fails", f"{type(error).__name__}: {error}")
        if leaves(y) is None or not flat(y).size:
            return Verdict("no floats", type(y).__name__)
        if not np.array_equal(flat(f(*copy.deepcopy(args))), flat(y), equal_nan=True):
            return Verdict("random", "two plain calls give different values")
        first = _first_order(f, args, v, y, scale)
        if first.kind != "right" or not second:
            return first
        w = direction(args, rng)

        def along(*at: Any) -> Any:
            return jf.jvp(f, at, v)[1]

        return _first_order(along, args, w, along(*copy.deepcopy(args)), scale)


def _first_order(f: Callable, args: tuple, v: Any, y: Any, scale: float | None) -> Verdict:
    try:
        value, tangent = jf.jvp(f, args, v)
        _, J = jf.linearize(f, *args)
        turned = J.T @ np.ones(J.shape[0])
    except jf.JacfwdError as error:
        return refused(error)
    except Exception as error:
        return Verdict("wrong", f"{type(error).__name__}: {error}")
    if not np.allclose(flat(value), flat(y), rtol=1e-10, atol=1e-12, equal_nan=True):
        return Verdict("wrong", f"the value is {flat(value)} instead of {flat(y)}")
    got = flat(tangent)
    if not np.isfinite(flat(y)).all():
        return Verdict("rough", "the value is not finite")
    verdict = compared(f, args, v, got, scale)
    if verdict.kind != "right":
        return verdict
    there, back = np.sum(J @ flat(v)), turned @ flat(v)
    if np.isfinite(there) and abs(there - back) > 1e-6 * max(1.0, abs(there), np.abs(got).sum()):
        return Verdict("wrong", f"the transpose: {back} instead of {there}")
    return verdict


def compared(f: Callable, args: tuple, v: Any, got: np.ndarray, scale: float | None) -> Verdict:
    """The tangent against differences of several widths, of which one must agree."""
    best, least = None, np.abs(flat(f(*copy.deepcopy(args)))).max(initial=0)

    def line(t: np.ndarray) -> np.ndarray:
        return flat(f(*moved(copy.deepcopy(args), v, t[0])))

    for width, slack in WIDTHS:
        step = width if scale is None else min(width, scale)
        try:
            along, error = richardson(line, [0.0], [1.0], step=step, steps=6)
        except jf.JacfwdError as refusal:
            return refused(refusal)
        except Exception:
            continue
        if along.shape != got.shape or not np.isfinite(along).all():
            continue
        size = max(np.abs(along).max(), np.abs(got[np.isfinite(got)]).max(initial=0), 1e-3 * least, 1e-8)
        if np.all(np.abs(along - got) <= TOLERANCE * slack * size):
            return Verdict("right")
        if best is None or error.max() < best[1].max():
            best = along, error
    if best is None:
        return Verdict("rough", "no difference is finite")
    along, error = best
    if not smooth(line):
        return Verdict("rough", "differences to the left and to the right are not the same")
    if error.max() > 1e-4 * max(np.abs(along).max(), 1e-8):
        return Verdict("rough", f"differences do not converge: {along} ± {error}")
    return Verdict("wrong", f"{got} instead of {along} ± {error.max():.1g}")


def smooth(line: Callable) -> bool:
    """Whether differences to either side agree; else the point is a kink, where a convention holds."""
    h = 1e-6
    above, here, below = (line(np.array([t])) for t in (h, 0.0, -h))
    right, left = (above - here) / h, (here - below) / h
    return bool(np.allclose(right, left, rtol=1e-2, atol=1e-3 * np.abs(right).max(initial=1e-3)))


def refused(error: Exception) -> Verdict:
    """The verdict for an error of ours: it has to name a file and a line."""
    text = str(error)
    if not re.search(r'File ".*", line \d+', text):
        return Verdict("wrong", f"no line in: {text}")
    return Verdict("refused", text)


def agrees(case: Any) -> bool | None:
    """Whether our derivative is the package's own, where it has one; differences decide which of them is right."""
    if case.own is None:
        return None
    v = direction(case.args, np.random.default_rng(1))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            theirs = case.own(*copy.deepcopy(case.args), *v)
            if isinstance(theirs, tuple):  # in the arguments from a certain one on
                theirs, first = theirs
                v = (*(None for _ in v[:first]), *v[first:])
            ours = flat(jf.jvp(case.f, case.args, v)[1])
        except Exception:
            return None
    theirs = flat(theirs)
    return theirs.shape == ours.shape and bool(
        np.allclose(ours, theirs, rtol=1e-6, atol=1e-9 * np.abs(ours).max(initial=1))
    )
