"""Small graphs as straight-line Python on floats: a call of NumPy costs more than twenty operations on numbers.

Where Python and NumPy differ, as at a division by zero, Python raises, and the point is left to a program on arrays.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product
from jacfwd.graph import Graph, Node, hold
from jacfwd.locations import describe
from jacfwd.primitive import Primitive
from jacfwd.program.names import Names
from jacfwd.program.places import Layout
from jacfwd.program.scalars import scalarised
from jacfwd.program.slots import Slots
from jacfwd.program.source import Source
from jacfwd.rules import TABLE
from jacfwd.rules.internal import cast

__all__ = ["UNLIKE", "in_numbers"]

# What Python raises where NumPy would go on with inf or nan.
UNLIKE = (ArithmeticError, ValueError)
# Microseconds, roughly: of an operation on floats, of one on small arrays, of a call of a program on arrays.
FLOAT, ARRAY, CALL = 0.05, 0.6, 4.0
# Elements of the largest graph that is looked at.
MOST = 2000


def sign(x: float) -> float:
    """The sign, nan for nan."""
    return x if x != x else float((x > 0) - (x < 0))


# How an operation is written; `{0}` is its first operand, what is called is in `math` or above.
BINARY: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
COMPARED: dict[Any, str] = {
    np.greater: ">",
    np.greater_equal: ">=",
    np.less: "<",
    np.less_equal: "<=",
    np.equal: "==",
    np.not_equal: "!=",
}
CALLED: dict[Any, Any] = {
    np.power: math.pow,
    np.sqrt: math.sqrt,
    np.exp: math.exp,
    np.expm1: math.expm1,
    np.log: math.log,
    np.log2: math.log2,
    np.log10: math.log10,
    np.log1p: math.log1p,
    np.sin: math.sin,
    np.cos: math.cos,
    np.tan: math.tan,
    np.arcsin: math.asin,
    np.arccos: math.acos,
    np.arctan: math.atan,
    np.sinh: math.sinh,
    np.cosh: math.cosh,
    np.tanh: math.tanh,
    np.arcsinh: math.asinh,
    np.arccosh: math.acosh,
    np.arctanh: math.atanh,
    np.arctan2: math.atan2,
    np.hypot: math.hypot,
    np.copysign: math.copysign,
    np.degrees: math.degrees,
    np.radians: math.radians,
    np.isfinite: math.isfinite,
    np.isnan: math.isnan,
    np.isinf: math.isinf,
    np.absolute: abs,
    np.fabs: abs,
    np.sign: sign,
}
SPELLED: dict[Any, str] = {
    **{function: f"{{0}} {operator} {{1}}" for function, operator in (BINARY | COMPARED).items()},
    strong_product: "{0} * {1}",
    np.negative: "-{0}",
    np.positive: "{0}",
    np.square: "{0} * {0}",
    np.reciprocal: "1.0 / {0}",
    np.maximum: "{0} if {0} >= {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} <= {1} or {0} != {0} else {1}",
    np.where: "{1} if {0} else {2}",
    np.logical_and: "{0} and {1}",
    np.logical_or: "{0} or {1}",
    np.logical_not: "not {0}",
    np.bitwise_and: "{0} and {1}",
    np.bitwise_or: "{0} or {1}",
    np.bitwise_xor: "{0} is not {1}",
    np.invert: "not {0}",
    cast: "float({0})",
}
WRITTEN: dict[Primitive, Any] = {TABLE[function]: how for function, how in (CALLED | SPELLED).items()}
STRONG, WHERE = TABLE[strong_product], TABLE[np.where]
BITS = (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert)
LOGICAL = {TABLE[function] for function in (np.logical_and, np.logical_or, np.logical_not, *BITS)}
TESTS = {TABLE[function] for function in (*COMPARED, np.isfinite, np.isnan, np.isinf)}


def in_numbers(graph: Graph, n_values: int, slots: Slots | None) -> Source | None:
    """The program for a small graph on floats; None where arrays are faster or an operation has no counterpart.

    It returns what the program on arrays returns, or raises one of `UNLIKE`. Its `on_floats` takes inputs of shape ()
    as Python floats, `program` as any numbers.
    """
    arrays = len(graph.nodes) - len(graph.inputs)
    if sum(math.prod(node.shape) for node in graph.nodes) > MOST or (slots is not None and slots.own is None):
        return None
    numbers = [*(graph.nodes[at].dtype for at in graph.inputs), *([] if slots is None else [slots.template.dtype])]
    if any(dtype != np.float64 for dtype in numbers) or any(out.dtype.kind not in "fb" for out in graph.outputs):
        return None
    small = scalarised(graph, MOST)
    if small is None or FLOAT * len(small.nodes) > ARRAY * arrays + CALL:
        return None
    if not all(is_written(node, small.nodes) for node in small.nodes):
        return None
    return Numbers(graph, small, n_values, slots).source()


def is_written(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether an operation can be written on floats: Python's booleans count as numbers, NumPy's do not."""
    primitive = node.primitive
    if primitive is None:
        return True
    if primitive not in WRITTEN or (node.params and primitive.function is not cast):
        return False
    pairs = zip(node.parents, node.constants, strict=True)
    boolean = [(np.asarray(c).dtype if p is None else nodes[p].dtype).kind == "b" for p, c in pairs]
    if primitive in LOGICAL:
        return all(boolean)
    if primitive is WHERE:
        return boolean[0] and (node.dtype == np.float64 or all(boolean))
    return node.dtype == np.float64 or (primitive in TESTS and not any(boolean))


class Numbers:
    """Writes one program on floats."""

    def __init__(self, graph: Graph, small: Graph, n_values: int, slots: Slots | None) -> None:
        self.graph, self.small, self.n_values, self.slots = graph, small, n_values, slots
        self.names = Names()
        self.lines: list[str] = []
        self.name: dict[int, str] = {}
        # Where each output of the large graph begins among those of the small one.
        sizes = [math.prod(out.shape) for out in graph.outputs]
        self.begin = np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist()

    def source(self) -> Source:
        """Write everything."""
        self.inputs()
        said, strong = "", []
        for at, node in enumerate(self.small.nodes):
            if node.primitive is None:
                self.guard(at)
                continue
            comment = "# derivatives" if node.location is None else "# " + " ".join(describe(node.location).split())
            if comment != said:
                self.lines.append(comment)
                said = comment
            self.name[at] = f"t{at}"
            self.lines.append(f"t{at} = {self.expression(node)}")
            if node.primitive is STRONG:
                strong.append(f"t{at}")
            self.guard(at)
        if strong:
            self.lines += [f"z = {' + '.join(strong)}", "if z - z != 0.0:", "    raise ArithmeticError"]
        self.fill()
        results = ", ".join(self.result(k) for k in range(self.n_values))
        places = enumerate(self.graph.inputs)
        given = [(f"x{k}", self.graph.nodes[at].shape) for k, at in places]
        heads = "".join(f"{name}, " for name, _ in given)
        floats = "".join(f"{name}, " if shape else f"float({name}), " for name, shape in given)
        body = "\n".join(f"    {line}" for line in self.lines)
        text = f"def on_floats({heads}data=None):\n{body}\n    return [{results}]\n"
        if floats != heads:
            text += f"\n\ndef program({heads}data=None):\n    return on_floats({floats}data)\n"
        else:
            text += "\n\nprogram = on_floats\n"
        return Source(text, self.names.scope, Layout((), ()))

    def inputs(self) -> None:
        """The elements of the inputs as Python floats."""
        at = 0
        for k, place in enumerate(self.graph.inputs):
            shape = self.graph.nodes[place].shape
            own = self.small.inputs[at : at + math.prod(shape)]
            at += len(own)
            self.name.update((each, f"x{k}_{j}" if shape else f"x{k}") for j, each in enumerate(own))
            if shape and own:
                flat = f"x{k}" if len(shape) == 1 else f"x{k}.ravel()"
                self.lines.append(f"{', '.join(self.name[each] for each in own)}, = {flat}.tolist()")

    def expression(self, node: Node) -> str:
        """One operation."""
        assert node.primitive is not None
        pairs = zip(node.parents, node.constants, strict=True)
        operands = [self.constant(c) if p is None else self.name[p] for p, c in pairs]
        if node.primitive is WHERE and node.dtype == np.float64:
            operands[1:] = [f"float({x})" if self.is_boolean(node, k) else x for k, x in enumerate(operands[1:], 1)]
        how = WRITTEN[node.primitive]
        if isinstance(how, str):
            return how.format(*operands)
        return f"{self.names.of(how)}({', '.join(operands)})"

    def is_boolean(self, node: Node, k: int) -> bool:
        """Whether operand k is True or False."""
        parent = node.parents[k]
        dtype = np.asarray(node.constants[k]).dtype if parent is None else self.small.nodes[parent].dtype
        return dtype.kind == "b"

    def constant(self, value: Any) -> str:
        """A constant as it is written."""
        if np.asarray(value).dtype.kind == "b":
            return repr(bool(value))
        number = float(value)
        if not math.isfinite(number):
            return self.names.constant(number)
        return f"({number!r})" if math.copysign(1, number) < 0 else repr(number)

    def guard(self, at: int) -> None:
        """Compare what the recording relied on."""
        value = self.name[at]
        for guard in self.small.guards:
            if guard.node == at:
                boolean = self.small.nodes[at].dtype.kind == "b"
                differs = (
                    f"{value} is not {bool(guard.value)}" if boolean else f"{value} != {self.constant(guard.value)}"
                )
                held = self.names.constant(guard)
                self.lines += [f"if {differs}:", f"    {self.names.of(hold)}({held}, {value})"]

    def element(self, k: int) -> str:
        """Element k of all outputs, laid end to end."""
        out = self.small.outputs[k]
        return self.constant(out.value) if out.node is None else self.name[out.node]

    def elements(self, k: int) -> list[str]:
        """The elements of output k of the large graph."""
        return [self.element(j) for j in range(self.begin[k], self.begin[k + 1])]

    def result(self, k: int) -> str:
        """An output as a NumPy scalar or a new array."""
        out = self.graph.outputs[k]
        parts = self.elements(k)
        kind = self.names.of(out.dtype.type)
        if not out.shape:
            return f"{kind}({parts[0]})"
        array = f"{self.names.of(np.array)}(({''.join(f'{part}, ' for part in parts)}), {kind})"
        return array if len(out.shape) == 1 else f"{array}.reshape({out.shape})"

    def fill(self) -> None:
        """All of the matrix's data at once."""
        if self.slots is None:
            return
        assert self.slots.own is not None
        terms: list[list[str]] = [[self.constant(value)] if value else [] for value in self.slots.template]
        for k, places in enumerate(self.slots.own, start=self.n_values):
            parts = self.elements(k)
            for j, slot in enumerate(places.tolist()):
                terms[slot].append(parts[j if len(parts) > 1 else 0])
        if terms:
            self.lines.append(f"data[:] = ({', '.join(' + '.join(term) or '0.0' for term in terms)},)")
