"""Where values live: buffers that are used again when a value is no longer needed, and views of them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.graph import Graph
from jacfwd.program.kinds import is_buffered, is_total
from jacfwd.rules import TABLE
from jacfwd.rules.internal import view

__all__ = ["Layout", "Place", "Registers", "last_uses", "places"]

VIEW = TABLE[view]
Shape = tuple[int, ...]
# Bytes in a cache line and in a page, and how many lines one piece of memory begins after the one before.
LINE, PAGE, STAGGER = 64, 4096, 37


@dataclasses.dataclass(frozen=True)
class Place:
    """A strided view of the C-contiguous memory that node `root` is computed into, counted in elements."""

    root: int
    shape: Shape
    offset: int
    strides: Shape

    @property
    def size(self) -> int:
        """The number of elements."""
        size: int = math.prod(self.shape)
        return size

    @property
    def linear(self) -> tuple[int, int] | None:
        """`(offset, step)` if element k in C order stands at `offset + step k`, else None."""
        return IndexMap(self.shape, (), affine=(self.offset, self.strides)).linear

    def reshaped(self, shape: Shape) -> "Place | None":
        """The same elements in another shape, None where no view has it."""
        if shape == self.shape:
            return self
        linear = self.linear
        if linear is None:
            return None
        return Place(self.root, shape, linear[0], tuple(linear[1] * s for s in c_strides(shape)))

    @property
    def whole(self) -> bool:
        """Whether this is all of its memory in order, from the start."""
        return self.linear == (0, 1)


def places(graph: Graph) -> list[Place]:
    """The place of every node; views by an affine map share their parent's memory."""
    found: list[Place] = []
    for at, node in enumerate(graph.nodes):
        own = Place(at, node.shape, 0, c_strides(node.shape))
        if node.primitive is VIEW and node.params["index"].affine is not None:
            parent = node.parents[0]
            assert parent is not None
            base = found[parent]
            if base.linear is not None and own.size:
                start, step = base.linear
                affine: tuple[int, Shape] = node.params["index"].affine
                offset, strides = affine
                own = Place(base.root, node.shape, start + step * offset, tuple(step * s for s in strides))
        found.append(own)
    return found


def last_uses(
    graph: Graph,
    where: Sequence[Place],
    until_the_end: Sequence[int],
    order: Sequence[Sequence[int]],
    careful: bool,
    postponed: Mapping[int, int] = MappingProxyType({}),
) -> list[int]:
    """For each root the step of the order in which it is read last.

    Outputs, guards and writes read theirs when these are computed. What is `postponed` until another node is computed
    reads its operands then.
    """
    also = {later: graph.nodes[at].parents for at, later in postponed.items()}
    last = [0] * len(graph.nodes)
    for step, group in enumerate(order):
        for at in group:
            parents = (*graph.nodes[at].parents, *also.get(at, ()))
            for read in (at, *(parent for parent in parents if parent is not None)):
                last[where[read].root] = max(last[where[read].root], step)
    for at in until_the_end:
        last[where[at].root] = len(order)
    # What a function returned may be a view of its operands: those live as long as it does.
    for group in reversed(order):
        for at in reversed(group):
            node = graph.nodes[at]
            if (
                node.primitive is None
                or is_buffered(node, careful)
                or where[at].root != at
                or is_total(node, graph.nodes)
            ):
                continue
            for parent in node.parents:
                if parent is not None:
                    root = where[parent].root
                    last[root] = max(last[root], last[at])
    return last


View = tuple[int, np.dtype, Shape, int, Shape]


class Layout:
    """The memory that a program needs, and the views of it that its source names.

    Each run takes such memory and gives it back, so that runs may overlap.
    """

    def __init__(self, sizes: tuple[int, ...], views: tuple[View, ...]) -> None:
        self.sizes, self.views = sizes, views
        self._idle: list[tuple[np.ndarray, ...]] = []

    def take(self) -> tuple[np.ndarray, ...]:
        """Memory that nobody uses, as the views."""
        try:
            return self._idle.pop()
        except IndexError:
            return self.make()

    def give(self, buffers: tuple[np.ndarray, ...]) -> None:
        """Hand memory back."""
        self._idle.append(buffers)

    def make(self) -> tuple[np.ndarray, ...]:
        """New memory."""
        memory = [staggered(size, k) for k, size in enumerate(self.sizes)]
        return tuple(
            # Views of nothing may begin beyond its end, where NumPy makes none.
            np.ndarray(shape, dtype, memory[register], offset, strides) if 0 not in shape else np.empty(shape, dtype)
            for register, dtype, shape, offset, strides in self.views
        )


def staggered(size: int, k: int) -> np.ndarray:
    """Memory that begins on a cache line, each time on another one of a page.

    Large pieces come from the system at the start of a page: element i of all of them would compete for the same few
    places in the processor's cache.
    """
    memory = np.empty(size + LINE + PAGE, np.uint8)
    begin = -memory.__array_interface__["data"][0] % LINE + LINE * (STAGGER * k % (PAGE // LINE))
    return memory[begin : begin + size]


class Registers:
    """Pieces of memory by size; a freed one is handed out again before a new one is made."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._free: dict[int, list[int]] = {}

    def take(self, nbytes: int) -> int:
        """A piece of memory of exactly this size."""
        free = self._free.get(nbytes)
        if free:
            return free.pop()
        self.sizes.append(nbytes)
        return len(self.sizes) - 1

    def release(self, register: int) -> None:
        """Give a piece back."""
        self._free.setdefault(self.sizes[register], []).append(register)
