"""Levels are vectors: small operations of one level that do the same run as one, on all their operands at once.

A Python loop over elements leaves thousands of scalar nodes in a few levels. Every element of every value has an
*address*: values are laid end to end in one imagined memory, those that are computed anew, one after the other, and
the constants among them. Reading, selecting and assembling small values is arithmetic with addresses, and needs no
operation. Where an operand is needed, the elements at its addresses are gathered from the values that hold them.
"""

import bisect
import dataclasses
import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.index import IndexMap
from jacfwd.graph import Graph, Guard, Node
from jacfwd.program.names import mixed
from jacfwd.rules import TABLE
from jacfwd.rules.internal import assemble, cast, element, view

__all__ = ["batched"]

VIEW, ELEMENT, ASSEMBLE = TABLE[view], TABLE[element], TABLE[assemble]
STRONG, CAST = TABLE[strong_product], TABLE[cast]
# Elements of the largest operation that counts as small, and of the largest movement that is arithmetic.
SMALL, MOVED = 16, 1 << 16
# So many small operations are worth a look, and so many of one kind one operation.
WORTH, FEWEST = 64, 4


@dataclasses.dataclass(frozen=True)
class Constant:
    """An operand that is no node."""

    value: Any


Part = int | Constant


def batched(graph: Graph) -> Graph:
    """The same function with small operations of one level joined; the graph itself where there are few."""
    if sum(map(is_small, graph.nodes)) < WORTH:
        return graph
    found = Batches(graph).graph()
    return found if 2 * len(found.nodes) < len(graph.nodes) else graph


def is_small(node: Node) -> bool:
    """Whether it is computed element by element, on few of them."""
    if node.primitive is None or not 0 < math.prod(node.shape) <= SMALL:
        return False
    if node.primitive is STRONG or node.primitive is CAST:
        return True
    function = node.primitive.function
    return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1 and not node.params


class Batches:
    """The new graph as it grows, and the address of every value of the old one."""

    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.nodes: list[Node] = []
        # What the imagined memory holds: where each part begins, and which new node or constant it is.
        self.starts: list[int] = []
        self.parts: list[Part] = []
        self.end = 1  # address 0 stands for the holes that movement makes
        self.start_of: dict[int, int] = {}
        self.address: dict[int, Any] = {}
        self.whole: dict[int, int] = {}

    def graph(self) -> Graph:
        """Go through the old graph, level by level."""
        computed, moved = self.levels()
        for level in sorted(computed.keys() | moved.keys()):
            groups: dict[Hashable, list[int]] = {}
            for at in computed.get(level, ()):
                node = self.old.nodes[at]
                groups.setdefault(self.kind(node) if is_small(node) else at, []).append(at)
            for group in groups.values():
                if len(group) >= FEWEST:
                    self.join(group)
                else:
                    for at in group:
                        self.copy(at)
            for at in moved.get(level, ()):
                self.move(at)
        outputs = [out._replace(node=None if out.node is None else self.node_of(out.node)) for out in self.old.outputs]
        return Graph(self.nodes, [self.node_of(at) for at in self.old.inputs], outputs, self.guards())

    def levels(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """What is computed at each level, one more than that of its operands, and what is only moved there."""
        level: list[int] = []
        computed: dict[int, list[int]] = {}
        moved: dict[int, list[int]] = {}
        for at, node in enumerate(self.old.nodes):
            deepest = max([level[p] for p in node.parents if p is not None], default=0)
            moves = self.is_movement(node)
            level.append(deepest if moves else deepest + 1)
            (moved if moves else computed).setdefault(level[-1], []).append(at)
        return computed, moved

    def is_movement(self, node: Node) -> bool:
        """Whether a value is small and made of elements of others, in their dtype."""
        primitive = node.primitive
        if primitive is None or not (primitive.moves or primitive is VIEW or primitive is ELEMENT):
            return False
        if not 0 < math.prod(node.shape) <= MOVED or "dtype" in node.params:
            return False
        pairs = zip(node.parents, node.constants, strict=True)
        kinds = (np.asarray(c).dtype if p is None else self.old.nodes[p].dtype for p, c in pairs)
        return all(kind == node.dtype for kind in kinds)

    def kind(self, node: Node) -> Hashable:
        """Equal for operations that can be joined."""
        operands: list[Hashable] = []
        for parent, constant in zip(node.parents, node.constants, strict=True):
            if parent is not None:
                operands.append(self.old.nodes[parent].dtype.str)
            elif isinstance(constant, np.ndarray | np.generic):
                operands.append((type(constant), constant.dtype.str, constant.shape))
            else:
                operands.append((type(constant), constant if is_mixed(node) else None))
        return id(node.primitive), node.dtype.str, node.shape, tuple(operands), tuple(node.params.items())

    # The imagined memory

    def hold(self, part: Part, size: int) -> int:
        """Give a new value, or a constant, its place; returns where that begins."""
        start = self.end
        self.starts.append(start)
        self.parts.append(part)
        self.end += max(size, 1)
        return start

    def add(self, node: Node) -> int:
        """Append a node and give it its place."""
        at = len(self.nodes)
        self.nodes.append(node)
        self.start_of[at] = self.hold(at, math.prod(node.shape))
        return at

    def address_of(self, at: int) -> Any:
        """Addresses of an old value's elements: a number for shape (), else an array."""
        found = self.address.get(at)
        if found is None:
            shape, start = self.old.nodes[at].shape, self.start_of[self.whole[at]]
            found = start + np.arange(math.prod(shape)).reshape(shape) if shape else start
            self.address[at] = found
        return found

    def node_of(self, at: int) -> int:
        """The new node that holds an old value as a whole; its elements are gathered where there is none yet."""
        found = self.whole.get(at)
        if found is None:
            found = self.whole[at] = self.gathered(np.asarray(self.address[at]), self.old.nodes[at])
        return found

    def gathered(self, address: np.ndarray, like: Node) -> int:
        """A node for the elements at some addresses."""
        if not address.shape:
            k = bisect.bisect_right(self.starts, int(address)) - 1
            if isinstance(self.parts[k], int):
                return self.selected(k, address, like)
        flat = address.reshape(-1)
        part = np.searchsorted(self.starts, flat, "right") - 1
        used = np.unique(part)
        if len(used) == 1 and isinstance(self.parts[used[0]], int):
            return self.selected(int(used[0]), address, like)
        begin = np.asarray(self.starts)[used]
        sizes: list[int] = []
        operands: list[Part] = []
        place = np.empty(len(flat), np.intp)
        for k, start in zip(used, begin, strict=True):
            own = np.flatnonzero(part == k)
            operand, positions = self.operand(int(k), flat[own] - start, like)
            place[own] = positions + sum(sizes)
            operands.append(operand)
            sizes.append(self.size_of(operand))
        parents = tuple(x if isinstance(x, int) else None for x in operands)
        constants = tuple(None if isinstance(x, int) else x.value for x in operands)
        index = IndexMap.of_positions(place.reshape(address.shape), (sum(sizes),))
        return self.add(self.node(like, ASSEMBLE, parents, constants, {"index": index}, address.shape))

    def operand(self, k: int, positions: np.ndarray, like: Node) -> tuple[Part, np.ndarray]:
        """What holds some elements of a part, and where it has them; not much more than these."""
        part = self.parts[k]
        if not isinstance(part, int):
            return part, positions
        if 2 * len(positions) >= math.prod(self.nodes[part].shape):
            return part, positions
        some, where = np.unique(positions, return_inverse=True)
        return self.selected(k, some + self.starts[k], like), where

    def size_of(self, part: Part) -> int:
        """How many elements a part has."""
        return math.prod(self.nodes[part].shape) if isinstance(part, int) else int(np.size(part.value))

    def selected(self, k: int, address: np.ndarray, like: Node) -> int:
        """A node for elements of one part."""
        source = self.parts[k]
        assert isinstance(source, int)
        shape = self.nodes[source].shape
        if not address.shape:
            if not shape:
                return source
            position = int(address) - self.starts[k]
            return self.add(self.node(like, ELEMENT, (source,), (None,), {"position": position}, ()))
        index = IndexMap.of_positions(address - self.starts[k], shape)
        if index.is_identity and address.shape == shape:
            return source
        return self.add(self.node(like, VIEW, (source,), (None,), {"index": index}, address.shape))

    def node(self, like: Node, primitive: Any, parents: Any, constants: Any, params: Any, shape: Any) -> Node:
        """A node at the place of another one in the user's code, and under its name."""
        made = Node(primitive, tuple(parents), tuple(constants), params, shape, like.dtype, like.location)
        made.name = like.name
        return made

    # Operations

    def copy(self, at: int) -> None:
        """An operation as it is."""
        old = self.old.nodes[at]
        parents = [None if p is None else self.node_of(p) for p in old.parents]
        self.whole[at] = self.add(self.node(old, old.primitive, parents, old.constants, old.params, old.shape))

    def move(self, at: int) -> None:
        """Movement as arithmetic, unless it leaves holes."""
        old = self.old.nodes[at]
        if old.primitive is ELEMENT:
            parent = old.parents[0]
            assert parent is not None
            if parent in self.whole:
                self.address[at] = self.start_of[self.whole[parent]] + old.params["position"]
                return
        assert old.primitive is not None
        operands = []
        for parent, constant in zip(old.parents, old.constants, strict=True):
            if parent is None:
                value = np.asarray(constant)
                start = self.hold(Constant(value), value.size)
                operands.append(start + np.arange(value.size).reshape(value.shape))
            else:
                operands.append(np.asarray(self.address_of(parent)))
        found = np.asarray(old.primitive.evaluate(operands, old.params))
        if found.size and found.min() <= 0:
            self.copy(at)
        else:
            self.address[at] = found if found.shape else int(found)

    def join(self, group: Sequence[int]) -> None:
        """Operations that do the same as one, on all their operands behind one another."""
        like = self.old.nodes[group[0]]
        size = math.prod(like.shape)
        operands = [self.joined(group, k, like) for k in range(len(like.parents))]
        parents = [x if isinstance(x, int) else None for x in operands]
        constants = [None if isinstance(x, int) else x.value for x in operands]
        alone = all(p is None or self.nodes[p].shape == () for p in parents)
        if alone and not any(isinstance(c, np.ndarray) and c.ndim for c in constants):
            new = self.add(self.node(like, like.primitive, parents, constants, like.params, ()))
            self.address.update(dict.fromkeys(group, self.start_of[new]))
            return
        new = self.add(self.node(like, like.primitive, parents, constants, like.params, (len(group) * size,)))
        start = self.start_of[new]
        for k, at in enumerate(group):
            first = start + k * size
            self.address[at] = first + np.arange(size).reshape(like.shape) if like.shape else first

    def joined(self, group: Sequence[int], k: int, like: Node) -> Part:
        """Operand k of all of a group: one that all of them share, or all of theirs."""
        nodes = self.old.nodes
        first, constant = like.parents[k], like.constants[k]
        if first is None:
            every = [nodes[at].constants[k] for at in group]
            if np.ndim(constant) == 0 and all(same(value, constant) for value in every):
                return Constant(constant)
            dtype = dtype_beside(like, k, nodes)
            spread = [np.broadcast_to(np.asarray(value, dtype), like.shape).reshape(-1) for value in every]
            return Constant(np.concatenate(spread))
        parents = [nodes[at].parents[k] for at in group]
        if nodes[first].shape == () and all(parent == first for parent in parents):
            return self.node_of(first)
        if like.shape == ():
            address = np.array([self.address_of(p) for p in parents if p is not None])
        else:
            every = [np.broadcast_to(self.address_of(p), like.shape).reshape(-1) for p in parents if p is not None]
            address = np.concatenate(every)
        return self.gathered(address, nodes[first])

    def guards(self) -> list[Guard]:
        """Guards on small values, joined where they stand at one place in the user's code."""
        found: list[Guard] = []
        small: dict[tuple[int, str], list[Guard]] = {}
        for guard in self.old.guards:
            address = self.address.get(guard.node)
            if address is None or np.shape(address) != np.shape(guard.value):
                found.append(Guard(self.node_of(guard.node), guard.value, guard.where))
            else:
                part = bisect.bisect_right(self.starts, np.min(address, initial=self.end))
                small.setdefault((part, guard.where), []).append(guard)
        for (_, where), guards in small.items():
            address = np.concatenate([np.reshape(self.address[guard.node], -1) for guard in guards])
            values = np.concatenate([np.reshape(guard.value, -1) for guard in guards])
            found.append(Guard(self.gathered(address, self.old.nodes[guards[0].node]), values, where))
        return found


def same(value: Any, other: Any) -> bool:
    """Whether two numbers are surely the same, signed zeros and nan too."""
    return value is other or (type(value) is type(other) and np.asarray(value).tobytes() == np.asarray(other).tobytes())


def is_mixed(node: Node) -> bool:
    """Whether a ufunc's operands may be of different kinds, so that constants had better stay what they are."""
    function = node.primitive.function if node.primitive is not None else None
    return isinstance(function, np.ufunc) and mixed(function)


def dtype_beside(node: Node, k: int, nodes: Sequence[Node]) -> np.dtype | None:
    """The dtype that a Python number takes beside the other operands; None for what has one of its own."""
    constant = node.constants[k]
    if isinstance(constant, np.ndarray | np.generic):
        return None
    pairs = enumerate(zip(node.parents, node.constants, strict=True))
    others = [nodes[p].dtype if p is not None else c for j, (p, c) in pairs if j != k]
    return np.result_type(*others, constant)
