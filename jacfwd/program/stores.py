"""Writes into the matrix: how values get into their slots, and what is put right or added in the end."""

import math
from typing import Any

import numpy as np

from jacfwd.formats.sums import MANY, Sums
from jacfwd.graph import Graph
from jacfwd.program.places import Place
from jacfwd.program.slots import Write
from jacfwd.program.values import Values
from jacfwd.program.windows import Window

__all__ = ["Stores"]


class Stores(Values):
    """Statements that write into the data of a matrix."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        # Slices write over what is not theirs: that is put right after them, and only then terms are added.
        self.closing: list[str] = []
        self.adding: list[str] = []

    def store(self, at: int, write: Write) -> None:
        """Put a node's values into their slots; what has to wait is written at the end."""
        place = self.where[at]
        flat = place.reshaped((place.size,)) if place.size != 1 else place.reshaped(())
        name = self.name(flat, at) if flat is not None else f"{self.name(place, at)}.reshape(-1)"
        slots = self.slots(write.slots)
        if write.adds:
            self.adding.append(self.added_term(write, slots, name, place.size))
            return
        base = None if write.base is None else self.names.constant(write.base)
        part = "" if write.part is None else f"[{write.part.start}:{write.part.stop}]"
        if base is not None:
            base += part if np.ndim(write.base) else ""
        own = name + (part if place.size != 1 else "")
        self.lines.append(f"data[{slots}] = {own if base is None else f'{base} + {own}'}")
        if write.mended is not None:
            self.mend(at, name, write)
        if write.extra is not None:
            self.add_extra(at, name, write)

    def added_term(self, write: Write, slots: str, name: str, size: int) -> str:
        """The statement that adds a term as a whole."""
        if not write.repeats:
            return f"data[{slots}] += {name}"
        if isinstance(write.slots, np.ndarray) and len(write.slots) == size >= MANY:
            # What meets is summed before: there are fewer slots than elements.
            distinct, each = np.unique(write.slots, return_inverse=True)
            return f"data[{self.names.constant(distinct, 'at')}] += {self.summed(each, name, len(distinct))}"
        return f"{self.names.of(np.add)}.at(data, {slots}, {name})"

    def store_window(self, window: Window) -> None:
        """Put all rows of a window into their slots."""
        root, count = window.root, window.high - window.low
        node, item = self.nodes[root], window.item(self.nodes[root].dtype)
        size, nbytes = math.prod(node.shape), node.dtype.itemsize
        name = self.name(Place(root, (size,), 0, (1,)), root)
        source = self.items(name, item, count, window.low * nbytes, nbytes)
        self.lines.append(f"{self.rows(window)}[:] = {source}")
        if len(window.slots):
            self.mend(root, name, Write(slice(0), mended=(window.slots, window.elements)))

    def rows(self, window: Window) -> str:
        """The slots of a window, each row of them as one item."""
        dtype = self.nodes[window.root].dtype
        begin, step = (window.base + window.step * window.low) * dtype.itemsize, window.step * dtype.itemsize
        return self.items("data", window.item(dtype), window.high - window.low, begin, step)

    def items(self, name: str, item: np.dtype, count: int, begin: int, step: int) -> str:
        """Items in the memory of an array; they may overlap."""
        array, dtype = self.names.of(np.ndarray), self.names.constant(item, "item")
        return f"{array}({count}, {dtype}, {name}, {begin}, {step})"

    def add_extra(self, at: int, name: str, write: Write) -> None:
        """Entries that meet others of the same term."""
        assert write.extra is not None
        slots, entries = (self.names.constant(part, "at") for part in write.extra)
        kept = name
        if self.where[at].size != 1 or self.where[at].root in self.register_of:
            kept = f"m{len(self.closing)}_{len(self.adding)}"
            self.lines.append(f"{kept} = {name}[{entries if self.where[at].size != 1 else '()'}]")
        self.adding.append(f"{self.names.of(np.add)}.at(data, {slots}, {kept})")

    def mend(self, at: int, name: str, write: Write) -> None:
        """Keep what slices get wrong until they are all written."""
        assert write.mended is not None
        slots, entries = write.mended
        kept = name
        if self.where[at].size != 1:
            kept = f"m{len(self.closing)}_{len(self.adding)}"
            self.lines.append(f"{kept} = {name}[{self.names.constant(entries, 'at')}]")
        elif self.where[at].root in self.register_of:
            kept = f"m{len(self.closing)}_{len(self.adding)}"
            self.lines.append(f"{kept} = {name}[()]")
        if write.base is not None:
            base = write.base[entries] if np.ndim(write.base) else write.base
            kept = f"{self.names.constant(base)} + {kept}"
        self.closing.append(f"data[{self.names.constant(slots, 'at')}] = {kept}")

    def slots(self, slots: Any) -> str:
        if isinstance(slots, slice):
            return f"{slots.start}:{slots.stop}" + (f":{slots.step}" if slots.step != 1 else "")
        return self.names.constant(slots, "at")

    def summed(self, positions: np.ndarray, name: str, size: int) -> str:
        """Sums of elements that meet at the same place, as a flat array."""
        if len(positions) < MANY:
            return f"{self.names.of(np.bincount)}({self.names.constant(positions, 'at')}, {name}, {size})"
        return f"{self.names.constant(Sums(positions, size), 'sums')}({name})[0]"
