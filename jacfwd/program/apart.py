"""Items of a few numbers each, one after another, taken apart into one array for each of these numbers.

Entries of a derivative often lie so: several for each observation, triangle or edge. What is computed for them is then
gathered by positions that repeat from item to item, and summed where entries of one item meet. Taken apart, those
gathers are slices, the sums are additions of whole arrays, and what is equal for several entries is computed once.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats.index import IndexMap
from jacfwd.graph import Graph, Guard, Node, Output
from jacfwd.program.kinds import SCATTERED, SUM, function_of, is_assembled
from jacfwd.program.optimise import Positions
from jacfwd.program.simplify import Constant, moved, parts, simplified
from jacfwd.rules import TABLE
from jacfwd.rules.internal import view
from jacfwd.rules.norms import power_norm

__all__ = ["taken_apart"]

VIEW, WHERE, NORM = TABLE[view], TABLE[np.where], TABLE[power_norm]
ADD, SQUARE, SQRT = TABLE[np.add], TABLE[np.square], TABLE[np.sqrt]
JOINING = (TABLE[np.concatenate], TABLE[np.stack])
# The least number of items, the most numbers of an item, and the most terms of a sum that is written out.
ITEMS, NUMBERS, TERMS = 4096, 32, 8
# What an element costs beside one of a sum, and how many elements a call of NumPy costs.
DEAR, ROOTS, GATHER, SCATTER, OTHER, CALL = 8.0, 2.0, 2.0, 4.0, 3.0, 2000.0
ROOTED = (np.divide, np.sqrt, np.reciprocal)
CHEAP = (np.add, np.subtract, np.multiply, np.negative, np.square, np.equal, np.absolute, np.maximum, np.minimum)
# It has to pay.
GAIN = 0.9


def taken_apart(graph: Graph, n_values: int) -> tuple[Graph, list[list[slice]]] | None:
    """The graph with outputs after the first `n_values` in parts, and for each which of its elements its parts are.

    None where that is no less work.
    """
    stored = graph.outputs[n_values:]
    sizes = [math.prod(out.shape) for out in stored]
    items = items_of(graph, sizes)
    if items is None:
        return None
    counts = [size // items if is_for_items(size, items) else 1 for size in sizes]
    columns = Columns(graph, n_values, counts, items).graph()
    if columns is None:
        return None
    found = simplified(columns)
    if work(found) > GAIN * work(graph):
        return None
    return found, [[slice(j, None, count) for j in range(count)] for count in counts]


def items_of(graph: Graph, sizes: Sequence[int]) -> int | None:
    """How many items there are, the length that most arrays are multiples of; None where none has several numbers."""
    lengths = Counter(node.shape[0] for node in graph.nodes if node.shape and node.shape[0] >= ITEMS)
    lengths.update(node.shape[1] for node in graph.nodes if len(node.shape) > 1 and node.shape[1] >= ITEMS)
    several = [n for n in lengths if any(size > n and is_for_items(size, n) for size in sizes)]
    if not several:
        return None
    all_sizes = Counter(math.prod(node.shape) for node in graph.nodes)

    def multiples(n: int) -> int:
        return sum(times for size, times in all_sizes.items() if is_for_items(size, n))

    return max(several, key=lambda n: (multiples(n), n))


def is_for_items(size: int, items: int) -> bool:
    """Whether an array has a few numbers for each item."""
    return size % items == 0 and 1 <= size // items <= NUMBERS


Operand = tuple[int, IndexMap] | Constant


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some elements of a node: what they are, computed by its own function, as a sum of operands or as their norm."""

    how: str
    operands: list[Operand]


def shape_of(operand: Operand) -> tuple[int, ...]:
    """The shape of an operand."""
    return np.shape(operand.value) if isinstance(operand, Constant) else operand[1].shape


class Elements(Positions):
    """An index map that is equal to others of its shape which send everything to the same places."""

    def __hash__(self) -> int:
        return hash(self.index.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Elements) and self.index.shape == other.index.shape and self.index.same(other.index)


class Columns:
    """Finds out which elements of which nodes are wanted, from the outputs back, and makes them."""

    def __init__(self, graph: Graph, n_values: int, counts: Sequence[int], items: int) -> None:
        self.old, self.n_values, self.counts, self.items = graph, n_values, counts, items
        self.wanted: list[dict[Elements, IndexMap]] = [{} for _ in graph.nodes]
        self.whole = [False] * len(graph.nodes)
        self.pieces: list[dict[Elements, Piece] | None] = [None] * len(graph.nodes)
        # For nodes that sum: elements in the order of where they go, how many go to each place, and where those begin.
        self.meeting: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self.nodes: list[Node] = []
        self.made: dict[int, int] = {}
        self.parts: dict[tuple[int, Elements], Any] = {}

    def graph(self) -> Graph | None:
        """The graph in parts; None where a part depends on nothing."""
        outputs = self.old.outputs
        for out in outputs[: self.n_values]:
            if out.node is not None:
                self.whole[out.node] = True
        for guard in self.old.guards:
            self.whole[guard.node] = True
        for out, count in zip(outputs[self.n_values :], self.counts, strict=True):
            assert out.node is not None
            if self.is_whole(out):
                self.whole[out.node] = True
            else:
                for index in columns_of(out.shape, count):
                    self.want(out.node, index)
        for at in range(len(self.old.nodes) - 1, -1, -1):
            self.look(at)
        for at in range(len(self.old.nodes)):
            self.make(at)
        return self.joined()

    def is_whole(self, out: Output) -> bool:
        """Whether an output has nothing to do with the items."""
        return not is_for_items(math.prod(out.shape), self.items)

    # From the outputs back

    def want(self, at: int, index: IndexMap) -> None:
        """Note that some elements of a node are needed."""
        self.wanted[at].setdefault(Elements(index), index)

    def look(self, at: int) -> None:
        """Which elements of its operands a node needs."""
        node, wanted = self.old.nodes[at], self.wanted[at]
        if node.primitive is None:
            return
        if not self.whole[at] and wanted and sum(index.size for index in wanted.values()) <= 2 * math.prod(node.shape):
            pieces = {key: piece for key, index in wanted.items() if (piece := self.piece(at, index)) is not None}
            if len(pieces) == len(wanted):
                self.pieces[at] = pieces
                for piece in pieces.values():
                    for operand in piece.operands:
                        if not isinstance(operand, Constant):
                            self.want(*operand)
                return
        if self.whole[at] or wanted:
            for parent in node.parents:
                if parent is not None:
                    self.whole[parent] = True

    def piece(self, at: int, index: IndexMap) -> Piece | None:
        """Some elements of a node by elements of its operands; None where all of these are needed."""
        node = self.old.nodes[at]
        assert node.primitive is not None
        if function_of(node) is not None or (node.primitive is WHERE and not node.params):
            operands = [self.operand(node, k, index) for k in range(len(node.parents))]
            return Piece("same function", operands) if index.shape in map(shape_of, operands) else None
        if node.primitive in JOINING or is_assembled(node):
            return self.from_one(node, index)
        if node.primitive is SCATTERED:
            return self.summed(node, index)
        if node.primitive in (SUM, NORM):
            return self.reduced(node, index)
        parent = node.parents[0] if len(node.parents) == 1 else None
        if parent is None or node.dtype != self.old.nodes[parent].dtype:
            return None
        move = moved(node, self.old.nodes[parent].shape)
        if move is None or move.shape != node.shape:
            return None
        return Piece("sum", [(parent, flat(move.at(index)))])

    def operand(self, node: Node, k: int, index: IndexMap) -> Operand:
        """The elements of an elementwise operand."""
        parent = node.parents[k]
        if parent is None:
            value = node.constants[k]
            if np.size(value) == 1:
                return Constant(np.reshape(value, ())[()] if isinstance(value, np.ndarray) else value)
            return Constant(np.broadcast_to(value, node.shape).reshape(-1)[index.flat].reshape(index.shape))
        shape = self.old.nodes[parent].shape
        if shape == node.shape:
            return parent, index
        found = flat(IndexMap.broadcast(shape, node.shape).at(index))
        if found.linear is not None and found.linear[1] == 0:  # one and the same for all items
            return parent, IndexMap((), found.target, affine=(found.linear[0], ()))
        return parent, found

    def from_one(self, node: Node, index: IndexMap) -> Piece | None:
        """Elements of joined arrays that all come from one of them."""
        shapes = [
            np.shape(c) if p is None else self.old.nodes[p].shape
            for p, c in zip(node.parents, node.constants, strict=True)
        ]
        starts = np.cumsum([0, *map(math.prod, shapes)])
        if is_assembled(node):
            source = node.params["index"].flat[index.flat]
        else:
            assert node.primitive is not None
            positions = [np.arange(math.prod(s)).reshape(s) + a for s, a in zip(shapes, starts[:-1], strict=True)]
            source = np.reshape(node.primitive.evaluate(positions, node.params), -1)[index.flat]
        k = int(np.searchsorted(starts, source[0], "right")) - 1
        if source.min() < starts[k] or source.max() >= starts[k + 1]:
            return None
        parent = node.parents[k]
        if parent is None:
            return Piece("sum", [Constant(np.reshape(node.constants[k], -1)[source - starts[k]].reshape(index.shape))])
        if self.old.nodes[parent].dtype != node.dtype:
            return None
        return Piece("sum", [(parent, flat_positions((source - starts[k]).reshape(index.shape)))])

    def summed(self, node: Node, index: IndexMap) -> Piece | None:
        """Elements in which equally many meet, as the sum of these."""
        parent, into = node.parents[0], node.params["index"]
        if parent is None or node.shape[0] != 1:
            return None
        if id(node) not in self.meeting:
            order = np.argsort(into.flat, kind="stable")
            counts = np.bincount(into.flat, minlength=math.prod(into.target))
            self.meeting[id(node)] = order, counts, np.cumsum(counts) - counts
        order, counts, starts = self.meeting[id(node)]
        own, first = counts[index.flat], starts[index.flat]
        if own.min() != own.max() or own[0] > TERMS:
            return None
        return Piece("sum", [(parent, flat_positions(order[first + k])) for k in range(own[0])])

    def reduced(self, node: Node, index: IndexMap) -> Piece | None:
        """Sums, and roots of sums of squares, over one short axis."""
        parent, axis = node.parents[0], node.params.get("axis")
        others = any(p is not None or c is not None for p, c in zip(node.parents[1:], node.constants[1:], strict=True))
        if parent is None or others or axis is None or np.size(axis) != 1 or node.dtype != np.float64:
            return None
        known = {"axis", "keepdims"} if node.primitive is SUM else {"axis", "keepdims", "p"}
        shape = self.old.nodes[parent].shape
        along = int(np.reshape(axis, ()))
        if self.old.nodes[parent].dtype != node.dtype or not set(node.params) <= known or shape[along] > TERMS:
            return None
        if node.primitive is NORM and node.params["p"] != 2:
            return None
        positions = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), along, 0).reshape(shape[along], -1)
        how = "sum" if node.primitive is SUM else "norm"
        return Piece(how, [(parent, flat_positions(each[index.flat].reshape(index.shape))) for each in positions])

    # From the inputs on

    def make(self, at: int) -> None:
        """A node as it was, or its pieces."""
        node, pieces = self.old.nodes[at], self.pieces[at]
        if pieces is not None:
            for key, piece in pieces.items():
                self.parts[at, key] = self.computed(node, piece, key.index.shape)
        elif self.whole[at] or self.wanted[at] or node.primitive is None:
            parents = tuple(None if p is None else self.made[p] for p in node.parents)
            self.made[at] = self.add(
                Node(node.primitive, parents, node.constants, node.params, node.shape, node.dtype, node.location)
            )
            self.nodes[-1].name = node.name

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def computed(self, node: Node, piece: Piece, shape: tuple[int, ...]) -> Any:
        """The node of a piece, or a `Constant`."""
        operands = [x if isinstance(x, Constant) else self.part(*x) for x in piece.operands]
        if piece.how == "same function":
            return self.applied(node, node.primitive, operands, node.dtype, shape)
        if piece.how == "norm":
            operands = [self.applied(node, SQUARE, [x], node.dtype, shape) for x in operands]
        operands = [x for x in operands if not (isinstance(x, Constant) and np.all(x.value == 0))]
        if not operands:
            return Constant(node.dtype.type(0))
        total = operands[0]
        for each in operands[1:]:
            total = self.applied(node, ADD, [total, each], node.dtype, shape)
        return self.applied(node, SQRT, [total], node.dtype, shape) if piece.how == "norm" else total

    def applied(self, like: Node, primitive: Any, operands: list[Any], dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        """A function of pieces; of constants alone it is one."""
        if all(isinstance(x, Constant) for x in operands):
            return Constant(np.asarray(primitive.evaluate([x.value for x in operands], {}), dtype)[()])
        return self.add(Node(primitive, *parts(operands), {}, shape, dtype, like.location))

    def part(self, at: int, index: IndexMap) -> Any:
        """Some elements of a node: a piece that was made, or a view of all of it."""
        key = at, Elements(index)
        if key not in self.parts:
            node = self.old.nodes[at]
            if index.shape == node.shape and index.size == math.prod(node.shape) and index.linear == (0, 1):
                self.parts[key] = self.made[at]
            else:
                params = {"index": targeted(index, node.shape)}
                self.parts[key] = self.add(Node(VIEW, (self.made[at],), (None,), params, index.shape, node.dtype))
        return self.parts[key]

    def joined(self) -> Graph | None:
        """Everything as a graph."""
        outputs: list[Output] = []
        old = self.old.outputs
        for out in old[: self.n_values]:
            outputs.append(out._replace(node=None if out.node is None else self.made[out.node]))
        for out, count in zip(old[self.n_values :], self.counts, strict=True):
            assert out.node is not None
            if self.is_whole(out):
                outputs.append(out._replace(node=self.made[out.node]))
                continue
            for index in columns_of(out.shape, count):
                found = self.part(out.node, index)
                if isinstance(found, Constant):
                    return None
                outputs.append(Output(found, None, index.shape, out.dtype))
        guards = [Guard(self.made[guard.node], guard.value, guard.where) for guard in self.old.guards]
        return Graph(self.nodes, [self.made[at] for at in self.old.inputs], outputs, guards)


def columns_of(shape: tuple[int, ...], count: int) -> list[IndexMap]:
    """The first number of each item, the second ones, and so on."""
    size = math.prod(shape)
    return [IndexMap((size // count,), (size,), affine=(j, (count,))) for j in range(count)]


def flat(index: IndexMap) -> IndexMap:
    """The map into flat positions, known to be linear where it is."""
    return index if index.affine is not None else flat_positions(index.flat.reshape(index.shape))


def flat_positions(positions: np.ndarray) -> IndexMap:
    """A map written out; how large its target is does not matter yet."""
    return IndexMap.of_positions(positions, (0,))


def targeted(index: IndexMap, shape: tuple[int, ...]) -> IndexMap:
    """The map into positions of an array of this shape."""
    return IndexMap(index.shape, shape, None if index.affine is not None else index.flat, index.affine)


def work(graph: Graph) -> float:
    """What a graph costs, in elements of a sum."""
    return sum(cost(node, graph.nodes) for node in graph.nodes)


def cost(node: Node, nodes: Sequence[Node]) -> float:
    """What one operation costs."""
    size = math.prod(node.shape)
    if node.primitive is None:
        return 0.0
    if node.primitive is VIEW:
        return 0.0 if node.params["index"].affine is not None else GATHER * size + CALL
    function = function_of(node)
    if function is not None:
        each = 1.0 if function in CHEAP else ROOTS if function in ROOTED else DEAR
        return each * size + CALL
    read = sum(math.prod(nodes[p].shape) for p in node.parents if p is not None)
    return (SCATTER if node.primitive is SCATTERED else OTHER) * (size + read) + CALL
