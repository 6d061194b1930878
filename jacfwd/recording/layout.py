"""How arrays lie in memory: cells in memory order, and places, which are views of them.

NumPy decides from strides whether `ravel` and `reshape` view or copy, so a recording keeps the layout of
every array it stands for, gaps and negative strides included.
"""

import math
from typing import NamedTuple

import numpy as np

from jacfwd.formats.index import IndexMap

__all__ = ["Place", "Shape", "cell_of", "entry_of", "opened", "place_of", "replica", "view_of"]

Shape = tuple[int, ...]


class Place(NamedTuple):
    """A view into cells: `cell = offset + sum_k strides[k] i_k`; some views must not be written through."""

    shape: Shape
    strides: Shape
    offset: int
    writeable: bool = True

    def cells(self, size: int) -> IndexMap:
        """The place as an index map into `size` cells."""
        return IndexMap(self.shape, (size,), affine=(self.offset, self.strides))


def place_of(array: np.ndarray, memory: np.ndarray) -> Place:
    """Where a NumPy view lies within one-dimensional contiguous memory."""
    start = memory.__array_interface__["data"][0]
    item = memory.itemsize
    offset = (array.__array_interface__["data"][0] - start) // item if array.size else 0
    return Place(array.shape, tuple([s // item for s in array.strides]), offset, array.flags.writeable)


def view_of(memory: np.ndarray, place: Place) -> np.ndarray:
    """The NumPy view of memory that a place describes."""
    item = memory.itemsize
    if memory.size:
        strides = tuple([s * item for s in place.strides])
        seen: np.ndarray = np.ndarray(place.shape, memory.dtype, memory, place.offset * item, strides)
    else:
        seen = np.ndarray(place.shape, memory.dtype)
    if not place.writeable:
        seen.flags.writeable = False
    return seen


def cell_of(place: Place, key: tuple[int, ...]) -> int | None:
    """The cell of the element with this index; None unless it is one integer, in range, for each axis."""
    if len(key) != len(place.shape):
        return None
    cell = place.offset
    for k, n, step in zip(key, place.shape, place.strides, strict=True):
        if type(k) is not int or not -n <= k < n:
            return None
        cell += (k + n if k < 0 else k) * step
    return cell


def entry_of(place: Place, cell: int) -> int:
    """The position, in C order, of the element that lies in a cell: a place without overlaps inverted."""
    # From the lowest cell, all steps are positive.
    rest = cell - place.offset - sum(s * (n - 1) for s, n in zip(place.strides, place.shape, strict=True) if s < 0)
    index = [0] * len(place.shape)
    for axis in sorted(range(len(index)), key=lambda k: -abs(place.strides[k])):
        n, step = place.shape[axis], place.strides[axis]
        if n > 1:
            along, rest = divmod(rest, abs(step))
            index[axis] = n - 1 - along if step < 0 else along
    entry = 0
    for k, n in zip(index, place.shape, strict=True):
        entry = entry * n + k
    return entry


def opened(array: np.ndarray) -> tuple[np.ndarray, Place]:
    """The one-dimensional memory that an array views, and where it lies there; a copy if it has gaps."""
    writeable = array.flags.writeable
    dense = _ordered(array)
    if not (dense.flags.c_contiguous and writeable):
        array = replica(array)
        dense = _ordered(array)
    if dense.flags.c_contiguous:
        memory = dense.reshape(-1)
    else:  # gaps or negative strides: the cells are what lies between its ends
        assert isinstance(array.base, np.ndarray)
        memory = array.base
    return memory, place_of(array, memory)._replace(writeable=writeable)


def _ordered(array: np.ndarray) -> np.ndarray:
    """The array with its axes in the order in which they lie in memory."""
    if array.flags.c_contiguous:
        return array
    return array.transpose(sorted(range(array.ndim), key=lambda k: -abs(array.strides[k])))


def replica(array: np.ndarray) -> np.ndarray:
    """A writeable copy that lies in memory as the array does; axes of stride 0 get places of their own."""
    item, shape = array.itemsize, array.shape
    uneven = any(s % item if n > 1 else False for s, n in zip(array.strides, shape, strict=True)) if item else True
    repeated = any(s == 0 and n > 1 for s, n in zip(array.strides, shape, strict=True))
    if array.flags.c_contiguous or uneven or repeated or not array.size:
        return np.array(array)
    low, high = np.lib.array_utils.byte_bounds(array)
    cells = (high - low) // item
    if cells == math.prod(shape) and all(s > 0 for s, n in zip(array.strides, shape, strict=True) if n > 1):
        return np.array(array)
    start = array.__array_interface__["data"][0] - low
    copy: np.ndarray = np.ndarray(shape, array.dtype, np.zeros(cells, array.dtype), start, array.strides)
    copy[...] = array
    return copy
