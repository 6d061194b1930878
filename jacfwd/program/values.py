"""Names for the values of a graph: inputs, buffers, results, and views of all these."""

import math

import numpy as np

from jacfwd.formats.index import c_strides
from jacfwd.graph import Graph, Node
from jacfwd.program.names import Names
from jacfwd.program.places import Place, Registers, View, places

__all__ = ["Values"]


class Values:
    """Which memory each node of a graph is computed into, and what its views are called."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.nodes = graph, graph.nodes
        self.where = places(graph)
        self.names = Names()
        self.registers = Registers()
        self.register_of: dict[int, int] = {}
        self.views: dict[tuple, str] = {}
        self.layout: list[View] = []
        self.made: dict[tuple, str] = {}
        # Arrays that took over the memory of others, which keeps its name.
        self.called: dict[int, str] = {}
        self.lines: list[str] = []

    def input_name(self, at: int) -> str:
        """The name of an input."""
        return f"x{self.graph.inputs.index(at)}"

    def operand(self, node: Node, k: int) -> str:
        """An operand in its own shape."""
        parent = node.parents[k]
        if parent is None:
            return self.names.wrapped(node, k, self.nodes, flat=False)
        return self.name(self.where[parent], parent)

    def flat_operand(self, node: Node, k: int) -> str | None:
        """An operand as a flat array of the result's size, or as a number; None where it is neither."""
        parent, size = node.parents[k], math.prod(node.shape)
        if parent is None:
            constant = node.constants[k]
            if np.size(constant) not in (1, size):
                return None
            return self.names.wrapped(node, k, self.nodes, flat=True)
        place = self.where[parent]
        if place.size not in (1, size):
            return None
        flat = place.reshaped((size,) if place.size == size else ())
        return None if flat is None else self.name(flat, parent)

    def flat_of(self, at: int, name: str) -> str:
        """A node as a flat array."""
        place = self.where[at]
        flat = place.reshaped((place.size,))
        return f"{name}.reshape(-1)" if flat is None else self.name(flat, at)

    def name(self, place: Place, at: int) -> str:
        """The name of a view: made with the buffers, or where it is first needed."""
        root = place.root
        node = self.nodes[root]
        if root in self.register_of:
            return self.buffer_view(place, node.dtype)
        own = self.input_name(root) if node.primitive is None else self.called.get(root, f"t{root}")
        if (place.shape, place.offset, place.strides) == (node.shape, 0, c_strides(node.shape)):
            return own
        key = (own, place.shape, place.offset, place.strides)
        if key not in self.made:
            self.made[key] = f"v{len(self.made)}"
            self.lines.append(f"{self.made[key]} = {self.view_of(own, place, node)}")
        return self.made[key]

    def buffer_view(self, place: Place, dtype: np.dtype) -> str:
        """A view of a buffer, made before the first run."""
        item, register = dtype.itemsize, self.register_of[place.root]
        strides = tuple(s * item for s in place.strides)
        key = (register, dtype, place.shape, place.offset * item, strides)
        if key not in self.views:
            self.views[key] = f"b{len(self.views)}"
            self.layout.append(key)
        return self.views[key]

    def view_of(self, own: str, place: Place, node: Node) -> str:
        """An expression for a view of an array that the program did not make."""
        linear = place.linear
        flat = own if len(node.shape) == 1 else f"{own}.reshape(-1)"
        if place.shape == ():
            return f"{flat}[{place.offset}]" if node.shape else own
        if linear is not None and linear[1] > 0:
            start, step = linear
            stop = start + step * (place.size - 1) + 1
            whole = (start, stop, step) == (0, math.prod(node.shape), 1)
            sliced = flat if whole else f"{flat}[{start}:{stop}" + (f":{step}]" if step != 1 else "]")
            if len(place.shape) == 1:
                return sliced
            if step == 1:
                return f"{sliced}.reshape({place.shape})"
        item = node.dtype.itemsize
        strides = tuple(s * item for s in place.strides)
        dtype, array = self.names.constant(node.dtype, "dtype"), self.names.of(np.ndarray)
        return f"{array}({place.shape}, {dtype}, {own}, {place.offset * item}, {strides})"
