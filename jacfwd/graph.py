"""The recorded graph: plain data that checks itself at every build and prints itself.

Text form, one line per node in recording order:

    graph   ::= "graph(" inputs ")" node* guard* "return" outputs
    input   ::= name ":" dtype shape
    node    ::= name ":" dtype shape "=" primitive "(" operand ("," operand)* ")" [params]
    guard   ::= "guard" name "==" value
    operand ::= name | constant
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jacfwd.errors import BranchChangedError
from jacfwd.formats.base import Shape
from jacfwd.locations import assigned_name
from jacfwd.primitive import Primitive

__all__ = ["Graph", "Guard", "Node", "Output", "hold", "labels_of", "names_of", "to_text"]


class Node:
    """One recorded operation: primitive, parents as positions, constants where there is no parent, parameters.

    Inputs have no primitive. `location` is an opaque place in the user's code, `name` what the user called it.
    """

    __slots__ = ("constants", "dtype", "location", "name", "params", "parents", "primitive", "shape")

    def __init__(
        self,
        primitive: Primitive | None,
        parents: tuple[int | None, ...],
        constants: tuple[Any, ...],
        params: dict[str, Any],
        shape: Shape,
        dtype: np.dtype,
        location: Any = None,
    ) -> None:
        self.primitive, self.parents, self.constants, self.params = primitive, parents, constants, params
        self.shape, self.dtype, self.location = shape, dtype, location
        self.name: str | None = None

    @property
    def differentiable(self) -> bool:
        """Whether the node can carry a derivative at all."""
        return self.dtype.kind in "fc" and (self.primitive is None or self.primitive.differentiable)

    def operands(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The operands, parents looked up in `values`."""
        parents = self.parents
        if len(parents) == 1 and parents[0] is not None:
            return (values[parents[0]],)
        pairs = zip(parents, self.constants, strict=True)
        return tuple([constant if parent is None else values[parent] for parent, constant in pairs])

    def __getstate__(self) -> tuple:
        return tuple(getattr(self, slot) for slot in self.__slots__ if slot != "location")

    def __setstate__(self, state: tuple) -> None:
        for slot, value in zip((s for s in self.__slots__ if s != "location"), state, strict=True):
            setattr(self, slot, value)
        self.location = None


class Guard(NamedTuple):
    """A value that the recording relied on: node `node` was `value` at `where` in the user's code."""

    node: int
    value: Any
    where: str


class Output(NamedTuple):
    """One leaf of the output: a node, or a constant that depends on no input."""

    node: int | None
    value: Any
    shape: Shape
    dtype: np.dtype


@dataclasses.dataclass(eq=False, repr=False)
class Graph:
    """Nodes in recording order, the positions of the inputs, the outputs, the guards."""

    nodes: list[Node]
    inputs: list[int]
    outputs: list[Output]
    guards: list[Guard]

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Refuse a graph that is not well formed: parents come first, inputs have no primitive."""
        inputs = set(self.inputs)
        for at, node in enumerate(self.nodes):
            if (node.primitive is None) != (at in inputs):
                raise ValueError(f"node {at} is {'an input' if at in inputs else 'no input'} but has no business so")
            if len(node.parents) != len(node.constants):
                raise ValueError(f"node {at} has {len(node.parents)} parents for {len(node.constants)} operands")
            for parent in node.parents:
                if parent is not None and (parent >= at or parent < 0):
                    raise ValueError(f"node {at} depends on a node that comes later")
        places: list[Guard | Output] = [*self.guards, *self.outputs]
        for place in places:
            if place.node is not None and not 0 <= place.node < len(self.nodes):
                raise ValueError(f"{place} refers to no node")

    def evaluate(self, leaves: Sequence[Any]) -> list[Any]:
        """Replay by interpretation: the value of every node, at other inputs.

        Raises BranchChangedError where a guarded value differs from the recorded one.
        """
        values: list[Any] = [None] * len(self.nodes)
        for at, leaf in zip(self.inputs, leaves, strict=True):
            values[at] = leaf
        watched: dict[int, list[Guard]] = {}
        for guard in self.guards:
            watched.setdefault(guard.node, []).append(guard)
        for at, node in enumerate(self.nodes):
            if node.primitive is not None:
                values[at] = node.primitive.evaluate(node.operands(values), node.params)
            for guard in watched.get(at, ()):
                hold(guard, values[at])
        return values

    def results(self, values: Sequence[Any]) -> list[Any]:
        """The outputs among the nodes' values."""
        return [out.value if out.node is None else values[out.node] for out in self.outputs]

    def __str__(self) -> str:
        return to_text(self)

    def __getstate__(self) -> dict:
        # Locations are code objects, which do not pickle: what they say is written down as names first.
        for node, label in zip(self.nodes, labels_of(self.nodes), strict=True):
            node.name = label
        return self.__dict__


def hold(guard: Guard, value: Any) -> None:
    """Raise BranchChangedError unless a guarded value is what it was when recorded."""
    if np.shape(value) != np.shape(guard.value) or not np.array_equal(value, guard.value):
        raise BranchChangedError(
            f"the recorded graph took a branch that this point does not take: {_short(guard.value)} when recorded, "
            f"{_short(np.asarray(value))} now, {guard.where}; record the function again at this point"
        )


def labels_of(nodes: list[Node]) -> list[str | None]:
    """What the user calls each node: by `jf.name`, or as the variable that the line assigns to.

    Where one call became several nodes, the last of them is what the variable holds.
    """
    labels = []
    for at, node in enumerate(nodes):
        label = node.name
        if label is None and node.location is not None and not _handed_on(nodes, at):
            label = assigned_name(node.location)
        labels.append(label)
    return labels


def _handed_on(nodes: list[Node], at: int) -> bool:
    """Whether another operation of the same call takes the node's value, as a product does that of a view."""
    node, k = nodes[at], at + 1
    while k < len(nodes) and nodes[k].location == node.location:
        if nodes[k].primitive is not node.primitive:
            return k == at + 1 or at in nodes[k].parents
        if at in nodes[k].parents:
            return False
        k += 1
    return False


def names_of(graph: Graph) -> list[str]:
    """A name for every node: the user's, made unique with a suffix, else t1, t2 ..."""
    labels = labels_of(graph.nodes)
    taken = {label for label in labels if label}
    used: set[str] = set()
    names, count = [], 0
    for name in labels:
        if name is None:
            count += 1
            while f"t{count}" in taken:
                count += 1
            name = f"t{count}"
        elif name in used:
            k = 2
            while f"{name}_{k}" in taken or f"{name}_{k}" in used:
                k += 1
            name = f"{name}_{k}"
        used.add(name)
        names.append(name)
    return names


def to_text(graph: Graph) -> str:
    """The graph as text, in the grammar of this module's docstring."""
    names = names_of(graph)
    heads = ", ".join(f"{names[at]}: {_type(graph.nodes[at])}" for at in graph.inputs)
    lines = [f"graph({heads})"]
    for name, node in zip(names, graph.nodes, strict=True):
        if node.primitive is None:
            continue
        pairs = zip(node.parents, node.constants, strict=True)
        operands = ", ".join(_short(c) if p is None else names[p] for p, c in pairs)
        params = "".join(f", {key}={_short(value)}" for key, value in node.params.items())
        lines.append(f"  {name}: {_type(node)} = {node.primitive.short}({operands}{params})")
    lines += [f"  guard {names[guard.node]} == {_short(guard.value)}" for guard in graph.guards]
    outs = ", ".join(_short(out.value) if out.node is None else names[out.node] for out in graph.outputs)
    return "\n".join([*lines, f"  return {outs}"])


def _type(node: Node) -> str:
    return f"{node.dtype}[{','.join(map(str, node.shape))}]"


def _short(value: Any) -> str:
    """A value on one line, as NumPy prints it."""
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=6, precision=4)
    else:
        text = str(value) if isinstance(value, np.generic) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
