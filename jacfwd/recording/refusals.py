"""What becomes of refused conversions: NumPy, C code and `except` clauses turn or swallow our exceptions.

A recording remembers the first conversion it refused. Where another exception leaves the function, or none at
all, one plain call of the function at the same point shows whether tracing was to blame.
"""

import inspect
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from jacfwd.errors import JacfwdError, TracerConversionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import Location, describe, is_internal
from jacfwd.recording.tracer import plain_value

__all__ = ["check_changes", "check_swallowed", "check_text", "check_value", "explained", "same_value"]


# What code that was given something else than numbers raises. Other exceptions are the function's own business.
SUSPECT = (AttributeError, BufferError, SystemError, TypeError, ValueError)


def explained(error: Exception, refused: JacfwdError | None, plain: Callable[[], Any]) -> Exception:
    """The error to raise for one that left the function: the same, if plain arrays bring it about as well."""
    suspect = isinstance(error, SUSPECT) or type(error).__module__.startswith("numba")
    if isinstance(error, JacfwdError) or not (refused or suspect):
        return error
    try:
        plain()
    except Exception:
        return error
    if refused is not None:
        return type(refused)(str(refused))
    where = user_place(error.__traceback__)
    return TracerConversionError(
        f"the function works on plain arrays but not on traced ones, {type(error).__name__}: "
        f"{error}{'' if where is None else ', at ' + describe(where)}; where code takes nothing but "
        "numbers, derivatives are lost: write it with NumPy functions of the array itself"
    )


def user_place(traceback: TracebackType | None) -> Location | None:
    """The innermost place in the user's code that an exception came by."""
    found = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_internal(code.co_filename) and not code.co_filename.endswith(".pyx"):
            found = code, traceback.tb_lasti
        traceback = traceback.tb_next
    return found


def check_swallowed(refused: JacfwdError, leaves: Sequence[Any], plain: Callable[[], Sequence[Any]]) -> None:
    """Raise the refused conversion if the function went on without it to another value."""
    try:
        expected = plain()
    except Exception as error:
        raise refused from error
    same = len(leaves) == len(expected) and all(map(same_value, leaves, expected))
    if not same:
        raise type(refused)(f"{refused}\n(the function caught this error, and went on to another value)")


def check_value(function: Callable, found: tuple[Sequence[Any], Any], expected: tuple[Sequence[Any], Any]) -> None:
    """Raise TracerConversionError unless leaves and structure of a recording are those of a plain call."""
    (leaves, spec), (plain, plain_spec) = found, expected
    if not spec.matches(plain_spec):
        what = f"structure {spec}, and {plain_spec}"
    elif all(map(same_value, leaves, plain)):
        return
    else:
        at = next(k for k, pair in enumerate(zip(leaves, plain, strict=True)) if not same_value(*pair))
        what = f"value {brief(leaves[at])}, and {brief(plain[at])}"
        what += f" (output {at})" if len(leaves) > 1 else ""
    raise TracerConversionError(
        f"the recorded function has {what} when it is called on plain arrays, {defined(function)}; it keeps something "
        "from call to call, draws random numbers, or asks for the types of its arguments: pass what changes as an "
        "argument, or verify=False if it may differ"
    )


def check_changes(function: Callable, expected: Sequence[Any], plain: Callable[[float], Sequence[Any]]) -> None:
    """Raise TracerConversionError where a result that no input reaches changes all the same with the inputs."""
    try:
        nearby = plain(1 + 1e-6)
    except Exception:
        return
    if len(expected) != len(nearby) or not all(np.array_equal(a, b) for a, b in zip(expected, nearby, strict=True)):
        raise TracerConversionError(
            f"the result changes with the inputs, though none was seen to reach it, {defined(function)}: it comes from "
            "a cache inside the function, a random number, or code that reads memory by itself; compute it with NumPy "
            "functions of the inputs, or give the code a derivative with jf.custom_jvp or jf.black_box"
        )


def brief(leaf: Any) -> str:
    """A value on one line, with dtype and shape."""
    array = np.asarray(plain_value(leaf))
    text = " ".join(np.array2string(array, threshold=6, precision=17, floatmode="unique").split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({array.dtype}{list(array.shape)})"


def defined(function: Callable) -> str:
    """Where a function stands."""
    inner: Any = inspect.unwrap(function)
    while not hasattr(inner, "__code__"):
        following = [getattr(inner, name, None) for name in ("__wrapped__", "func", "__func__")]
        inner = next((f for f in following if f is not None), getattr(type(inner), "__call__", None))  # noqa: B004
        if inner is None or type(inner).__name__ in ("wrapper_descriptor", "method-wrapper"):
            return f"in {function!r}"
    return f"at {describe((inner.__code__, 0))}"


def check_text(shown: Location, leaves: Sequence[Any], plain: Callable[[float], Sequence[Any]]) -> None:
    """Raise TracerConversionError where text of traced numbers was all that the result was made of.

    Text is for people to read, and may be made of anything. A result that no input reaches, though it changes
    with the inputs, was read from it.
    """
    if any(is_tracer(leaf) and not leaf.constant for leaf in leaves):
        return
    try:
        here, nearby = plain(1.0), plain(1 + 1e-6)
    except Exception:
        return
    if len(here) != len(nearby) or not all(np.array_equal(a, b) for a, b in zip(here, nearby, strict=True)):
        raise TracerConversionError(
            "the result was made from the text of traced numbers (str, format, repr), which has no "
            f"derivative, at {describe(shown)}; compute with the numbers themselves"
        )


def same_value(a: Any, b: Any) -> bool:
    """Whether two outputs agree to 1e-9 of the largest entry, 1e-4 in single precision; nan equals nan."""
    a, b = np.asarray(plain_value(a)), np.asarray(plain_value(b) if is_tracer(b) else b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    scale = np.abs(b[np.isfinite(b)]).max(initial=0)
    tolerance = 1e-9 if np.finfo(a.dtype).eps < 1e-10 else 1e-4
    return bool(np.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True))
