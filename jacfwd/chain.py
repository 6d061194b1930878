"""The chain: a graph's local Jacobians at a point, and its products with seeds from either side.

Forward mode multiplies `L_K ... L_2 L_1` from the input side, reverse mode the same factors from the output
side. Products go node by node in the order of recording and keep only the tangents still needed.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.compose import add
from jacfwd.formats.dispatch import as_dtype, is_plain, summed
from jacfwd.formats.entries import Entries, coo_entries
from jacfwd.graph import Graph, Node
from jacfwd.locations import placed
from jacfwd.primitive import Call

__all__ = ["Chain", "Sides", "Step", "storable"]

# Bytes of one node's tangents that stay in a processor's cache from one operation to the next.
CACHED = 1 << 21


class Step(NamedTuple):
    """One node's local Jacobians: groups of parents, each with the format that acts on them joined."""

    node: int
    groups: list[tuple[tuple[int, ...], Format]]


class Sides:
    """Which columns belong to which input of a graph, and which rows to which output.

    `wrt` are the input nodes, flattened and joined to n columns. Outputs are joined to m rows.
    """

    def __init__(self, graph: Graph, wrt: Sequence[int]) -> None:
        self.graph, self.wrt = graph, list(wrt)
        self.sizes = [math.prod(graph.nodes[at].shape) for at in self.wrt]
        self.offsets = [0, *itertools.accumulate(self.sizes)]
        self.n = self.offsets[-1]
        self.out_sizes = [math.prod(out.shape) for out in graph.outputs]
        self.out_offsets = [0, *itertools.accumulate(self.out_sizes)]
        self.m = self.out_offsets[-1]
        self.dtype = common_dtype({*(graph.nodes[at].dtype for at in self.wrt), *(out.dtype for out in graph.outputs)})

    @functools.cached_property
    def complex_inputs(self) -> np.ndarray:
        """Which of the n columns belong to complex inputs."""
        return np.repeat([self.graph.nodes[at].dtype.kind == "c" for at in self.wrt], self.sizes).astype(bool)

    @property
    def complex_outputs(self) -> bool:
        """Whether some output is complex."""
        return any(out.dtype.kind == "c" for out in self.graph.outputs)


Group: TypeAlias = tuple[tuple[int, ...], Format]


def parallel(groups: list[Group]) -> list[Group]:
    """Multiples of the identity between the same nodes as one: in `x - x` they cancel before inf is multiplied."""
    merged: list[Group] = []
    for parents, fmt in groups:
        at = next((k for k, (others, other) in enumerate(merged) if others == parents and alike(other, fmt)), None)
        if at is None:
            merged.append((parents, fmt))
        else:
            merged[at] = (parents, add([merged[at][1], fmt]))
    return merged


def alike(one: Format, other: Format) -> bool:
    """Whether both multiply all elements by one number."""
    both = [fmt for fmt in (one, other) if type(fmt) is Entries and fmt.rows is None and fmt.cols is None]
    return len(both) == 2 and all(np.ndim(fmt.weights) == 0 for fmt in both)


class Chain(Sides):
    """Local Jacobians of a graph at a point, where `values` are its nodes' values, with respect to some inputs."""

    def __init__(self, graph: Graph, values: Sequence[Any], wrt: Sequence[int]) -> None:
        super().__init__(graph, wrt)
        self.plain = is_plain(*values)
        with np.errstate(all="ignore"):
            self.steps = self._linearize(values)

    def _linearize(self, values: Sequence[Any]) -> list[Step]:
        """Local Jacobians of every node that an input reaches and an output needs."""
        nodes = self.graph.nodes
        needed = self._needed()
        active = set(self.wrt)
        steps = []
        widest = max(self.sizes, default=0)
        for at, node in enumerate(nodes):
            if node.primitive is None or at not in needed or not node.differentiable:
                continue
            parents: Any = node.parents
            wanted = tuple([k for k, parent in enumerate(parents) if parent in active])
            if not wanted:
                continue
            call = Call(node.primitive, values[at], node.operands(values), node.params)
            try:
                found = node.primitive.groups(call, wanted)
            except (NotDifferentiableError, UnsupportedFunctionError) as error:
                raise placed(error, node.location) from error.__cause__
            if found:
                active.add(at)
                widest = max(widest, math.prod(node.shape))
                groups = [(tuple([parents[k] for k in ks]), fmt) for ks, fmt in found]
                if len(groups) > 1 and len({ks for ks, _ in groups}) < len(groups):
                    groups = parallel(groups)
                steps.append(Step(at, groups))
        self.active, self.widest = active, widest
        return steps

    def _needed(self) -> set[int]:
        needed: Any = {out.node for out in self.graph.outputs}
        nodes = self.graph.nodes
        for at in range(len(nodes) - 1, -1, -1):
            if at in needed:
                needed.update(nodes[at].parents)
        needed.discard(None)
        return needed

    @property
    def seed_bytes(self) -> int:
        """What one seed needs on its way: a few tangents of the largest nodes at a time."""
        widest = max((math.prod(node.shape) for node in self.graph.nodes), default=1)
        return max(8 * widest * np.result_type(self.dtype, np.float16).itemsize, 1)

    @functools.cached_property
    def slab(self) -> int:
        """How many seeds go together: what a cache holds, or as many as have to share what a product reads for all.

        Larger blocks of tangents are slower, since each operation fetches them from memory; but a matrix is read
        once for all tangents of a block.
        """
        sizes = [math.prod(self.graph.nodes[at].shape) for at in (*self.wrt, *(step.node for step in self.steps))]
        shared = sum(fmt.elements for step in self.steps for _, fmt in step.groups)
        return max(CACHED // (self.dtype.itemsize * max(*sizes, 1)), shared // max(sum(sizes), 1), 1)

    def _in_slabs(self, product: Callable[[Any], Any], seeds: Any, width: int) -> Any:
        """`(p, width)`: a product with seeds, so many at a time."""
        p, out = seeds.shape[0], None
        for start in range(0, p, self.slab):
            found = product(seeds[start : start + self.slab])
            if out is None:
                out = np.empty((p, width), found.dtype)
            out[start : start + self.slab] = found
        return out

    def _fit(self, seeds: Any) -> bool:
        """Whether seeds go together."""
        p = seeds.shape[0]
        if p == 1 or not self.plain or p * self.widest * self.dtype.itemsize <= CACHED:
            return True
        return not is_plain(seeds) or p <= self.slab

    # Products

    def push(self, seeds: Any) -> Any:
        """Forward: seeds `(p, n)` to tangents of the outputs `(p, m)`."""
        if not self._fit(seeds):
            return self._in_slabs(self.push, seeds, self.m)
        p = seeds.shape[0]
        tangents = self.tangents(self.split(seeds))
        blocks = []
        for out, size in zip(self.graph.outputs, self.out_sizes, strict=True):
            block = None if out.node is None else tangents.get(out.node)
            blocks.append(np.zeros((p, size), self.dtype) if block is None else np.reshape(block, (p, size)))
        return blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros((p, 0), self.dtype), *blocks], axis=1)

    def split(self, seeds: Any) -> list[Any]:
        """Seeds `(p, n)` as one tangent block per input."""
        p, nodes = seeds.shape[0], self.graph.nodes
        parts = []
        for k, at in enumerate(self.wrt):
            part = seeds[:, self.offsets[k] : self.offsets[k + 1]]
            parts.append(as_dtype(np.reshape(part, (p, *nodes[at].shape)), nodes[at].dtype))
        return parts

    def tangents(self, seeds: Sequence[Any], keep: bool = False) -> dict[int, Any]:
        """Tangent blocks by node, from one block (or None) per input; freed after their last use unless few."""
        held = {at: seed for at, seed in zip(self.wrt, seeds, strict=True) if seed is not None}
        p = max((seed.shape[0] for seed in held.values()), default=0)
        little = p * self.widest * len(self.steps) * self.dtype.itemsize <= CACHED
        last = {} if keep or little else self.last_use
        nodes = self.graph.nodes
        with np.errstate(all="ignore"):
            for step in self.steps:
                total = None
                for parents, fmt in step.groups:
                    block = held.get(parents[0]) if len(parents) == 1 else _joined(held, parents, nodes)
                    if block is not None:
                        moved = fmt.push(block)
                        total = moved if total is None else summed(total, moved, block)
                for gone in last.get(step.node, ()):
                    held.pop(gone, None)
                if total is not None:
                    held[step.node] = as_dtype(total, nodes[step.node].dtype)
        return held

    @functools.cached_property
    def last_use(self) -> dict[int, list[int]]:
        """For each step the nodes that nobody needs afterwards."""
        outputs = {out.node for out in self.graph.outputs}
        last: dict[int, int] = {}
        for step in self.steps:
            for parents, _ in step.groups:
                last.update(dict.fromkeys(parents, step.node))
        frees: dict[int, list[int]] = {}
        for node, at in last.items():
            if node not in outputs:
                frees.setdefault(at, []).append(node)
        return frees

    def pull(self, seeds: Any) -> Any:
        """Reverse: cotangents `(p, m)` of the outputs to `(p, n)`, transposed without conjugation.

        Complex nodes pair as `Re(w . v)`; complex-linear products are made of two of these.
        """
        if not self._fit(seeds):
            return self._in_slabs(self.pull, seeds, self.n)
        p, nodes = seeds.shape[0], self.graph.nodes
        held: dict[int, Any] = {}
        for k, out in enumerate(self.graph.outputs):
            if out.node in self.active:
                part = seeds[:, self.out_offsets[k] : self.out_offsets[k + 1]]
                _accumulate(held, out.node, as_dtype(np.reshape(part, (p, *out.shape)), out.dtype))
        with np.errstate(all="ignore"):
            for step in reversed(self.steps):
                block = held.pop(step.node, None)
                if block is None:
                    continue
                for parents, fmt in step.groups:
                    self._give_back(held, parents, fmt.pull(block), block)
        parts = []
        for at, size in zip(self.wrt, self.sizes, strict=True):
            block = held.get(at)
            parts.append(np.zeros((p, size), nodes[at].dtype) if block is None else np.reshape(block, (p, size)))
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros((p, 0), self.dtype), *parts], axis=1)

    def _give_back(self, held: dict[int, Any], parents: tuple[int, ...], block: Any, source: Any) -> None:
        """Add a cotangent, made of that of their child, to the parents it belongs to."""
        p, nodes, start = source.shape[0], self.graph.nodes, 0
        if len(parents) == 1:
            _accumulate(held, parents[0], as_dtype(block, nodes[parents[0]].dtype), source)
            return
        for parent in parents:
            shape = nodes[parent].shape
            stop = start + math.prod(shape)
            part = np.reshape(block[:, start:stop], (p, *shape))
            _accumulate(held, parent, as_dtype(part, nodes[parent].dtype))
            start = stop

    def require_plain(self) -> None:
        """Raise TypeError where the values are traced by an outer derivative: scipy.sparse cannot hold them."""
        if not self.plain:
            raise TypeError("a sparse Jacobian cannot be traced by an outer derivative; use sparse=False inside")

    # Writing the factors out

    def edges(self) -> Iterator[tuple[int, int, Format]]:
        """Every edge (parent, child, local Jacobian), joined groups taken apart."""
        for step in self.steps:
            for parents, fmt in step.groups:
                if len(parents) == 1:
                    yield parents[0], step.node, fmt
                else:
                    yield from self._apart(parents, step.node, fmt)

    def _apart(self, parents: tuple[int, ...], child: int, fmt: Format) -> Iterator[tuple[int, int, Format]]:
        rows, cols, values = fmt.coo()
        sizes = [math.prod(self.graph.nodes[q].shape) for q in parents]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        order = np.argsort(cols, kind="stable")
        bounds = np.searchsorted(cols[order], starts)
        for k, parent in enumerate(parents):
            own = order[bounds[k] : bounds[k + 1]]
            if len(own):
                yield (
                    parent,
                    child,
                    coo_entries(
                        self.graph.nodes[parent].shape, fmt.out_shape, rows[own], cols[own] - starts[k], values[own]
                    ),
                )

    def levels(self) -> dict[int, int]:
        """Level of every active node: inputs 0, else one more than the highest active parent."""
        level = dict.fromkeys(self.wrt, 0)
        for step in self.steps:
            level[step.node] = 1 + max(level[q] for parents, _ in step.groups for q in parents)
        return level


def common_dtype(dtypes: set[np.dtype]) -> np.dtype:
    """The dtype of a Jacobian between inputs and outputs of these dtypes."""
    if len(dtypes) == 1:
        (dtype,) = dtypes
        return dtype if dtype.kind in "fc" else np.result_type(np.float16, dtype)
    return np.result_type(np.float16, *dtypes)


def storable(dtype: np.dtype) -> np.dtype:
    """The dtype in which matrices hold derivatives: scipy.sparse has no half precision, single stands in."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _joined(held: dict[int, Any], parents: tuple[int, ...], nodes: Sequence[Node]) -> Any:
    """The tangents of joined parents side by side; None where none of them has one."""
    blocks = [held.get(q) for q in parents]
    known = [block for block in blocks if block is not None]
    if not known:
        return None
    p = known[0].shape[0]
    sizes = [math.prod(nodes[q].shape) for q in parents]
    return np.concatenate(
        [
            np.zeros((p, size)) if block is None else np.reshape(block, (p, size))
            for block, size in zip(blocks, sizes, strict=True)
        ],
        axis=1,
    )


def _accumulate(held: dict[int, Any], at: Any, block: Any, source: Any = None) -> None:
    """Add a cotangent to what is held for a node; its memory is reused unless it is the source's."""
    known = held.get(at)
    held[at] = block if known is None else summed(known, block, source)
