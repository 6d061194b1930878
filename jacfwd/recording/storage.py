"""Storages: what views share. An owner map says, for each cell of memory, which node wrote it last.

Cells are numbered in memory order. A write costs what it writes; a read with one owner is a view of that
owner, any other read one assembled node. Memory is copied before a write if a kept node still looks at it.
"""

import math
import weakref
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.locations import Location, describe, here
from jacfwd.recording.layout import Place, Shape, entry_of, opened, view_of
from jacfwd.rules import find
from jacfwd.rules.internal import assemble, view

__all__ = ["Hollow", "Storage"]

VIEW, ASSEMBLE = find(view), find(assemble)


class Hollow:
    """An operand of which only the shape is known; enough for data movement."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class Loan:
    """The base of plain arrays that look at a storage's memory: alive for as long as any of them."""

    def __init__(self, memory: np.ndarray) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__


class Storage:
    """Cells, and who wrote them: one node (the common case), a map of nodes, or nobody (a constant)."""

    __slots__ = (
        "_loans",
        "_numbers",
        "_seen",
        "captured",
        "count",
        "dtype",
        "entry",
        "memory",
        "node",
        "opened",
        "rec",
        "shapes",
        "single",
        "size",
        "twin",
        "version",
        "written",
    )

    def __init__(self, rec: Any, value: Any, handle: Any) -> None:
        """Open a storage over the value of a node (or a constant: handle None)."""
        self.rec, self.dtype, self.version = rec, value.dtype, 0
        self.memory: Any
        # Nodes that are kept look at this memory. A kept constant is a copy already.
        self.captured = rec.keeps and handle is not None
        if is_tracer(value):
            self._open_traced(value)
        else:
            self.memory, self.opened = opened(np.asarray(value))
            self.twin = self.memory
        self.size: int = self.twin.size
        self.count = math.prod(self.opened.shape)
        self.node: np.ndarray | None = None
        self.entry: np.ndarray | None = None
        self.written: list[Any] = []
        self.shapes: list[Shape] = []
        self.single: tuple[Any, Place] | None = None if handle is None else (handle, self.opened)
        self._seen: dict[Any, Any] = {}
        self._loans: list[tuple[weakref.ref[Loan], Location]] = []
        self._numbers: np.ndarray | None = None

    def _open_traced(self, value: Any) -> None:
        """Cells that belong to an outer recording; the twin is plain and shows how they lie."""
        layout = value._layout()
        self.captured = True
        self.twin, self.opened = opened(layout)
        if self.twin.size == layout.size and min(self.opened.strides, default=0) >= 0:
            axes = sorted(range(layout.ndim), key=lambda k: -layout.strides[k])
            self.memory = np.reshape(value if axes == sorted(axes) else np.transpose(value, axes), (-1,))
        else:
            cells = value._rec.constant(np.zeros(self.twin.size, self.dtype), always=True)
            cells.view_at(self.opened)[...] = value
            self.memory = cells

    @property
    def constant(self) -> bool:
        """Whether no traced value has been written."""
        return self.single is None and self.node is None

    # Looking

    def look(self, place: Place) -> Any:
        """The value seen through a place: a NumPy view of the cells."""
        memory = self.memory
        if type(memory) is np.ndarray:
            return view_of(memory, place)
        if place.shape:
            return view(memory, index=place.cells(self.size))
        element = memory[place.offset]
        return element.as_array() if is_tracer(element) else np.array(element)

    def shape_view(self, place: Place) -> np.ndarray:
        """A plain array with the layout of the place, on which NumPy shows what a view would be."""
        return view_of(self.twin, place)

    def numbers(self, place: Place) -> np.ndarray:
        """The numbers of the cells that a place sees."""
        if self._numbers is None:
            self._numbers = np.arange(self.size)
        return view_of(self._numbers, place)

    def own_memory(self) -> None:
        """Copy the cells before a write if something that is kept still looks at them."""
        if self.captured:
            same = self.twin is self.memory
            self.memory = self.memory.copy()
            self.twin = self.memory if same else self.twin
            self.captured = False

    def lend(self, place: Place) -> np.ndarray:
        """A plain array that shares the memory of a constant storage, for code that reads and writes memory.

        No traced value may be written while it, or a view of it, is alive: it would not be seen there.
        """
        assert self.constant and type(self.memory) is np.ndarray
        self.own_memory()
        loan = Loan(self.memory)
        self._loans = [kept for kept in self._loans if kept[0]() is not None]
        self._loans.append((weakref.ref(loan), here()))
        return view_of(np.asarray(loan), place)

    def _refuse_lent(self) -> None:
        for loan, where in self._loans:
            if loan() is not None:
                raise TracerConversionError(
                    f"a traced value was written, at {describe(here())}, into an array that plain code "
                    f"still looks at: its memory was handed out at {describe(where)}; hand out a copy, "
                    "np.array(a)"
                )
        self._loans = []

    # Writing

    def write(self, place: Place, value: Any, handle: Any, shape: Shape) -> None:
        """Write a value (of `shape`, broadcast to the place) with its node."""
        self._before_write(value, handle)
        if type(self.memory) is np.ndarray:
            view_of(self.memory, place)[...] = value
        else:
            self.memory[place.cells(self.size).flat.reshape(place.shape)] = value
        if place.shape == shape and math.prod(shape) == self.count:
            self.node = self.entry = None
            self.written, self.shapes = [], []
            self.single = None if handle is None else (handle, place)
        elif handle is not None or not self.constant:
            self._note_owner(place, ..., handle, shape)

    def write_at(self, place: Place, key: Any, value: Any, handle: Any, shape: Shape) -> None:
        """Write by an advanced index into a place; which write to one element is the last, NumPy decides."""
        self._before_write(value, handle)
        if type(self.memory) is np.ndarray:
            view_of(self.memory, place)[key] = value
        else:
            self.memory[self.numbers(place)[key]] = value
        if handle is not None or not self.constant:
            self._note_owner(place, key, handle, shape, value)

    def write_cell(self, cell: int, value: Any, handle: Any) -> None:
        """Write one element: `write` without its questions."""
        if handle is None or self.rec.level or self._loans or self.size == 1:
            self.write(Place((), (), cell), value, handle, ())
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

    def _before_write(self, value: Any, handle: Any) -> None:
        """Memory that may be written to, and that can hold the value."""
        outer = value._rec if is_tracer(value) else None
        if self._loans and (handle is not None or outer is not None):
            self._refuse_lent()
        self.own_memory()
        if outer is not None and (type(self.memory) is np.ndarray or self.memory._rec.level < outer.level):
            # The value belongs to an outer recording: so do the cells from now on.
            self.memory = outer.constant(self.memory.copy(), always=True)
        self.version += 1
        self._seen.clear()

    def _note_owner(self, place: Place, key: Any, handle: Any, shape: Shape, value: Any = None) -> None:
        if self.node is None:
            self._open_map()
        assert self.node is not None and self.entry is not None
        view_of(self.node, place)[key] = -1 if handle is None else len(self.written)
        if handle is None:
            return
        entries: Any = 0
        if shape:
            entries = np.arange(math.prod(shape)).reshape(shape)
            if type(value) is np.ndarray and key is not Ellipsis:
                # Where the same element is written twice, the last one must be the one that stayed in memory.
                spread, entries = entries, np.empty_like(value, np.intp).reshape(shape)
                entries[...] = spread
        view_of(self.entry, place)[key] = entries
        self.written.append(handle)
        self.shapes.append(shape)

    def _open_map(self) -> None:
        self.node = np.full(self.size, -1, np.intp)
        self.entry = np.zeros(self.size, np.intp)
        if self.single is not None:
            handle, root = self.single
            view_of(self.node, root)[...] = 0
            view_of(self.entry, root)[...] = np.arange(self.count).reshape(root.shape)
            self.written, self.shapes, self.single = [handle], [root.shape], None

    # Reading

    def read(self, place: Place) -> Any:
        """The node that stands for what the place sees: the owner, a view of it, or an assembled one."""
        if self.constant:
            return None
        if place in self._seen:
            return self._seen[place]
        if self.single is not None and self.single[1][:3] == place[:3]:
            return self.single[0]
        self.captured = self.captured or self.rec.keeps
        index = place.cells(self.size)
        handle = self._taken(
            index, index.flat.reshape(place.shape) if self.node is not None else None, self.look(place)
        )
        self._seen[place] = handle
        return handle

    def gather(self, place: Place, key: Any) -> tuple[Any, Any]:
        """Value and node of what an advanced index takes from a place."""
        cells = self.numbers(place)[key]
        if type(self.memory) is np.ndarray:
            value = view_of(self.memory, place)[key]
        else:
            value = view(self.memory, index=IndexMap.of_positions(cells, (self.size,)))
        if self.constant:
            return value, None
        return value, self._taken(IndexMap.of_positions(cells, (self.size,)), cells, value)

    def _taken(self, index: IndexMap, cells: np.ndarray | None, out: Any) -> Any:
        """The node for what an index takes; `cells` are its positions, needed where there are many owners."""
        if self.single is not None:
            return self._of_single(index, out)
        assert cells is not None
        return self._of_many(cells, out)

    def _of_single(self, index: IndexMap, out: Any) -> Any:
        assert self.single is not None
        handle, root = self.single
        if root.offset == 0 and root.strides == c_strides(root.shape) and index.affine is not None:
            index = IndexMap(index.shape, root.shape, affine=index.affine)
        else:
            back = self._seen.get(None)
            if back is None:
                back = self._seen[None] = np.empty(self.size, np.intp)
                view_of(back, root._replace(writeable=True))[...] = np.arange(self.count).reshape(root.shape)
            index = IndexMap.of_positions(back[index.flat].reshape(index.shape), root.shape)
        return self._emit(VIEW, [handle], [root.shape], index, out)

    def _of_many(self, cells: np.ndarray, out: Any) -> Any:
        assert self.node is not None and self.entry is not None
        owners, entries = self.node[cells].reshape(-1), self.entry[cells].reshape(-1)
        present, which = np.unique(owners, return_inverse=True)
        if not len(present) or (len(present) == 1 and present[0] == -1):
            return None
        shapes = [self.shapes[k] for k in present if k >= 0]
        handles = [self.written[k] for k in present if k >= 0]
        if len(present) > 1:
            return self._assembled(present, which.reshape(-1), entries, handles, shapes, cells.shape, out)
        index = IndexMap.of_positions(entries.reshape(cells.shape), shapes[0])
        whole = shapes[0] == cells.shape and np.array_equal(entries, np.arange(entries.size))
        return handles[0] if whole else self._emit(VIEW, handles, shapes, index, out)

    def _assembled(
        self,
        present: np.ndarray,
        which: np.ndarray,
        entries: np.ndarray,
        handles: list,
        shapes: list[Shape],
        shape: Shape,
        out: Any,
    ) -> Any:
        """One node from all owners: position in their concatenation, constants first."""
        sizes = [math.prod(s) for s in shapes]
        operands: list[Any] = [self.rec.value_of(h, s) for h, s in zip(handles, shapes, strict=True)]
        if present[0] == -1:
            rest = np.flatnonzero(which == 0)
            entries[rest] = np.arange(len(rest))
            sizes.insert(0, len(rest))
            handles = [None, *handles]
            operands.insert(0, np.reshape(out, (-1,))[rest])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        index = IndexMap.of_positions((starts[which] + entries).reshape(shape), (sum(sizes),))
        return self.rec.emit(ASSEMBLE, handles, operands, {"index": index}, out)

    def _emit(self, primitive: Any, handles: list, shapes: list[Shape], index: IndexMap, out: Any) -> Any:
        operands = [self.rec.value_of(h, s) for h, s in zip(handles, shapes, strict=True)]
        return self.rec.emit(primitive, handles, operands, {"index": index}, out)

    def cell(self, cell: int) -> tuple[Any, int, Shape]:
        """Owner of one cell: `(node or None, entry in it, the node's shape)`."""
        if self.single is not None:
            handle, root = self.single
            if len(root.shape) == 1 and root.strides[0]:
                return handle, (cell - root.offset) // root.strides[0], root.shape
            return handle, entry_of(root, cell), root.shape
        if self.node is None:
            return None, 0, ()
        assert self.entry is not None
        k = int(self.node[cell])
        return (None, 0, ()) if k < 0 else (self.written[k], int(self.entry[cell]), self.shapes[k])
