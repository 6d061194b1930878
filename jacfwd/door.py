"""The short way to a kept recording: Python source written for calls of one kind.

Arguments that are arrays, numbers and held objects, in known places and of known types, take a few comparisons to
recognise. Written out, these cost a fraction of a microsecond.
"""

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.calls import SIMPLE, Call
from jacfwd.captured import Captured
from jacfwd.errors import BranchChangedError

__all__ = ["MISS", "door"]

MISS: Any = object()
"""What a door answers where the recording behind it is not good for a call."""


def door(
    args: tuple,
    call: Call,
    captured: Captured,
    then: tuple[Any, ...],
    run: Callable,
    result: str,
    finish: Callable,
    signature: Any,
) -> Callable[[tuple], Any] | None:
    """A function from arguments of these types to a result, or to `MISS`; None where an argument is of another kind.

    `run` takes the list of all inputs; `result` is an expression of what it returned, `found`, and of `finish`.
    What was captured `then` must be the same.
    """
    scope: dict[str, Any] = {
        "run": run,
        "finish": finish,
        "signature": signature,
        "MISS": MISS,
        "BranchChangedError": BranchChangedError,
    }
    conditions, inputs = list[str](), list[str]()
    for k, arg in enumerate(args):
        kind, name = type(arg), f"x{k}"
        if kind is np.ndarray and arg.dtype.kind in "fc" and arg.ndim:
            scope[f"dtype{k}"] = arg.dtype
            conditions.append(f"{name}.shape != {arg.shape} or {name}.dtype is not dtype{k}")
            inputs.append(name)
        elif kind in SIMPLE:
            scope[kind.__name__ + "_"] = np.dtype(kind).type
            inputs.append(f"{kind.__name__}_({name})" if kind in (float, complex) else name)
        elif kind is not np.ndarray and any(arg is value for value in call.held):
            scope[f"held{k}"] = arg
            conditions.append(f"{name} is not held{k}")
        else:
            return None
    if len(inputs) != len(call.leaves):
        return None
    text = SOURCE.format(
        taken=", ".join(f"x{k}" for k in range(len(args))),
        conditions=" or ".join([*conditions, *captured.conditions(then, scope)]) or "False",
        inputs=", ".join(inputs),
        result=result,
    )
    linecache.cache[NAME] = (len(text), None, text.splitlines(keepends=True), NAME)
    exec(compile(text, NAME, "exec"), scope)
    made: Callable[[tuple], Any] = scope["door"]
    return made


NAME = "<jacfwd door>"
SOURCE = """\
def door(args):
    {taken}, = args
    try:
        if {conditions}:
            return MISS
    except (KeyError, ValueError):
        return MISS
    try:
        found = run([{inputs}])
    except BranchChangedError:
        return MISS
    signature.misses = 0
    return {result}
"""
