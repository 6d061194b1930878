"""Phases without jumps: `np.unwrap`."""

import math
from typing import Any

import numpy as np

from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.formats.entries import diagonal
from jacfwd.primitive import Call, Rule, composed, structured

__all__ = ["RULES"]


@dispatched
def phase_jumps(p: Any, discont: Any, period: Any, *, axis: int) -> Any:
    """What `np.unwrap` adds to all elements of an axis but the first: whole periods, as many as it has met."""
    steps = np.diff(p, axis=axis)
    half = period / 2
    inside = np.mod(steps + half, period) - half
    inside = np.where((inside == -half) & (steps > 0), half, inside)
    jumps = np.where(np.abs(steps) < (half if discont is None else discont), 0, inside - steps)
    return jumps.cumsum(axis)


def period_local(call: Call) -> Format:
    """How many periods were added."""
    return diagonal(np.rint(call.out / call.operands[2]), call.shape(2), call.out_shape)


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """The array plus its jumps, which change with the period only."""
    p = as_array(p)
    jumps = phase_jumps(p, discont, period, axis=axis)
    first, rest = ((slice(None),) * (axis % p.ndim) + (part,) for part in (slice(0, 1), slice(1, None)))
    return np.concatenate([p[first].astype(jumps.dtype), p[rest] + jumps], axis=axis)


RULES: dict[Any, Rule] = {
    phase_jumps: structured(None, None, period_local),
    np.unwrap: composed(unwrap),
}
