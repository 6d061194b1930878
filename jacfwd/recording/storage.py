"""Storages: what views share. An owner map says, for each cell of memory, which node wrote it last.

Cells are numbered in memory order. A *place* is a view into the cells: shape, strides and offset in cells, read
off the view that NumPy itself makes. Memory is copied before a write if a kept node still looks at it.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.rules import find
from jacfwd.rules.internal import assemble, view

__all__ = ["Hollow", "Place", "Storage", "place_of"]

Shape = tuple[int, ...]
VIEW, ASSEMBLE = find(view), find(assemble)


class Place(NamedTuple):
    """A view into cells: `cell = offset + sum_k strides[k] i_k`."""

    shape: Shape
    strides: Shape
    offset: int

    def cells(self, size: int) -> IndexMap:
        """The place as an index map into `size` cells."""
        return IndexMap(self.shape, (size,), affine=(self.offset, self.strides))


class Hollow:
    """An operand of which only the shape is known; enough for data movement."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


def place_of(array: np.ndarray, memory: np.ndarray) -> Place:
    """Where a NumPy view lies within one-dimensional contiguous memory."""
    start = memory.__array_interface__["data"][0]
    item = memory.itemsize
    offset = (array.__array_interface__["data"][0] - start) // item if array.size else 0
    return Place(array.shape, tuple(s // item for s in array.strides), offset)


class Storage:
    """Cells, and who wrote them: one node (the common case), a map of nodes, or nobody (a constant)."""

    __slots__ = ("_seen", "captured", "dtype", "entry", "locked", "memory", "node", "opened", "rec", "shapes", "single", "size", "twin",
                 "version", "written")  # fmt: skip

    def __init__(self, rec: Any, value: Any, handle: Any) -> None:
        """Open a storage over the value of a node (or a constant: handle None)."""
        self.rec, self.dtype, self.size, self.version = rec, value.dtype, math.prod(value.shape), 0
        self.node: np.ndarray | None = None
        self.entry: np.ndarray | None = None
        self.written: list[Any] = []
        self.shapes: list[Shape] = []
        self._seen: dict[Place, Any] = {}
        self.locked: str | None = None
        self.captured = rec.keeps
        if isinstance(value, np.ndarray) and type(value) is np.ndarray:
            root = self._open_plain(value)
        else:
            self.memory, self.captured = np.reshape(value, (-1,)), True
            self.twin: np.ndarray = np.empty(self.size, np.int8)
            root = Place(tuple(value.shape), c_strides(tuple(value.shape)), 0)
        self.opened = root
        self.single: tuple[Any, Place] | None = None if handle is None else (handle, root)

    def _open_plain(self, value: np.ndarray) -> Place:
        if not (value.flags.c_contiguous or value.T.flags.c_contiguous):
            value = np.array(value, order="K")
            if not (value.flags.c_contiguous or value.T.flags.c_contiguous):
                value = np.ascontiguousarray(value)
        self.memory = value.reshape(-1) if value.flags.c_contiguous else value.T.reshape(-1)
        self.captured = self.captured or not self.memory.flags.writeable
        self.twin = self.memory
        return place_of(value, self.memory)

    @property
    def constant(self) -> bool:
        """Whether no traced value has been written."""
        return self.single is None and self.node is None

    # Looking

    def look(self, place: Place) -> Any:
        """The value seen through a place: a NumPy view of the cells."""
        memory = self.memory
        if type(memory) is np.ndarray:
            item = memory.itemsize
            strides = tuple(s * item for s in place.strides)
            return np.ndarray(place.shape, memory.dtype, memory, place.offset * item, strides)
        if not place.shape:
            return memory[place.offset]
        return view(memory, index=place.cells(self.size))

    def shape_view(self, place: Place) -> np.ndarray:
        """A plain array with the layout of the place, on which NumPy shows what a view would be."""
        twin = self.twin
        item = twin.itemsize
        strides = tuple(s * item for s in place.strides)
        return np.ndarray(place.shape, twin.dtype, twin, place.offset * item, strides)

    def own_memory(self) -> None:
        """Copy the cells before a write if something that is kept still looks at them."""
        if self.captured:
            if type(self.memory) is np.ndarray:
                same = self.twin is self.memory
                self.memory = self.memory.copy()
                if same:
                    self.twin = self.memory
            else:
                self.memory = self.memory.copy()
            self.captured = False

    # Writing

    def write(self, place: Place | None, cells: np.ndarray | None, value: Any, handle: Any, shape: Shape) -> None:
        """Write a value (of `shape`, broadcast to the target) with its node; target by place or by cells."""
        if self.locked is not None:
            raise ValueError(self.locked)
        self.own_memory()
        self._write_values(place, cells, value)
        self.version += 1
        self._seen.clear()
        if place is not None and place.shape == shape and math.prod(shape) == self.size:
            self.node = self.entry = None
            self.written, self.shapes = [], []
            self.single = None if handle is None else (handle, place)
            return
        if handle is None and self.constant:
            return
        self._write_owners(place, cells, handle, shape)

    def write_cell(self, cell: int, value: Any, handle: Any) -> None:
        """Write one element: `write` without its questions."""
        simple = handle is not None and self.locked is None and self.size > 1
        if not simple or type(self.memory) is not np.ndarray or is_tracer(value):
            self.write(Place((), (), cell), None, value, handle, ())
            return
        if self.captured:
            self.own_memory()
        self.memory[cell] = value
        self.version += 1
        if self._seen:
            self._seen.clear()
        if self.node is None:
            self._open_map()
        self.node[cell] = len(self.written)  # type: ignore[index]
        self.entry[cell] = 0  # type: ignore[index]
        self.written.append(handle)
        self.shapes.append(())

    def _write_values(self, place: Place | None, cells: np.ndarray | None, value: Any) -> None:
        if type(self.memory) is np.ndarray and is_tracer(value):
            # The value belongs to an outer recording: so do the cells from now on.
            self.memory = value._rec.constant(self.memory.copy(), always=True)
        if type(self.memory) is np.ndarray and place is not None:
            self.look(place)[...] = value
        elif cells is not None:
            self.memory[cells] = value
        else:
            assert place is not None
            self.memory[place.cells(self.size).flat.reshape(place.shape)] = value

    def _write_owners(self, place: Place | None, cells: np.ndarray | None, handle: Any, shape: Shape) -> None:
        if self.node is None:
            self._open_map()
        assert self.node is not None and self.entry is not None
        if place is not None and not place.shape:
            at: Any = place.offset
        elif cells is None:
            assert place is not None
            at = place.cells(self.size).flat.reshape(place.shape)
        else:
            at = cells
        if handle is None:
            self.node[at] = -1
            return
        self.node[at] = len(self.written)
        self.entry[at] = 0 if not shape else np.arange(math.prod(shape)).reshape(shape)
        self.written.append(handle)
        self.shapes.append(shape)

    def _open_map(self) -> None:
        self.node = np.full(self.size, -1, np.int64)
        self.entry = np.zeros(self.size, np.intp)
        if self.single is not None:
            handle, root = self.single
            self.node[:] = 0
            self.entry[root.cells(self.size).flat] = np.arange(self.size)
            self.written, self.shapes, self.single = [handle], [root.shape], None

    # Reading

    def read(self, place: Place) -> Any:
        """The node that stands for what the place sees: the owner, a view of it, or an assembled one."""
        if self.constant:
            return None
        if place in self._seen:
            return self._seen[place]
        if self.single is not None:
            handle = self._read_single(place)
        else:
            handle = self._read_mixed(place)
        self._seen[place] = handle
        return handle

    def _emit(self, primitive: Any, handles: list, shapes: list[Shape], index: IndexMap, place: Place) -> Any:
        self.captured = self.captured or self.rec.keeps
        operands = [self.rec.value_of(h, s) for h, s in zip(handles, shapes, strict=True)]
        return self.rec.emit(primitive, handles, operands, {"index": index}, self.look(place))

    def _read_single(self, place: Place) -> Any:
        assert self.single is not None
        handle, root = self.single
        if place == root:
            return handle
        index = place.cells(self.size)
        if root.offset == 0 and root.strides == c_strides(root.shape):
            index = IndexMap(place.shape, root.shape, affine=index.affine)
        else:
            back = np.empty(self.size, np.intp)
            back[root.cells(self.size).flat] = np.arange(self.size)
            index = IndexMap.of_positions(back[index.flat].reshape(place.shape), root.shape)
        return self._emit(VIEW, [handle], [root.shape], index, place)

    def _read_mixed(self, place: Place) -> Any:
        assert self.node is not None and self.entry is not None
        cells = place.cells(self.size).flat
        owners, entries = self.node[cells], self.entry[cells]
        present, which = np.unique(owners, return_inverse=True)
        if not len(present) or (len(present) == 1 and present[0] == -1):
            return None
        shapes = [self.shapes[k] for k in present if k >= 0]
        handles = [self.written[k] for k in present if k >= 0]
        if len(present) == 1 and (handles[0] is not None):
            index = IndexMap.of_positions(entries.reshape(place.shape), shapes[0])
            whole = shapes[0] == place.shape and index.flat.size and np.array_equal(index.flat, np.arange(index.size))
            return handles[0] if whole else self._emit(VIEW, handles, shapes, index, place)
        return self._assemble(place, present, which, entries, handles, shapes)

    def _assemble(
        self, place: Place, present: np.ndarray, which: np.ndarray, entries: np.ndarray, handles: list, shapes: list
    ) -> Any:
        """One node from all owners: position in their concatenation, constants first."""
        sizes = [math.prod(s) for s in shapes]
        looked = self.look(place)
        operands: list[Any] = [self.rec.value_of(h, s) for h, s in zip(handles, shapes, strict=True)]
        if present[0] == -1:
            rest = np.flatnonzero(which == 0)
            entries = entries.copy()
            entries[rest] = np.arange(len(rest))
            sizes.insert(0, len(rest))
            handles = [None, *handles]
            operands.insert(0, np.reshape(looked, (-1,))[rest])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        index = IndexMap.of_positions((starts[which] + entries).reshape(place.shape), (sum(sizes),))
        self.captured = self.captured or self.rec.keeps
        return self.rec.emit(ASSEMBLE, handles, operands, {"index": index}, looked)

    def cell(self, offset: int) -> tuple[Any, int, Shape]:
        """Owner of one cell: `(node or None, entry in it, the node's shape)`."""
        if self.single is not None:
            handle, root = self.single
            if root.strides == c_strides(root.shape):
                return handle, offset - root.offset, root.shape
            where = np.flatnonzero(root.cells(self.size).flat == offset)
            return handle, int(where[0]), root.shape
        if self.node is None:
            return None, 0, ()
        assert self.entry is not None
        k = int(self.node[offset])
        if k < 0:
            return None, 0, ()
        return self.written[k], int(self.entry[offset]), self.shapes[k]
