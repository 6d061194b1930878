"""The verdict on one program: every way to its derivative against differences, and replays against fresh runs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.recording.interpose import INTERPOSITION, RUNNING
from tests.fuzz.generate import Program

__all__ = ["Verdict", "judge"]

NAMES = {name: getattr(np, name) for name in "zeros array asarray copyto sum sin".split()}


@dataclass(frozen=True)
class Verdict:
    """`right`, `refused`, `undecided`, or what is wrong; with details."""

    kind: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        return self.kind not in ("right", "refused", "undecided", "flipped")


class Wrong(Exception):
    """A wrong result, with the kind of it."""

    def __init__(self, kind: str, detail: Any = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.verdict = Verdict(kind, str(detail))


def flat(y: Any) -> np.ndarray:
    """Outputs as one real vector."""
    parts = [np.ravel(np.asarray(part)) for part in (y if isinstance(y, tuple) else (y,))]
    parts = [np.concatenate([p.real, p.imag]) if p.dtype.kind == "c" else p for p in parts]
    return np.concatenate([p.astype(float) for p in parts])


def joined(J: Any) -> np.ndarray:
    """Jacobians of outputs as one real matrix; the rows are as in `flat`."""
    parts = [np.asarray(part.todense() if hasattr(part, "todense") else part) for part in listed(J)]
    return np.concatenate([np.concatenate([p.real, p.imag]) if p.dtype.kind == "c" else p for p in parts])


def listed(J: Any) -> list[Any]:
    return list(J) if isinstance(J, tuple) else [J]


def dense(J: Any, n: int) -> np.ndarray:
    """Dense Jacobians of shape `out.shape + in.shape` as one real matrix."""
    return joined(tuple(np.reshape(part, (-1, n)) for part in listed(J)))


def close(a: np.ndarray, b: np.ndarray, tolerance: float, scale: float = 0.0) -> bool:
    if a.shape != b.shape:
        return False
    scale = max(scale, np.abs(b[np.isfinite(b)]).max(initial=0), 1e-3)
    return bool(np.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True))


def judge(program: Program) -> Verdict:
    """Run everything; the first thing found wrong is the verdict."""
    try:
        with np.errstate(all="ignore"):
            return _judge(program)
    except Wrong as wrong:
        return wrong.verdict
    except jf.BranchChangedError as error:
        return Verdict("flipped", str(error))
    except jf.JacfwdError as error:
        if f'File "<fuzz {program.seed}>", line ' not in str(error):
            return Verdict("no line", str(error))
        # What tracing made impossible without a reason of its own is a finding.
        odd = "works on plain arrays but not on traced ones" in str(error) and "read-only" not in str(error)
        return Verdict("odd refusal" if odd else "refused", str(error))
    except Exception as error:
        return Verdict("exception", f"{type(error).__name__}: {error}")
    finally:
        tidy()


def tidy() -> None:
    """Raise AssertionError where NumPy is not as it was."""
    assert all(getattr(np, name) is function for name, function in NAMES.items()), "NumPy has other functions"
    assert RUNNING.get() is None, "a recording runs on"
    assert not INTERPOSITION.users, "names are still exchanged"


def _judge(program: Program) -> Verdict:
    f, x = program.function(), program.point
    single = "32" in program.source or "complex64" in program.source or program.dtype == "float32"
    exact, loose = (2e-4, 5e-3) if single else (1e-9, 1e-6)
    try:
        y = f(x.copy())
    except Exception as error:
        return Verdict("undecided", f"the program itself fails: {error}")
    if not np.isfinite(flat(y)).all():
        return Verdict("undecided", "the value is not finite")
    before, scope = x.copy(), dict(f.__globals__)
    v = np.asarray(np.random.default_rng(program.seed).uniform(-1, 1, x.shape), x.dtype)[()]
    value, tangent = jf.jvp(f, (x,), (v,))
    same_values("value of jvp", value, y)
    check_differences(program, flat(tangent), v, loose)
    J = all_methods(program, f, x, y, exact)
    if not close(J @ np.ravel(v).astype(float), flat(tangent), exact, np.abs(J).max(initial=0)):
        raise Wrong("jvp is not J v", (J @ np.ravel(v), flat(tangent)))
    if not np.array_equal(before, x) or before.dtype != x.dtype:
        raise Wrong("the input was changed")
    if any(f.__globals__.get(name) is not known for name, known in scope.items() if name in ("np", "math")):
        raise Wrong("a global was left exchanged")
    return replayed(program, f, x, exact)


def same_values(what: str, got: Any, expected: Any) -> None:
    """Values are those of the plain run, with their shapes and dtypes."""
    for one, other in zip(listed(got), listed(expected), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            raise Wrong(what, f"{one.dtype}{one.shape} instead of {other.dtype}{other.shape}")
        # Sums round differently where arrays lie in memory in another order.
        if not close(np.ravel(one), np.ravel(other), 1e-14 if one.dtype in (np.float64, np.complex128) else 1e-6):
            raise Wrong(what, f"{one} instead of {other}")


def check_differences(program: Program, tangent: np.ndarray, v: np.ndarray, tolerance: float) -> None:
    """Raise Wrong where differences at every width disagree; kinks and branches near the point spoil wide ones."""
    f, x = program.function(doubled=True), program.point.astype(float)
    if not np.isfinite(tangent).all():
        return
    found = []
    for width, most in ((1e-3, 1), (1e-5, 10), (1e-7, 1000)):
        try:
            along, error = richardson(lambda t: flat(f(np.array(x + t[0] * v))), [0.0], [1.0], steps=5, step=width)
        except ValueError:  # a mask selects another number of elements so far away
            continue
        scale = max(np.abs(along[np.isfinite(along)]).max(initial=0), np.abs(tangent).max(initial=0), 1.0)
        if along.shape == tangent.shape and np.all(np.abs(along - tangent) <= tolerance * most * scale):
            return
        found.append((along, error))
    if found and smooth(f, x, v):
        raise Wrong("jvp", f"{tangent} instead of {found[-1][0]}")


def smooth(f: Callable, x: np.ndarray, v: np.ndarray) -> bool:
    """Whether one-sided differences at a small width agree; else the point is a kink, where conventions decide."""
    h = 1e-6
    y, above, below = (flat(f(np.array(x + t * v))) for t in (0.0, h, -h))
    if not y.shape == above.shape == below.shape:
        return False
    right, left = (above - y) / h, (y - below) / h
    return close(right, left, 1e-3, 1.0)


def all_methods(program: Program, f: Callable, x: np.ndarray, y: Any, tolerance: float) -> np.ndarray:
    """The Jacobian by every method; Raises Wrong where two disagree."""
    J = dense(jf.jacobian(f, method="forward")(x), x.size)
    scale = np.abs(J[np.isfinite(J)]).max(initial=0)
    others = {
        "accumulate": lambda: dense(jf.jacobian(f, method="accumulate")(x), x.size),
        "reverse": lambda: dense(jf.jacobian(f, method="reverse")(x), x.size),
        "sparse": lambda: joined(jf.jacobian(f, sparse=True)(x)),
    }
    for name, form in others.items():
        other = form()
        if not close(without_lost(other, J), J, tolerance, scale):
            raise Wrong(name, f"{other} instead of {J}")
    got, L = jf.linearize(f, x)
    same_values("value of linearize", got, y)
    real = np.concatenate([np.real(p) for p in blocks(f, x)])
    if not close(without_lost(np.asarray(L.toarray()).real, real), real, tolerance, scale):
        raise Wrong("linearize", "another matrix")
    return J


def without_lost(other: np.ndarray, J: np.ndarray) -> np.ndarray:
    """An infinite local derivative times a sum that cancels is 0 from one side, nan from the other: the former."""
    return np.where(np.isnan(other) & ~np.isnan(J), J, other) if other.shape == J.shape else other


def blocks(f: Callable, x: np.ndarray) -> list[np.ndarray]:
    return [np.reshape(part, (-1, x.size)) for part in listed(jf.jacobian(f, method="forward")(x))]


def replayed(program: Program, f: Callable, x: np.ndarray, tolerance: float) -> Verdict:
    """The graph at another point against fresh runs there."""
    graph = jf.trace(f, x)
    rng = np.random.default_rng(program.seed + 1)
    moved = np.asarray(x * (1 + 0.02 * rng.uniform(-1, 1, x.shape)), x.dtype)
    try:
        y = f(moved.copy())
    except Exception as error:
        return Verdict("right", f"the program itself fails at the other point: {error}")
    recorded = jf.jacobian(f, record=True) if RECORDS else None
    if recorded is not None:
        recorded(x)
    fresh = dense(jf.jacobian(f, method="forward")(moved), x.size)
    scale = np.abs(fresh[np.isfinite(fresh)]).max(initial=0)
    forms = {
        "recorded": (lambda: dense(recorded(moved), x.size)) if recorded is not None else None,
        "replayed value": lambda: flat(graph(moved)),
        "replayed jacobian": lambda: dense(graph.jacobian(moved), x.size),
        "replayed sparse": lambda: joined(graph.jacobian(moved, sparse=True)),
    }
    for name, form in forms.items():
        if form is None:
            continue
        found = form()
        expected = flat(y) if name == "replayed value" else fresh
        found = without_lost(found, expected)
        if not close(found, expected, tolerance, 1.0 if name == "replayed value" else scale):
            raise Wrong(name, f"{found} instead of {expected}")
    return Verdict("right")


def records() -> bool:
    """Whether `record=True` exists."""
    try:
        return bool(np.isclose(jf.jacobian(math.sin, record=True)(0.0), 1.0))
    except TypeError:
        return False


RECORDS = records()
