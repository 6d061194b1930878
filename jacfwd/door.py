"""The short way to a kept recording: Python source written for calls of one kind.

Arguments that are arrays, numbers and held objects, in known places and of known types, take a few comparisons to
recognise. Written out, these cost a fraction of a microsecond.
"""

import linecache
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jacfwd.calls import SIMPLE, Call
from jacfwd.captured import Captured
from jacfwd.errors import BranchChangedError

__all__ = ["MISS", "door"]

MISS: Any = object()
"""What a door answers where the recording behind it is not good for a call."""


class Computing(NamedTuple):
    """How a result is computed: `run` takes the list of all inputs.

    `on_floats` takes each of them and is tried first; what it raises of `unlike` means that it could not. `result` is
    an expression of what was `found`, and of `finish`.
    """

    run: Callable
    result: str
    finish: Callable | None = None
    on_floats: Callable | None = None
    unlike: tuple[type[Exception], ...] = ()


def door(
    args: tuple,
    call: Call,
    captured: Captured,
    then: tuple[Any, ...],
    computing: Computing,
    signature: Any,
) -> Callable[[tuple], Any] | None:
    """A function from arguments of these types to a result, or to `MISS`; None where an argument is of another kind.

    What was captured `then` must be the same.
    """
    scope: dict[str, Any] = {
        "run": computing.run,
        "finish": computing.finish,
        "on_floats": computing.on_floats,
        "UNLIKE": computing.unlike,
        "signature": signature,
        "MISS": MISS,
        "BranchChangedError": BranchChangedError,
    }
    conditions, inputs, floats = list[str](), list[str](), list[str]()
    for k, arg in enumerate(args):
        kind, name = type(arg), f"x{k}"
        if kind is np.ndarray and arg.dtype.kind in "fc" and arg.ndim:
            scope[f"dtype{k}"] = arg.dtype
            conditions.append(f"{name}.shape != {arg.shape} or {name}.dtype is not dtype{k}")
            inputs.append(name)
            floats.append(name)
        elif kind in SIMPLE:
            scope[kind.__name__ + "_"] = np.dtype(kind).type
            inputs.append(f"{kind.__name__}_({name})" if kind in (float, complex) else name)
            floats.append(name if kind is float else f"float({name})")
        elif kind is not np.ndarray and any(arg is value for value in call.held):
            scope[f"held{k}"] = arg
            conditions.append(f"{name} is not held{k}")
        else:
            return None
    if len(inputs) != len(call.leaves):
        return None
    compute = AT_ONCE if computing.on_floats is None else FLOATS_FIRST
    text = SOURCE.format(
        taken=", ".join(f"x{k}" for k in range(len(args))),
        conditions=" or ".join([*conditions, *captured.conditions(then, scope)]) or "False",
        compute=compute.format(inputs=", ".join(inputs), floats=", ".join(floats)),
        result=computing.result,
    )
    linecache.cache[NAME] = (len(text), None, text.splitlines(keepends=True), NAME)
    exec(compile(text, NAME, "exec"), scope)
    made: Callable[[tuple], Any] = scope["door"]
    return made


NAME = "<jacfwd door>"
AT_ONCE = "found = run([{inputs}])"
FLOATS_FIRST = """\
try:
            found = on_floats({floats})
        except UNLIKE:
            found = run([{inputs}])"""
SOURCE = """\
def door(args):
    {taken}, = args
    try:
        if {conditions}:
            return MISS
    except (KeyError, ValueError):
        return MISS
    try:
        {compute}
    except BranchChangedError:
        return MISS
    signature.misses = 0
    return {result}
"""
