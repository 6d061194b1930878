"""Maps in pieces: a shift of a grid picks elements that lie in a few boxes of even strides.

Copying boxes is several times faster than picking element by element.
"""

import itertools

import numpy as np

__all__ = ["LEAST", "Box", "boxes"]

Shape = tuple[int, ...]
# Where, in the result and in its source: shape, offset and strides, counted in elements.
Box = tuple[Shape, tuple[int, Shape], tuple[int, Shape]]
# Fewer elements are picked in no time; and so many breaks of an axis at most.
LEAST, BREAKS = 1 << 11, 2
# Among so many steps, the usual one is the median, however the breaks fall.
ENOUGH = 2 * BREAKS + 1


def boxes(positions: np.ndarray) -> list[Box] | None:
    """The pieces of a map, given as an array of flat positions, where they are few; else None.

    >>> boxes(np.roll(np.arange(4900).reshape(70, 70), 1, 0))
    [((1, 70), (0, (70, 1)), (4830, (70, 1))), ((69, 70), (70, (70, 1)), (0, (70, 1)))]
    """
    if positions.size < LEAST:
        return None
    positions = np.ascontiguousarray(positions).reshape([n for n in positions.shape if n > 1])
    steps, cuts = [], []
    for axis, n in enumerate(positions.shape):
        # A break of an axis goes through the whole grid: one line along it shows it.
        differences = np.diff(positions[(0,) * axis + (slice(None),) + (0,) * (positions.ndim - axis - 1)])
        step = int(np.median(differences[np.linspace(0, n - 2, min(n - 1, ENOUGH)).astype(int)]))
        breaks = np.flatnonzero(differences != step) + 1
        if len(breaks) > BREAKS:
            return None
        steps.append(step)
        cuts.append([0, *breaks.tolist(), n])
    strides, found = tuple(s // positions.itemsize for s in positions.strides), []
    for corner in itertools.product(*(list(itertools.pairwise(cut)) for cut in cuts)):
        part = positions[tuple(slice(low, high) for low, high in corner)]
        start = int(part[(0,) * part.ndim])
        if not _is_even(part, start, steps):
            return None
        offset = sum(low * stride for (low, _), stride in zip(corner, strides, strict=True))
        found.append((part.shape, (offset, strides), (start, tuple(steps))))
    return found


def _is_even(part: np.ndarray, start: int, steps: list[int]) -> bool:
    """Whether positions are `start + sum_k steps[k] i_k`."""
    expected = np.full((1,) * part.ndim, start, part.dtype)
    for axis, (n, step) in enumerate(zip(part.shape, steps, strict=True)):
        along = (1,) * axis + (n,) + (1,) * (part.ndim - axis - 1)
        expected = expected + (np.arange(n, dtype=part.dtype) * step).reshape(along)
    return bool(np.array_equal(part, expected))
