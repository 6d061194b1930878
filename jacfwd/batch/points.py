"""A graph at many points: node after node on blocks of points, with its guards checked for each point."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jacfwd.batch.lift import Lifted
from jacfwd.errors import BranchChangedError
from jacfwd.formats.dispatch import strong_product
from jacfwd.graph import Graph, Guard, Node
from jacfwd.program.run import Interpreter, frees
from jacfwd.program.scalars import scalarised
from jacfwd.rules import TABLE

__all__ = ["Points", "chunks"]

STRONG, MULTIPLY = TABLE[strong_product], TABLE[np.multiply]

# Elements of the largest node in one block: several such blocks fit a processor's cache.
BLOCK = 1 << 13
# So many points at least make a block, so that calls cost little beside what they do.
LEAST = 16


class Points:
    """A graph prepared for blocks of points. It keeps no values, and pickles with the graph.

    The blocks of nodes have the axis of points first and, in memory, last: elements of a node are then contiguous
    over the points, as columns of a hand-vectorised function are.
    """

    def __init__(self, graph: Graph) -> None:
        self.outputs = [(out.shape, out.dtype) for out in graph.outputs]
        small = scalarised(graph)
        self.by_element = small is not None
        self.graph = graph if small is None else small
        self._prepare()

    def _prepare(self) -> None:
        nodes = self.graph.nodes
        self._watched: dict[int, list[Guard]] = {}
        for guard in self.graph.guards:
            self._watched.setdefault(guard.node, []).append(guard)
        self._frees = frees(self.graph)
        lifted = [
            (at, Lifted(node, *zip(*map(self._kind, node.parents), strict=True)))
            for at, node in enumerate(nodes)
            if node.primitive is not None
        ]
        self._steps = {True: lifted, False: [(at, quick(each)) for at, each in lifted]}
        self.widest = max((math.prod(node.shape) for node in nodes), default=1)

    def _kind(self, parent: int | None) -> tuple[Any, Any]:
        if parent is None:
            return None, None
        return self.graph.nodes[parent].shape, self.graph.nodes[parent].dtype

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("graph", "outputs", "by_element")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def chunk(self) -> int:
        """How many points make a block."""
        return max(LEAST, BLOCK // max(self.widest, 1))

    def __call__(self, leaves: Sequence[np.ndarray], chunk: int | None = None) -> tuple[list[np.ndarray], np.ndarray]:
        """Outputs at points `(p, ...)`, and a mask `(p,)` of those on this branch; elsewhere they mean nothing."""
        p, size = len(leaves[0]), chunk or self.chunk()
        outs = [np.empty((p, *shape), dtype) for shape, dtype in self.outputs]
        taken = np.zeros(p, bool)
        for start, stop in chunks(p, size):
            found, kept = self._block([leaf[start:stop] for leaf in leaves])
            taken[start + kept] = True
            # A slice is written much faster than the same points by their numbers.
            to: Any = slice(start, stop) if len(kept) == stop - start else start + kept
            for out, block in zip(outs, self._joined(found, len(kept)), strict=True):
                out[to] = block
        return outs, taken

    def _joined(self, found: list[Any], p: int) -> Iterator[Any]:
        """Outputs as blocks, put together from their elements where these were computed one by one."""
        if not self.by_element:
            yield from found
            return
        at = 0
        for shape, dtype in self.outputs:
            count = math.prod(shape)
            block = np.empty((count, p), dtype)
            for row, own in zip(block, found[at : at + count], strict=True):
                row[...] = own
            at += count
            yield block.T.reshape(p, *shape)

    def _block(self, leaves: Sequence[np.ndarray]) -> tuple[list[Any], np.ndarray]:
        """One block: outputs at the points of this branch, and their positions."""
        p = len(leaves[0])
        leaves = [points_last(leaf) for leaf in leaves]
        if self.by_element:
            leaves = [element for leaf in leaves for element in elements(leaf)]
        try:
            with np.errstate(all="ignore"):
                outs, kept = self._together(leaves, p, careful=False)
                # Zeros must be strong where a product is not finite: seldom, so that it is not asked at each of them.
                return (outs, kept) if all(map(is_finite, outs)) else self._together(leaves, p, careful=True)
        except (ArithmeticError, ValueError, TypeError, NotImplementedError):
            # Points of another branch may fail here, and no other point should for their sake.
            return self._one_by_one(leaves, p)

    def _together(self, leaves: Sequence[Any], p: int, careful: bool) -> tuple[list[Any], np.ndarray]:
        kept = np.arange(p)
        values: dict[int, Any] = {}
        for at, leaf in zip(self.graph.inputs, leaves, strict=True):
            values[at] = leaf
            kept = self._guarded(at, values, kept)
        for at, lifted in self._steps[careful]:
            if not len(kept):
                break
            parents = lifted.node.parents
            values[at] = lifted([None if parent is None else values[parent] for parent in parents], len(kept))
            kept = self._guarded(at, values, kept)
            for gone in self._frees.get(at, ()):
                del values[gone]
        p = len(kept)
        outs = [
            np.broadcast_to(out.value, (p, *out.shape))
            if out.node is None
            else values.get(out.node, np.empty((0, *out.shape), out.dtype))
            for out in self.graph.outputs
        ]
        return outs, kept

    def _guarded(self, at: int, values: dict[int, Any], kept: np.ndarray) -> np.ndarray:
        """Drop the points at which a guarded value is another than the recorded one."""
        for guard in self._watched.get(at, ()):
            value = values[at]
            same = np.equal(value, guard.value).reshape(len(kept), -1).all(axis=1)
            if not same.all():
                kept = kept[same]
                for each in values:
                    values[each] = points_last(values[each][same])
        return kept

    def _one_by_one(self, leaves: Sequence[np.ndarray], p: int) -> tuple[list[Any], np.ndarray]:
        run, kept, found = Interpreter(self.graph), [], []
        for k in range(p):
            try:
                with np.errstate(all="ignore"):
                    found.append(run([leaf[k] for leaf in leaves]))
            except BranchChangedError:
                continue
            except Exception as error:
                error.add_note(f"at point {k} of a block of {p} points")
                raise
            kept.append(k)
        outs = [
            np.array([values[k] for values in found], out.dtype).reshape(len(kept), *out.shape)
            for k, out in enumerate(self.graph.outputs)
        ]
        return outs, np.array(kept, np.intp)


def quick(lifted: Lifted) -> Lifted:
    """The same for points at which all is finite: strong products are products."""
    node = lifted.node
    if node.primitive is not STRONG:
        return lifted
    plain = Node(MULTIPLY, node.parents, node.constants, node.params, node.shape, node.dtype, node.location)
    return Lifted(plain, lifted.shapes, lifted.dtypes)


def is_finite(block: Any) -> bool:
    """Whether a block holds numbers only."""
    return bool(np.isfinite(np.sum(block)))


def elements(block: np.ndarray) -> list[np.ndarray]:
    """One view over the points for each element of a node."""
    flat = block.reshape(len(block), math.prod(block.shape[1:]))
    return [flat[:, k] for k in range(flat.shape[1])]


def points_last(block: np.ndarray) -> np.ndarray:
    """The same block with the axis of points last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(block, 0, -1)), -1, 0)


def chunks(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Bounds of stretches of so many."""
    for start in range(0, count, size):
        yield start, min(start + size, count)
