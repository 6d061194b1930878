"""Where values live: buffers that are used again when a value is no longer needed, and views of them."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.graph import Graph
from jacfwd.program.kinds import is_buffered
from jacfwd.rules import TABLE
from jacfwd.rules.internal import view

__all__ = ["Place", "Registers", "last_uses", "places"]

VIEW = TABLE[view]
Shape = tuple[int, ...]


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
        return math.prod(self.shape)

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
            if base.linear is not None and math.prod(node.shape):
                start, step = base.linear
                offset, strides = node.params["index"].affine
                own = Place(base.root, node.shape, start + step * offset, tuple(step * s for s in strides))
        found.append(own)
    return found


def last_uses(graph: Graph, where: Sequence[Place], until_the_end: Sequence[int]) -> list[int]:
    """For each root the last node that reads it; outputs and guards read theirs when these are computed."""
    last = list(range(len(graph.nodes)))
    for at, node in enumerate(graph.nodes):
        for parent in node.parents:
            if parent is not None:
                last[where[parent].root] = at
        if where[at].root != at:
            last[where[at].root] = max(last[where[at].root], at)
    for at in until_the_end:
        last[where[at].root] = len(graph.nodes)
    # What a function returned may be a view of its operands: those live as long as it does.
    for at in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[at]
        if node.primitive is None or is_buffered(node) or where[at].root != at:
            continue
        for parent in node.parents:
            if parent is not None:
                root = where[parent].root
                last[root] = max(last[root], last[at])
    return last


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

    def memory(self) -> list[np.ndarray]:
        """New memory for all of them."""
        return [np.empty(size, np.uint8) for size in self.sizes]
