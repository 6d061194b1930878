"""The chain: a graph's local Jacobians at a point, level by level, and its products with seeds from either side.

Forward mode multiplies `L_K ... L_2 L_1` from the input side, reverse mode the same factors from the output side.
Products go node by node in level order and keep only the tangents still needed; `layers` writes the factors out.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from jacfwd.formats.base import Format
from jacfwd.formats.combined import Pair
from jacfwd.formats.dispatch import as_dtype, is_plain
from jacfwd.graph import Graph, names_of
from jacfwd.primitive import Call

__all__ = ["Chain", "Layer", "Step"]


class Step(NamedTuple):
    """One node's local Jacobians: groups of parents, each with the format that acts on them joined."""

    node: int
    groups: list[tuple[tuple[int, ...], Format]]


class Layer(NamedTuple):
    """One factor of the chain between two states; a state lists `(node name, flat index)` of what it holds."""

    matrix: sp.csr_array
    state: list[tuple[str, int]]


class Chain:
    """Local Jacobians of a graph at a point, with respect to some of its inputs.

    `values` are the nodes' values there; `wrt` the input nodes, flattened and joined to n columns. Outputs are
    joined to m rows.
    """

    def __init__(self, graph: Graph, values: Sequence[Any], wrt: Sequence[int]) -> None:
        self.graph, self.wrt = graph, list(wrt)
        self.sizes = [math.prod(graph.nodes[at].shape) for at in self.wrt]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)]).astype(int).tolist()
        self.n = self.offsets[-1]
        self.out_sizes = [math.prod(out.shape) for out in graph.outputs]
        self.out_offsets = np.concatenate([[0], np.cumsum(self.out_sizes)]).astype(int).tolist()
        self.m = self.out_offsets[-1]
        self.dtype = np.result_type(
            np.float16, *(graph.nodes[at].dtype for at in self.wrt), *(out.dtype for out in graph.outputs)
        )
        self.plain = is_plain(*values)
        with np.errstate(all="ignore"):
            self.steps = self._linearize(values)

    def _linearize(self, values: Sequence[Any]) -> list[Step]:
        """Local Jacobians of every node that an input reaches and an output needs."""
        nodes = self.graph.nodes
        needed = self._needed()
        active = set(self.wrt)
        steps = []
        for at, node in enumerate(nodes):
            if node.primitive is None or at not in needed or not node.differentiable:
                continue
            wanted = tuple(k for k, parent in enumerate(node.parents) if parent in active)
            if not wanted:
                continue
            call = Call(node.primitive, values[at], node.operands(values), node.params)
            groups = [
                (tuple(p for k in ks if (p := node.parents[k]) is not None), fmt)
                for ks, fmt in node.primitive.groups(call, wanted)
            ]
            if groups:
                active.add(at)
                steps.append(Step(at, groups))
        self.active = active
        return steps

    def _needed(self) -> set[int]:
        needed = {out.node for out in self.graph.outputs if out.node is not None}
        for at in range(len(self.graph.nodes) - 1, -1, -1):
            if at in needed:
                needed.update(p for p in self.graph.nodes[at].parents if p is not None)
        return needed

    # Products

    def push(self, seeds: Any) -> Any:
        """Forward: seeds `(p, n)` to tangents of the outputs `(p, m)`."""
        p = seeds.shape[0]
        tangents = self.tangents(self.split(seeds))
        blocks = []
        for out, size in zip(self.graph.outputs, self.out_sizes, strict=True):
            block = None if out.node is None else tangents.get(out.node)
            blocks.append(np.zeros((p, size), out.dtype) if block is None else np.reshape(block, (p, size)))
        return blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros((p, 0)), *blocks], axis=1)

    def split(self, seeds: Any) -> list[Any]:
        """Seeds `(p, n)` as one tangent block per input."""
        p, nodes = seeds.shape[0], self.graph.nodes
        parts = []
        for k, at in enumerate(self.wrt):
            part = seeds[:, self.offsets[k] : self.offsets[k + 1]]
            parts.append(as_dtype(np.reshape(part, (p, *nodes[at].shape)), nodes[at].dtype))
        return parts

    def tangents(self, seeds: Sequence[Any], keep: bool = False) -> dict[int, Any]:
        """Tangent blocks by node, from one block (or None) per input; freed after their last use unless kept."""
        held = {at: seed for at, seed in zip(self.wrt, seeds, strict=True) if seed is not None}
        last = {} if keep else self.last_use()
        with np.errstate(all="ignore"):
            for step in self.steps:
                total = None
                for parents, fmt in step.groups:
                    block = _joined(held, parents, [self.graph.nodes[q].shape for q in parents])
                    if block is not None:
                        moved = fmt.push(block)
                        total = moved if total is None else np.add(total, moved)
                for gone in last.get(step.node, ()):
                    held.pop(gone, None)
                if total is not None:
                    held[step.node] = as_dtype(total, self.graph.nodes[step.node].dtype)
        return held

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
                    self._give_back(held, parents, fmt.pull(block), p)
        parts = []
        for at, size in zip(self.wrt, self.sizes, strict=True):
            block = held.get(at)
            parts.append(np.zeros((p, size), nodes[at].dtype) if block is None else np.reshape(block, (p, size)))
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros((p, 0)), *parts], axis=1)

    def _give_back(self, held: dict[int, Any], parents: tuple[int, ...], block: Any, p: int) -> None:
        """Add a cotangent to the parents it belongs to."""
        nodes, start = self.graph.nodes, 0
        if len(parents) == 1:
            _accumulate(held, parents[0], as_dtype(block, nodes[parents[0]].dtype))
            return
        for parent in parents:
            shape = nodes[parent].shape
            stop = start + math.prod(shape)
            part = np.reshape(block[:, start:stop], (p, *shape))
            _accumulate(held, parent, as_dtype(part, nodes[parent].dtype))
            start = stop

    @property
    def real_inputs(self) -> bool:
        """Whether no selected input is complex."""
        return all(self.graph.nodes[at].dtype.kind != "c" for at in self.wrt)

    @property
    def complex_outputs(self) -> bool:
        """Whether some output is complex."""
        return any(out.dtype.kind == "c" for out in self.graph.outputs)

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
        from jacfwd.formats.entries import coo_entries

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

    def layers(self) -> list[Layer]:
        """The factors as sparse matrices; their product, last times ... times first, is the Jacobian."""
        return _Layers(self).build()


def _joined(held: dict[int, Any], parents: tuple[int, ...], shapes: list[tuple[int, ...]]) -> Any:
    """The tangents of joined parents side by side; None where none of them has one."""
    blocks = [held.get(q) for q in parents]
    if len(blocks) == 1:
        return blocks[0]
    known = [block for block in blocks if block is not None]
    if not known:
        return None
    p = known[0].shape[0]
    return np.concatenate(
        [
            np.zeros((p, math.prod(shape))) if block is None else np.reshape(block, (p, -1 if block.size else 0))
            for block, shape in zip(blocks, shapes, strict=True)
        ],
        axis=1,
    )


def _accumulate(held: dict[int, Any], at: Any, block: Any) -> None:
    known = held.get(at)
    held[at] = block if known is None else np.add(known, block)


class _Layers:
    """Builds layer matrices. A complex node inside has two rows, real parts then imaginary parts."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.nodes = chain, chain.graph.nodes
        self.level = chain.levels()
        self.names = names_of(chain.graph)
        self.last = max((self.level.get(o.node, 0) for o in chain.graph.outputs if o.node is not None), default=0)
        self.last = max(self.last, 1)
        self.into: dict[int, list[tuple[int, Format]]] = {}
        for parent, child, fmt in chain.edges():
            self.into.setdefault(child, []).append((parent, fmt))
        self.needed_until = self._needed_until()

    def _needed_until(self) -> dict[int, int]:
        """The last level at which somebody reads the node."""
        until = dict.fromkeys(self.level, -1)
        for child, edges in self.into.items():
            for parent, _ in edges:
                until[parent] = max(until[parent], self.level[child])
        for out in self.chain.graph.outputs:
            if out.node in until:
                until[out.node] = self.last
        return until

    def rows(self, at: int) -> int:
        """Rows of a node inside the chain."""
        size = math.prod(self.nodes[at].shape)
        return 2 * size if self.nodes[at].dtype.kind == "c" and at not in self.chain.wrt else size

    def build(self) -> list[Layer]:
        layers = []
        before = self.place(self.chain.wrt)
        for k in range(1, self.last):
            members = [at for at, lv in self.level.items() if lv <= k and self.needed_until[at] > k]
            after = self.place(members)
            parts = [part for at in members for part in self.block(at, k, before, after[0][at], split=True)]
            layers.append(self.layer(parts, after[1], before[1], self.labels(members)))
            before = after
        parts, start, labels = [], 0, []
        for out, size in zip(self.chain.graph.outputs, self.chain.out_sizes, strict=True):
            if out.node in self.level:
                parts += self.block(out.node, self.last, before, start, split=False)
            name = "constant" if out.node is None else self.names[out.node]
            labels += [(name, i) for i in range(size)]
            start += size
        return [*layers, self.layer(parts, start, before[1], labels)]

    def place(self, members: Sequence[int]) -> tuple[dict[int, int], int]:
        """Where each member of a state begins, and the state's length."""
        begins, start = {}, 0
        for at in members:
            begins[at] = start
            start += self.rows(at)
        return begins, start

    def labels(self, members: Sequence[int]) -> list[tuple[str, int]]:
        """`(name, flat index)` of each row of a state."""
        found = []
        for at in members:
            size, name = math.prod(self.nodes[at].shape), self.names[at]
            halves = [name] if self.rows(at) == size else [f"{name}.real", f"{name}.imag"]
            found += [(half, i) for half in halves for i in range(size)]
        return found

    def block(self, at: int, k: int, before: tuple[dict[int, int], int], start: int, split: bool) -> list:
        """Entries (rows, cols, values) of one member: its local Jacobians, or identity rows where it is carried."""
        size, begins = math.prod(self.nodes[at].shape), before[0]
        if self.level[at] < k:
            if not split and self.rows(at) != size:
                span = np.arange(size)
                column = begins[at] + span
                return [
                    (start + span, column, np.ones(size)),
                    (start + span, column + size, np.full(size, 1j)),
                ]
            span = np.arange(self.rows(at) if split else size)
            return [(start + span, begins[at] + span, np.ones(len(span)))]
        parts = []
        for parent, fmt in self.into.get(at, ()):
            for rows, cols, values in self.local(parent, fmt):
                cols = cols + begins[parent]
                if self.nodes[at].dtype.kind != "c":
                    parts.append((start + rows, cols, np.real(values)))
                elif split:
                    parts.append((start + rows, cols, np.real(values)))
                    parts.append((start + size + rows, cols, np.imag(values)))
                else:
                    parts.append((start + rows, cols, values))
        return parts

    def local(self, parent: int, fmt: Format) -> list:
        """Entries with respect to the parent's rows: `(A + B)` on real parts, `i (A - B)` on imaginary parts."""
        a, b = (fmt.holomorphic, fmt.conjugate) if isinstance(fmt, Pair) else (fmt, None)
        rows, cols, values = a.coo()
        parts = [(rows, cols, values, values)]
        if b is not None:
            rows, cols, values = b.coo()
            parts.append((rows, cols, values, -values))
        found = [(r, c, plus) for r, c, plus, _ in parts]
        size = math.prod(self.nodes[parent].shape)
        if self.rows(parent) != size:
            found += [(r, c + size, 1j * minus) for r, c, _, minus in parts]
        return found

    def layer(self, parts: list, m: int, n: int, labels: list[tuple[str, int]]) -> Layer:
        if not parts:
            return Layer(sp.csr_array((m, n)), labels)
        rows, cols, values = (np.concatenate([part[k] for part in parts]) for k in range(3))
        if values.dtype.kind in "bi" or values.dtype == np.float16:
            values = values.astype(float)
        matrix = sp.coo_array((values, (rows, cols)), shape=(m, n)).tocsr()
        matrix.sort_indices()
        return Layer(matrix, labels)
