"""The table of ways to lose a derivative: each case is right, or refused with the user's file and line."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

import jacfwd as jf
from jacfwd.differences import richardson

__all__ = ["CASES", "POINT", "Case", "case", "check"]

POINT = np.array([0.7, 1.3, 2.1])
CASES: list["Case"] = []


@dataclasses.dataclass(frozen=True)
class Case:
    """A function that loses its derivative elsewhere.

    `f` is called with one array. With `fresh`, `make` makes a new function for each run, so that what one run
    leaves behind is not seen by the next. `refused` is a piece of the remedy in the message of an error, where the
    answer may be one; None where the derivative has to be right. `expected` is the Jacobian by a convention, where
    differences have no answer. With `verify`, it is the comparison with a plain call that finds it.
    """

    group: str
    name: str
    make: Callable[[], Callable]
    point: Any
    refused: str | None = None
    expected: Any = None
    replayed: bool = True
    verify: bool = False
    fresh: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"

    def f(self, x: Any) -> Any:
        """One run of a new function."""
        return self.make()(x)

    def jacobian(self, at: Any) -> np.ndarray:
        """The Jacobian by differences, or by convention."""
        if self.expected is not None:
            return np.reshape(np.asarray(self.expected, float), (-1, np.size(at)))
        kind = np.result_type(at)
        width = 1e-4 if kind == np.float64 else 0.1  # branches lie as near as that; single precision sees no less

        def f(x: Any) -> np.ndarray:
            return as_array(self.f(x.astype(kind)))

        units = np.eye(np.size(at)).reshape(-1, *np.shape(at))
        return np.stack([richardson(f, at, unit, step=width, steps=5)[0] for unit in units], axis=1)


def case(group: str, at: Any = POINT, fresh: bool = False, **options: Any) -> Callable:
    """Enter a function into the table; with `fresh`, a function that makes one."""

    def enter(made: Callable) -> Callable:
        CASES.append(Case(group, made.__name__, made if fresh else lambda: made, at, fresh=fresh, **options))
        return made

    return enter


def as_array(y: Any) -> np.ndarray:
    """Outputs joined to one real vector."""
    if isinstance(y, tuple | dict):
        parts = list(y.values()) if isinstance(y, dict) else list(y)
        return np.concatenate([as_array(part) for part in parts])
    y = np.ravel(np.asarray(y))
    return np.concatenate([y.real, y.imag]) if y.dtype.kind == "c" else y.astype(float)


def joined(J: Any) -> np.ndarray:
    """Jacobians of several outputs joined as `as_array` joins the outputs."""
    if isinstance(J, tuple | dict):
        return np.concatenate([joined(part) for part in (J.values() if isinstance(J, dict) else J)])
    J = np.asarray(J.todense() if hasattr(J, "todense") else J)
    J = J if J.ndim == 2 else J.reshape(-1, J.shape[-1] if J.ndim > 1 else J.size)
    return np.concatenate([J.real, J.imag]) if J.dtype.kind == "c" else J


def forms(case: Case) -> dict[str, Callable[[], np.ndarray]]:
    """The Jacobian at the case's point by everything that makes one."""
    x, n = case.point, np.size(case.point)
    seeds = np.eye(n, dtype=np.asarray(x).dtype).reshape(n, *np.shape(x))

    def by_jvp() -> np.ndarray:
        return np.stack([as_array(jf.jvp(case.make(), (x,), (seed,))[1]) for seed in seeds], axis=1)

    def by(**how: Any) -> Callable[[], np.ndarray]:
        return lambda: joined(jf.jacobian(case.make(), flat=True, **how)(x))

    if case.verify:
        return {method: by(method=method, verify=True) for method in ("forward", "reverse", "accumulate")}
    return {
        "jvp": by_jvp,
        "forward": by(method="forward"),
        "reverse": by(method="reverse"),
        "accumulate": by(method="accumulate"),
        "sparse": by(sparse=True),
    }


def check(case: Case) -> None:
    """Raise AssertionError unless every form is right or refuses, and a replay elsewhere too."""
    kept = np.array(case.point)
    tolerance = 1e-6 if np.asarray(case.point).dtype == np.float64 else 2e-3
    expected = case.jacobian(case.point)
    verdicts = {name: verdict(case, form, expected, tolerance) for name, form in forms(case).items()}
    if case.replayed and case.expected is None and set(verdicts.values()) == {"right"}:
        check_replay(case, tolerance)
    assert np.array_equal(case.point, kept), "the caller's array was changed"
    assert case.refused is not None or set(verdicts.values()) == {"right"}, verdicts


def verdict(case: Case, form: Callable[[], np.ndarray], expected: np.ndarray, tolerance: float) -> str:
    """`right` or `refused`; an error that does not say where and what instead fails."""
    found = attempt(form, jf.JacfwdError if case.refused is not None else ())
    if isinstance(found, jf.JacfwdError):
        assert names_the_line(str(found), case), f"no line of the user's in: {found}"
        assert re.search(case.refused or "", str(found)), f"no remedy like {case.refused!r} in: {found}"
        return "refused"
    assert_close(found, expected, tolerance)
    return "right"


def attempt(form: Callable[[], np.ndarray], errors: Any) -> Any:
    """The Jacobian, or the error of one of these kinds."""
    try:
        return form()
    except errors as error:
        return error


def assert_close(J: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    J = np.reshape(J, expected.shape)
    finite = expected[np.isfinite(expected)]
    np.testing.assert_allclose(J, expected, rtol=tolerance, atol=tolerance * np.abs(finite).max(initial=1e-3))


def check_replay(case: Case, tolerance: float) -> None:
    """The recorded graph at another point: right, or the branch that changed is named."""
    graph = jf.trace(case.f, case.point)  # which is run twice, to check the value
    moved = case.point * np.asarray(case.point).dtype.type(1.01)
    found = attempt(lambda: joined(graph.jacobian(moved)), jf.BranchChangedError)
    if isinstance(found, jf.BranchChangedError):
        assert names_the_line(str(found), case), str(found)
        return
    assert_close(found, case.jacobian(moved), tolerance)


def names_the_line(message: str, case: Case) -> bool:
    """Whether a message names a line of the case, or of a class beside it that the case calls."""
    code = case.make.__code__ if case.fresh else inspect.unwrap(case.make()).__code__
    lines, first = inspect.getsourcelines(code)
    found = [int(number) for number in re.findall(re.escape(f'File "{code.co_filename}", line ') + r"(\d+)", message)]
    return any(first <= number < first + len(lines) or "in __call__" in message for number in found)
