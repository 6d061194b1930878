"""Rules of piecewise linear interpolation."""

from typing import Any

import numpy as np

from jacfwd.formats.base import Format
from jacfwd.formats.combined import Sum
from jacfwd.formats.dispatch import as_array, dispatched, on_arrays
from jacfwd.formats.entries import Entries, diagonal
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, Rule, composed, structured

__all__ = ["RULES"]


@dispatched
def interpolated(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """`np.interp` without a period."""
    return np.interp(x, xp, fp, left, right)


class Segments:
    """Where the points of a call lie among the knots."""

    def __init__(self, call: Call) -> None:
        self.x, self.xp, self.fp = (as_array(x) for x in call.operands[:3])
        self.given = [len(call.operands) > k and call.operands[k] is not None for k in (3, 4)]
        self.below, self.above = self.x < self.xp[0], self.x > self.xp[-1]
        self.knots = len(self.xp)
        place = np.searchsorted(self.xp, self.x, side="right") - 1
        # The structure follows the points: a recording that traces them relies on these integers.
        self.place = np.clip(np.asarray(place), 0, max(self.knots - 2, 0))

    def step(self, values: Any) -> Any:
        """The difference of `values` from the left knot of each point's segment to the right one."""
        return values[self.place + 1] - values[self.place]

    @property
    def slope(self) -> Any:
        """The derivative with respect to x: zero outside the knots."""
        if self.knots == 1:
            return np.zeros(())
        slope = self.step(self.fp) / self.step(self.xp)
        return np.where(np.logical_or(self.below, self.above), 0, slope)

    def shares(self) -> list[tuple[int, Any]]:
        """How much the left knot (0) and the right one (1) contribute to each point."""
        if self.knots == 1:
            return [(0, self.ruled(np.ones(np.shape(self.x))))]
        share = (self.x - self.xp[self.place]) / self.step(self.xp)
        share = np.where(self.below, 0, np.where(self.above, 1, share))
        return [(0, self.ruled(1 - share)), (1, self.ruled(share))]

    def ruled(self, weights: Any) -> Any:
        """The weights, zero where a given `left` or `right` rules."""
        for outside, given in zip((self.below, self.above), self.given, strict=True):
            weights = np.where(outside, 0, weights) if given else weights
        return weights

    def reading(self, factor: Any) -> Format:
        """The knots' values read with these shares times a factor."""
        terms: list[Format] = [
            Entries(
                (self.knots,),
                np.shape(self.x),
                None,
                IndexMap.of_positions(self.place + side, (self.knots,)),
                weights * factor,
            )
            for side, weights in self.shares()
        ]
        return terms[0] if len(terms) == 1 else Sum(terms)


def interp_local_x(call: Call) -> Format:
    """The slope of the segment; at a knot of the one to its right, at the last knot of the last."""
    return diagonal(Segments(call).slope, call.shape(0), call.out_shape)


def interp_local_xp(call: Call) -> Format:
    """Moving a knot moves the line by minus its slope."""
    segments = Segments(call)
    return segments.reading(np.negative(segments.slope))


def interp_local_fp(call: Call) -> Format:
    """The shares of the two knots around each point."""
    return Segments(call).reading(1)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """`np.interp`; with a period, the knots of one period and one more at either end."""
    if period is None:
        given = [x, xp, fp, left, right]
        while given[-1] is None:
            given.pop()
        return interpolated(*given)
    period = np.abs(period)
    x, xp = x % period, xp % period
    order = np.asarray(np.argsort(xp))
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return interpolated(x, xp, np.concatenate([fp[-1:], fp, fp[:1]]))


RULES: dict[Any, Rule] = {
    interpolated: structured(
        interp_local_x,
        interp_local_xp,
        interp_local_fp,
        lambda call: diagonal(Segments(call).below, call.shape(3), call.out_shape),
        lambda call: diagonal(Segments(call).above, call.shape(4), call.out_shape),
    ),
    np.interp: composed(on_arrays(interp, 3)),
}
