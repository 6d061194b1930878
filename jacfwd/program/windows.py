"""Windows: neighbouring columns of a matrix's rows that hold neighbouring elements of one array.

The Jacobian of a sum over neighbours has such rows: entries `c` of row `e` are elements `e + c`. As one item of so
many bytes they are copied at once, in less than half the time of a strided assignment for each column.
"""

import dataclasses
from collections.abc import Container, Mapping, Sequence

import numpy as np

from jacfwd.program.places import Place
from jacfwd.program.slots import Write

__all__ = ["Window", "windows"]

# So many columns and rows are worth it, and so many columns are enough: blocks overlap by as many.
COLUMNS, ROWS, ENOUGH = 4, 4096, 64


@dataclasses.dataclass(frozen=True)
class Window:
    """Elements `e` to `e + width` of the memory of a root go to the slots from `base + step e` on.

    That is for `e` from `low` to `high`; pairs of slots and elements are left to be written one by one.
    """

    root: int
    width: int
    base: int
    step: int
    low: int
    high: int
    slots: np.ndarray
    elements: np.ndarray

    def item(self, dtype: np.dtype) -> np.dtype:
        """The elements of one row as one item."""
        return np.dtype((np.void, self.width * dtype.itemsize))


@dataclasses.dataclass(frozen=True)
class Column:
    """One write, seen from the root: element `e` goes to slot `offset + step e`, for `e` from `low` to `high`."""

    at: int
    write: Write
    zero: int
    step: int
    offset: int
    low: int
    high: int


def windows(
    sinks: Mapping[int, Sequence[Write]], where: Sequence[Place], order: Sequence[int], alike: Container[int]
) -> tuple[dict[int, list[Write]], dict[int, list[Window]]]:
    """The writes that remain, and the windows that others make, each at the last of the nodes that are in it.

    Bytes are copied, so only those of roots whose dtype is `alike` that of the matrix.
    """
    left = {at: list(writes) for at, writes in sinks.items()}
    together: dict[tuple[int, int], list[Column]] = {}
    for at, writes in sinks.items():
        for column in (column_of(at, write, where[at]) for write in writes if where[at].root in alike):
            if column is not None:
                together.setdefault((where[at].root, column.step), []).append(column)
    found: dict[int, list[Window]] = {}
    position = {at: k for k, at in enumerate(order)}
    for (root, _), columns in together.items():
        for some in runs(columns):
            window = window_of(root, some)
            if window is None:
                continue
            for column in some:
                left[column.at] = [write for write in left[column.at] if write is not column.write]
            found.setdefault(max((column.at for column in some), key=position.__getitem__), []).append(window)
    return left, found


def column_of(at: int, write: Write, place: Place) -> Column | None:
    """A write of consecutive elements to evenly spaced slots; None for any other."""
    slots, linear = write.slots, place.linear
    if write.adds or write.base is not None or write.extra is not None or not isinstance(slots, slice):
        return None
    if place.size < ROWS or linear is None or linear[1] != 1 or slots.step < COLUMNS:
        return None
    zero, part = linear[0], write.part or slice(0, place.size)
    low, high = zero + part.start, zero + part.stop
    return Column(at, write, zero, slots.step, slots.start - slots.step * low, low, high)


def runs(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns side by side, each of which holds the next element."""
    found: list[list[Column]] = []
    for column in sorted(columns, key=lambda column: -column.offset):
        width = len(found[-1]) if found else 0
        beside = found and found[-1][-1].offset - column.offset == column.step - 1
        if beside and width < min(column.step, ENOUGH):
            found[-1].append(column)
        else:
            found.append([column])
    return [some for some in found if len(some) >= COLUMNS]


def window_of(root: int, columns: Sequence[Column]) -> Window | None:
    """The rows that all columns have, and what is left of each column."""
    low = max(column.low - c for c, column in enumerate(columns))
    high = min(column.high - c for c, column in enumerate(columns))
    if high - low < ROWS:
        return None
    slots, elements = [], []
    for c, column in enumerate(columns):
        rest = np.r_[column.low : low + c, high + c : column.high]
        if column.write.mended is not None:
            right, own = column.write.mended
            slots.append(right)
            elements.append(own + column.zero)
            # What the slice gets wrong is among these.
            rest = rest[~np.isin(rest, elements[-1])]
        slots.append(column.offset + column.step * rest)
        elements.append(rest)
    first = columns[0]
    return Window(root, len(columns), first.offset, first.step, low, high, *map(joined, (slots, elements)))


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Positions as one array."""
    return np.concatenate(parts).astype(np.intp)
