"""Small graphs element by element: every node a number, what is zero or one left out.

The derivative of a small function is mostly structure: zeros, ones, copies. Written out as numbers, each operation
that is left is one that the derivative needs. A program on numbers runs such a graph at one point, a block of points
runs it on columns.
"""

import itertools
import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import as_array, strong_product
from jacfwd.graph import Graph, Guard, Node, Output
from jacfwd.primitive import Primitive
from jacfwd.program.kinds import function_of, is_linear, linear_parts
from jacfwd.program.optimise import without_dead
from jacfwd.rules import TABLE
from jacfwd.rules.internal import cast

__all__ = ["scalarised"]

ADD, MULTIPLY, STRONG = TABLE[np.add], TABLE[np.multiply], TABLE[strong_product]
# Numbers beyond which arrays serve better.
MOST = 4000

Element = Any  # the position of a node (int), or a constant (a NumPy scalar)


class TooLarge(Exception):
    """The graph has too many elements, or an operation that is not written out."""


def scalarised(graph: Graph, most: int = MOST) -> Graph | None:
    """The same graph on numbers: inputs and outputs flattened and joined; None where it is too large or too special.

    >>> import jacfwd as jf
    >>> G = jf.trace(lambda x: np.sum(x * x), np.ones(2))
    >>> print(scalarised(G.data))
    graph(t1: float64[], t2: float64[])
      t3: float64[] = multiply(t1, t1)
      t4: float64[] = multiply(t2, t2)
      t5: float64[] = add(t3, t4)
      return t5
    """
    if sum(math.prod(node.shape) for node in graph.nodes) > most:
        return None
    if any(
        node.dtype.kind not in "fbiu" or (node.dtype.kind == "f" and node.dtype != np.float64) for node in graph.nodes
    ):
        return None
    try:
        return Scalars(graph, most).graph()
    except TooLarge:
        return None


class Scalars:
    """The elements of a graph's nodes, as nodes of another graph, equal ones once."""

    def __init__(self, graph: Graph, most: int) -> None:
        self.source, self.most = graph, most
        self.nodes: list[Node] = []
        self.seen: dict[Hashable, Element] = {}
        self.values: list[np.ndarray] = []
        self.inputs: list[int] = []

    def graph(self) -> Graph:
        """The whole graph, element by element."""
        for at, node in enumerate(self.source.nodes):
            self.values.append(self.input(node) if node.primitive is None else self.elements(at, node))
        outputs = [self.output(x, out.dtype) for out in self.source.outputs for x in self.written(out)]
        guards = [
            Guard(x, np.array(value), guard.where)
            for guard in self.source.guards
            for x, value in zip(self.values[guard.node].flat, np.ravel(guard.value), strict=True)
            if type(x) is int
        ]
        return without_dead(Graph(self.nodes, self.inputs, outputs, guards))

    def written(self, out: Output) -> list[Element]:
        """An output's elements."""
        return list(constants(out.value).flat if out.node is None else self.values[out.node].flat)

    def output(self, x: Element, dtype: np.dtype) -> Output:
        """One element as an output."""
        return Output(x, None, (), dtype) if type(x) is int else Output(None, x, (), dtype)

    def input(self, node: Node) -> np.ndarray:
        """An input's elements as inputs."""
        found = np.empty(node.shape, object)
        for place in np.ndindex(node.shape):
            found[place] = len(self.nodes)
            self.inputs.append(len(self.nodes))
            self.nodes.append(Node(None, (), (), {}, (), node.dtype))
        return found

    def elements(self, at: int, node: Node) -> np.ndarray:
        """An operation's elements."""
        assert node.primitive is not None
        operands: list[Any] = [
            (None if c is None else constants(c)) if parent is None else self.values[parent]
            for parent, c in zip(node.parents, node.constants, strict=True)
        ]
        while operands and operands[-1] is None:
            operands.pop()
        for way in (self.by_element, self.by_entries, self.by_products, self.by_folding):
            found = way(node, operands)
            if found is not None:
                return found
        raise TooLarge

    def apply(self, primitive: Primitive, operands: Sequence[Element], node: Node, params: dict[str, Any]) -> Element:
        """One operation on numbers: computed where all are constant, looked up where it is known."""
        if not any(type(x) is int for x in operands):
            with np.errstate(all="ignore"):
                return np.asarray(primitive.evaluate(operands, params), node.dtype)[()]
        key = (id(primitive), *map(key_of, operands), *((name, id(value)) for name, value in params.items()))
        found = self.seen.get(key)
        if found is None:
            if len(self.nodes) >= self.most:
                raise TooLarge
            found = self.seen[key] = len(self.nodes)
            parents = tuple(x if type(x) is int else None for x in operands)
            kept = tuple(None if type(x) is int else x for x in operands)
            self.nodes.append(Node(primitive, parents, kept, params, (), node.dtype, node.location))
        return found

    # Ways of writing an operation out

    def by_element(self, node: Node, operands: Sequence[Any]) -> np.ndarray | None:
        """Functions of elements."""
        primitive = node.primitive
        assert primitive is not None
        own = primitive.by_element and not any(np.shape(value) for value in node.params.values())
        if not (own or function_of(node) is not None):
            return None
        spread = np.broadcast_arrays(*(np.array(None, object) if x is None else x for x in operands))
        found = np.empty(node.shape, object)
        for place in np.ndindex(node.shape):
            found[place] = self.number(primitive, [x[place] for x in spread], node)
        return found

    def number(self, primitive: Primitive, operands: list[Element], node: Node) -> Element:
        """An elementwise operation, simplified."""
        if primitive is STRONG:
            return self.times(operands[0], operands[1], node)
        if primitive is MULTIPLY and not node.params:
            return self.times(operands[0], operands[1], node, MULTIPLY)
        if primitive is ADD and not node.params:
            return self.plus(operands[0], operands[1], node)
        if primitive.function is cast and self.dtype_of(operands[0]) == node.dtype:
            return operands[0]
        return self.apply(primitive, operands, node, node.params)

    def times(self, a: Element, b: Element, node: Node, primitive: Primitive = STRONG) -> Element:
        """A product: by one nothing happens, and by a zero, where it is strong, it is zero."""
        for x, y in ((a, b), (b, a)):
            if type(x) is not int and self.dtype_of(y) == node.dtype:
                if x == 1:
                    return y
                if x == 0 and primitive is STRONG:
                    return node.dtype.type(0)
        return self.apply(primitive, (a, b), node, {})

    def plus(self, a: Element, b: Element, node: Node) -> Element:
        """A sum, of which zeros are left out."""
        for x, y in ((a, b), (b, a)):
            if type(x) is not int and x == 0 and self.dtype_of(y) == node.dtype:
                return y
        return self.apply(ADD, (a, b), node, {})

    def dtype_of(self, x: Element) -> np.dtype:
        """The dtype of an element."""
        return self.nodes[x].dtype if type(x) is int else np.asarray(x).dtype

    def by_entries(self, node: Node, operands: Sequence[Any]) -> np.ndarray | None:
        """Functions that are their local Jacobian, entry by entry."""
        wanted = [k for k, x in enumerate(operands) if x is not None and any(type(each) is int for each in x.flat)]
        parents = [node.parents[k] for k in wanted]
        if not is_linear(node, [self.source.nodes[parent].dtype for parent in parents if parent is not None]):
            return None
        base, groups = linear_parts(node, [None if x is None else self.still(x) for x in operands], wanted)
        found = constants(base.astype(node.dtype)).reshape(-1)
        for ks, fmt in groups:
            flat = np.concatenate([operands[k].reshape(-1) for k in ks])
            # What stands still is in the base already.
            for row, col, weight in zip(*entries(fmt), strict=True):
                if type(flat[col]) is int:
                    term = self.times(flat[col], node.dtype.type(weight), node)
                    found[row] = self.plus(found[row], term, node)
        return found.reshape(node.shape)

    def still(self, operand: np.ndarray) -> np.ndarray:
        """An operand with zeros for what moves."""
        elements = [self.dtype_of(x).type(0) if type(x) is int else x for x in operand.flat]
        return np.array(elements).reshape(operand.shape)

    def by_products(self, node: Node, operands: Sequence[Any]) -> np.ndarray | None:
        """Products in index notation, term by term."""
        assert node.primitive is not None
        labels_of = node.primitive.rule.labels
        if labels_of is None or len(operands) != 2 or any(x is None for x in operands):
            return None
        labels = labels_of(*(x.shape for x in operands), **node.params)
        names = list(dict.fromkeys("".join((*labels.operands, labels.out))))
        if math.prod(labels.sizes[name] for name in names) > self.most:
            raise TooLarge
        multiply = STRONG if node.primitive.name.endswith("strong_matmul") else MULTIPLY
        found = np.full(node.shape, node.dtype.type(0), object)
        for place in itertools.product(*(range(labels.sizes[name]) for name in names)):
            index = dict(zip(names, place, strict=True))
            a, b = (x[tuple(index[label] for label in own)] for x, own in zip(operands, labels.operands, strict=True))
            to = tuple(index[label] for label in labels.out)
            found[to] = self.plus(found[to], self.times(a, b, node, multiply), node)
        return found

    def by_folding(self, node: Node, operands: Sequence[Any]) -> np.ndarray | None:
        """Reductions by a function of two numbers, along axes."""
        primitive = node.primitive
        assert primitive is not None
        ufunc = primitive.rule.folds
        if ufunc is None or len(operands) != 1 or set(node.params) - {"axis", "keepdims"}:
            return None
        x, own = operands[0], TABLE[ufunc]
        axis = node.params.get("axis")
        axes = (
            tuple(range(x.ndim))
            if axis is None or not x.ndim
            else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
        )
        rest = [k for k in range(x.ndim) if k not in axes]
        length = math.prod(x.shape[k] for k in axes)
        if not length:
            return None
        rows = x.transpose([*rest, *axes]).reshape(-1, length)
        found = np.empty(len(rows), object)
        for k, row in enumerate(rows):
            found[k] = row[0]
            for each in row[1:]:
                found[k] = self.apply(own, (found[k], each), node, {})
        return found.reshape(node.shape)


def key_of(x: Element) -> Hashable:
    """Equal for the same node and for constants of the same bits."""
    return x if type(x) is int else (x.dtype.str, x.tobytes())


def constants(value: Any) -> np.ndarray:
    """A constant's elements, as NumPy scalars."""
    array = np.asarray(as_array(value))
    found = np.empty(array.shape, object)
    for place in np.ndindex(array.shape):
        found[place] = array[place]
    return found


def entries(fmt: Any) -> tuple[Any, Any, Any]:
    """A format's entries with their weights as numbers."""
    rows, cols, weights = fmt.coo()
    return rows.tolist(), cols.tolist(), np.broadcast_to(weights, np.shape(rows)).tolist()
