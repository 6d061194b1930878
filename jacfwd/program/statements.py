"""Statements: one for each operation, into memory that is used again, and what follows from it.

Elementwise operations on whole arrays run on their flat memory, whatever the shapes are. Views are made once, for
buffers of the program, or where they are first needed, for arrays that others made.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.formats.shifts import Box
from jacfwd.graph import Graph, Node, hold
from jacfwd.locations import describe
from jacfwd.program.kinds import (
    SUM,
    function_of,
    is_assembled,
    is_buffered,
    is_count,
    is_elementwise,
    is_gather,
    is_placed,
    is_short_sum,
    is_total,
    makes_nan_silently,
)
from jacfwd.program.places import Place, last_uses
from jacfwd.program.schedule import scheduled
from jacfwd.program.slots import Slots, Write
from jacfwd.program.stores import Stores
from jacfwd.program.windows import windows
from jacfwd.rules import TABLE

__all__ = ["Statements"]

STRONG, ADD, CONCATENATE = TABLE[strong_product], TABLE[np.add], TABLE[np.concatenate]
SUBTRACT = TABLE[np.subtract]
# Functions whose result is new memory, always.
JOINING = (CONCATENATE, TABLE[np.stack])
# From so many elements on NumPy sums in another order.
SHORT = 8
# Without what `np.sum` looks at before it calls this.
ADD_ALL = np.add.reduce


class Statements(Stores):
    """The statements of one program, as they are written."""

    def __init__(self, graph: Graph, n_values: int, slots: Slots | None, careful: bool) -> None:
        super().__init__(graph)
        self.n_values, self.careful = n_values, careful
        self.said = ""
        writes = [] if slots is None else slots.writes
        if slots is not None and len(slots.restored):
            constants = self.names.constant(slots.template[slots.restored])
            self.closing.append(f"data[{self.names.constant(slots.restored, 'at')}] = {constants}")
        returned, stored = graph.outputs[:n_values], graph.outputs[n_values:]
        self.results = [out.node for out in returned]
        self.sinks: dict[int, list[Write]] = {}
        late = []
        for out, write in zip(stored, writes, strict=True):
            assert out.node is not None
            self.sinks.setdefault(out.node, []).append(write)
            if write.adds:
                late.append(out.node)
        kept = [at for at in self.results if at is not None]
        roots = [self.where[at].root for at in kept]
        self.fresh = {at for at in roots if roots.count(at) == 1 and all(self.is_whole(k) for k in kept)}
        uses = used(graph, [*kept, *self.sinks, *(guard.node for guard in graph.guards)])
        terms = postponed(graph, uses)
        self.added = {later: at for at, later in terms.items()}
        joined = self.joined(uses)
        self.counted = {later: at for at, later in joined.items()}
        self.postponed = terms | joined
        self.inside = self.written_inside(uses)
        self.dotted = self.summed_products(uses)
        self.postponed |= {product: at for at, product in self.dotted.items()}
        shifted = {at for at in range(len(graph.nodes)) if self.boxes_of(at) is not None}
        self.order = scheduled(graph, self.where, careful, shifted.union(self.added))
        data = None if slots is None else slots.template.dtype
        alike = {at for at, node in enumerate(self.nodes) if node.dtype == data}
        self.sinks, self.windows = windows(self.sinks, self.where, [at for group in self.order for at in group], alike)
        self.last = last_uses(graph, self.where, [*kept, *late], self.order, careful, self.postponed)
        self.taken_over = self.given()
        self.checks = not careful and any(node.primitive is STRONG for node in self.nodes)
        self.watched: dict[int, list[Any]] = {}
        for guard in graph.guards:
            self.watched.setdefault(guard.node, []).append(guard)
        self.step = 0
        self.ending: dict[int, list[int]] = {}
        for root, last in enumerate(self.last):
            self.ending.setdefault(last, []).append(root)

    def is_whole(self, at: int) -> bool:
        """Whether a node is all of its memory, in order."""
        place = self.where[at]
        return place.whole and place.size == math.prod(self.nodes[place.root].shape)

    def given(self) -> dict[int, int]:
        """New memory that sums take over from one of their terms."""
        found = {}
        step_of = {at: k for k, group in enumerate(self.order) for at in group} if self.added else {}
        for at, placed in self.added.items():
            a, b = self.nodes[at].parents
            other = b if a == placed else a
            assert other is not None
            alone = self.where[other].root == other and is_buffered(self.nodes[other], self.careful)
            if at in self.fresh and alone and self.last[other] == step_of[at] and other not in self.added:
                self.fresh.add(other)
                found[at] = other
        return found

    def say(self, at: int) -> None:
        """Where a statement comes from, unless the last comment says it already."""
        location = self.nodes[at].location
        comment = "# derivatives" if location is None else self.comment(location)
        if comment != self.said:
            self.lines.append(comment)
            self.said = comment

    def comment(self, location: Any) -> str:
        """The user's line that the statements after it belong to."""
        return "# " + " ".join(describe(location).split())

    def input(self, at: int) -> None:
        """Inputs as contiguous memory; a program without strong products in full takes only finite ones."""
        name, node = self.input_name(at), self.nodes[at]
        if node.shape:
            self.lines.append(f"{name} = {self.names.of(np.ascontiguousarray)}({name})")
        if self.checks:
            self.check(at, name)

    def check(self, at: int, name: str) -> None:
        """Leave where a value is not finite."""
        node = self.nodes[at]
        total = name if node.shape == () else "{0}.dot({0})".format(self.flat_of(at, name))
        self.lines += [self.unless_finite(total, node.dtype, node.shape == ()), "    raise FloatingPointError"]

    def unless_finite(self, total: str, dtype: np.dtype, signed: bool = False) -> str:
        """The question whether a number is infinite or nan: to compare takes a tenth of the time of `isfinite`."""
        size = f"abs({total})" if signed or dtype.kind == "c" else total
        return f"if not {size} < {self.names.constant(np.inf, 'inf')}:"

    def after(self, at: int) -> None:
        """What is done as soon as a node has its value: guards and writes."""
        self.guard(at)
        for write in self.sinks.get(at, ()):
            self.store(at, write)
        for window in self.windows.get(at, ()):
            self.store_window(window)

    def guard(self, at: int) -> None:
        """Compare a value that the recording relied on."""
        for guard in self.watched.get(at, ()):
            name = self.name(self.where[at], at)
            value, held = self.names.constant(guard.value), self.names.constant(guard)
            shape = self.nodes[at].shape
            # How many elements there are may depend on values, as for `np.unique`.
            differs = f"{name} != {value}" if shape == () else f"{name}.shape != {shape} or ({name} != {value}).any()"
            self.lines += [f"if {differs}:", f"    {self.names.of(hold)}({held}, {name})"]

    def result(self, out: Any) -> str:
        """An output as a new array."""
        if out.node is None:
            return f"{self.names.of(np.array)}({self.names.constant(out.value)})[()]"
        name = self.name(self.where[out.node], out.node)
        shape = self.nodes[out.node].shape
        if shape == ():
            return f"{name}[()]"
        root = self.where[out.node].root
        return name if root in self.fresh and self.is_new(root) else f"{self.names.of(np.array)}({name}, order='C')"

    def is_new(self, at: int) -> bool:
        """Whether the program itself makes the memory of a node, anew at each run."""
        makes = is_buffered(self.nodes[at], self.careful) or self.nodes[at].primitive in JOINING
        return makes and at not in self.register_of

    # Statements

    def compute(self, at: int) -> None:
        """One operation."""
        node = self.nodes[at]
        if at in self.postponed:
            return
        if at in self.added:
            self.add_into(at)
        elif is_placed(node):
            self.placed(at)
        elif is_elementwise(node, self.careful):
            self.elementwise(at)
        elif is_gather(node):
            self.gather(at)
        elif at in self.counted:
            self.count_parts(at)
        elif is_count(node):
            self.count(at)
        elif is_total(node, self.nodes):
            self.total(at)
        elif is_short_sum(node) and self.short_sum(at):
            pass
        elif is_assembled(node):
            self.assembled(at)
        elif self.careful and node.primitive is STRONG:
            self.call(at, "strong_product", strong_product)
        else:
            assert node.primitive is not None
            function = function_of(node)
            if function is not None and node.primitive.function is strong_product:
                self.call(at, "multiply", function)
            else:
                self.call(at, node.primitive.short, node.primitive.function)
        if self.checks and makes_nan_silently(node):
            self.check(at, self.name(self.where[at], at))

    def elementwise(self, at: int) -> None:
        """A ufunc on flat memory, or on the shapes where these are broadcast."""
        node = self.nodes[at]
        function = function_of(node)
        assert function is not None
        operands = [self.flat_operand(node, k) for k in range(len(node.parents))]
        flat = all(name is not None for name in operands)
        if not flat:
            operands = [self.operand(node, k) for k in range(len(node.parents))]
        shape = (math.prod(node.shape),) if flat else node.shape
        named = [str(name) for name in operands]
        inside = self.memory_in(at, shape)  # operands that broadcast need their own shape
        if inside is not None:
            self.lines.append(f"{self.names.of(function)}({', '.join(named)}, out={inside})")
            return
        self.donate(at, flat)
        if at in self.fresh:
            call = f"{self.names.of(function)}({', '.join(named)})"
            self.lines.append(f"t{at} = {call}" + (f".reshape({node.shape})" if shape != node.shape else ""))
            return
        out = self.name(Place(at, shape, 0, c_strides(shape)), at)
        self.lines.append(f"{self.names.of(function)}({', '.join(named)}, out={out})")

    def gather(self, at: int) -> None:
        """Elements of flat memory by position."""
        node = self.nodes[at]
        parent = node.parents[0]
        assert parent is not None
        found = self.boxes_of(at)
        if found is not None:
            self.in_boxes(at, parent, found)
            return
        source = self.flat_of(parent, self.name(self.where[parent], parent))
        self.donate(at, False)
        positions = self.names.constant(node.params["index"].flat.reshape(node.shape), "at")
        if at in self.fresh:
            self.lines.append(f"t{at} = {source}.take({positions})")
        else:
            out = self.name(Place(at, node.shape, 0, c_strides(node.shape)), at)
            # With this mode NumPy writes without a copy in between; no position is out of range.
            self.lines.append(f"{source}.take({positions}, None, {out}, 'clip')")

    def boxes_of(self, at: int) -> list[Box] | None:
        """The pieces that a gather is made of, where they are few."""
        node = self.nodes[at]
        if not is_gather(node) or self.where[at].root != at:
            return None
        parent = node.parents[0]
        if parent is None or self.where[parent].linear is None:
            return None
        return node.params["index"].boxes

    def in_boxes(self, at: int, parent: int, found: Sequence[Box]) -> None:
        """Copy piece by piece."""
        place = self.where[parent]
        assert place.linear is not None
        start, step = place.linear
        self.memory_for(at)
        for shape, to, (offset, strides) in found:
            source = Place(place.root, shape, start + step * offset, tuple(step * s for s in strides))
            self.lines.append(f"{self.name(Place(at, shape, *to), at)}[...] = {self.name(source, parent)}")

    def assembled(self, at: int) -> None:
        """Elements of several arrays, each part written where it belongs."""
        node = self.nodes[at]
        flat, begin = node.params["index"].flat, 0
        names = [None if p is None else self.flat_of(p, self.name(self.where[p], p)) for p in node.parents]
        out = self.memory_for(at)
        for k, parent in enumerate(node.parents):
            size = math.prod(self.nodes[parent].shape) if parent is not None else np.size(node.constants[k])
            here = np.flatnonzero((flat >= begin) & (flat < begin + size))
            positions, begin = flat[here] - begin, begin + size
            if not len(here):
                continue
            if parent is None:
                own = self.names.constant(np.reshape(node.constants[k], -1)[positions])
            elif len(positions) == size and np.array_equal(positions, np.arange(size)):
                own = str(names[k])
            else:
                own = f"{names[k]}[{self.stretch(positions)}]"
            self.lines.append(f"{out}[{self.stretch(here)}] = {own}")

    def placed(self, at: int) -> None:
        """Elements among zeros."""
        node = self.nodes[at]
        parent = node.parents[0]
        assert parent is not None
        if self.inside.get(self.where[parent].root) == at:
            return
        source = self.flat_of(parent, self.name(self.where[parent], parent))
        self.lines.append(f"{self.among_zeros(at)}[:] = {source}")

    def among_zeros(self, at: int, shape: tuple[int, ...] | None = None) -> str:
        """Memory for elements among zeros, with the zeros: the part for the elements, flat or of their own shape."""
        node = self.nodes[at]
        index = node.params["index"]
        (start, step), size = index.linear, math.prod(node.shape)
        out, stop = self.memory_for(at), start + step * (index.size - 1) + 1
        holes = [(0, start), (stop, size)] if step == 1 else [(0, size)]
        self.lines += [f"{out}[{a if b == a + 1 else f'{a}:{b}'}] = 0" for a, b in holes if a < b]
        shape = (index.size,) if shape is None else shape
        return self.name(Place(at, shape, start, tuple([step * stride for stride in c_strides(shape)])), at)

    def written_inside(self, uses: np.ndarray) -> dict[int, int]:
        """What is only put among zeros, and can be computed right there: for each of these, where."""
        found = {}
        for at, node in enumerate(self.nodes):
            if node.primitive is None or not is_placed(node) or at in self.postponed or node.parents[0] is None:
                continue
            chain = self.chain(node.parents[0])
            inner = self.nodes[chain[-1]]
            alone = all(uses[each] == 1 for each in chain) and self.is_whole(chain[0]) and inner.dtype == node.dtype
            if alone and inner.primitive is not None and is_elementwise(inner, self.careful):
                found[chain[-1]] = at
        return found

    def chain(self, at: int) -> list[int]:
        """A view, what it sees, and so on to what is computed."""
        chain = [at]
        while self.where[chain[-1]].root != chain[-1]:
            chain.append(self.nodes[chain[-1]].parents[0] or 0)
        return chain

    def memory_in(self, at: int, shape: tuple[int, ...] | None = None) -> str | None:
        """Memory for a node inside that of another, None where it has its own."""
        return self.among_zeros(self.inside[at], shape) if at in self.inside else None

    def add_into(self, at: int) -> None:
        """Add elements to some of another array's, in its memory where nobody needs that any more."""
        node, placed = self.nodes[at], self.nodes[self.added[at]]
        a, b = node.parents
        other, parent = b if a == self.added[at] else a, placed.parents[0]
        assert other is not None and parent is not None
        source = self.flat_of(parent, self.name(self.where[parent], parent))
        root = self.where[other].root
        if at in self.taken_over:
            self.called[at] = self.called.get(other, f"t{other}")
        elif (
            at not in self.fresh and root in self.register_of and self.last[root] == self.step and self.is_whole(other)
        ):
            self.register_of[at] = self.register_of.pop(root)
        else:
            whole = self.flat_of(other, self.name(self.where[other], other))
            self.lines.append(f"{self.memory_for(at)}[:] = {whole}")
        index = placed.params["index"]
        start, step = index.linear
        some = self.name(Place(at, (index.size,), start, (step,)), at)
        function = function_of(node)
        assert function is not None
        self.lines.append(f"{self.names.of(function)}({some}, {source}, out={some})")

    def dies(self, root: int) -> bool:
        """Whether this step is the last to need a buffer."""
        return root in self.register_of and self.last[root] == self.step

    def stretch(self, positions: np.ndarray) -> str:
        """Positions as a slice where they are evenly spaced, else by the name of their array."""
        linear = IndexMap.of_positions(positions, (0,)).linear
        if linear is None or linear[1] <= 0:
            return self.names.constant(positions, "at")
        start, step = linear
        return self.slots(slice(start, start + step * (len(positions) - 1) + 1, step))

    def count(self, at: int) -> None:
        """Sums of elements that meet at the same place."""
        node = self.nodes[at]
        parent, index = node.parents[0], node.params["index"]
        assert parent is not None
        source = self.flat_of(parent, self.name(self.where[parent], parent))
        summed, size = self.summed(index.flat, source, math.prod(node.shape)), math.prod(node.shape)
        reshape = "" if node.shape == (size,) else f".reshape({node.shape})"
        self.lines.append(f"t{at} = {summed}{reshape}")

    def joined(self, uses: np.ndarray) -> dict[int, int]:
        """Arrays that are joined only to be summed by where their elements go: each can be added where it goes."""
        found: dict[int, int] = {}
        for at, node in enumerate(self.nodes):
            if node.primitive is None or not is_count(node) or is_placed(node) or node.parents[0] is None:
                continue
            parent = node.parents[0]
            root = self.where[parent].root
            parts = self.nodes[root]
            chain = self.chain(parent)
            flat = parts.primitive is CONCATENATE and len(parts.shape) == 1 and None not in parts.parents
            alike = all(p is not None and self.nodes[p].dtype == node.dtype for p in parts.parents)
            if flat and alike and self.is_whole(parent) and all(uses[each] == 1 for each in chain):
                found[root] = at
        return found

    def count_parts(self, at: int) -> None:
        """Sums of elements that meet at the same place, part by part."""
        node = self.nodes[at]
        flat, size = node.params["index"].flat, math.prod(node.shape)
        parents = [parent for parent in self.nodes[self.counted[at]].parents if parent is not None]
        names = [self.flat_of(parent, self.name(self.where[parent], parent)) for parent in parents]
        out = self.memory_for(at)
        holes = np.flatnonzero(np.bincount(flat, minlength=size) == 0)
        if len(holes):
            self.lines.append(f"{out}[{self.stretch(holes)}] = 0")
        filled = np.zeros(size, bool)
        filled[holes] = True
        begin = 0
        for parent, name in zip(parents, names, strict=True):
            positions = flat[begin : begin + self.where[parent].size]
            begin += len(positions)
            once = np.bincount(positions, minlength=1).max() <= 1
            if once and not filled[positions].any():
                self.lines.append(f"{out}[{self.stretch(positions)}] = {name}")
            else:
                new = np.flatnonzero(~filled) if not once else np.sort(positions[~filled[positions]])
                if len(new):
                    self.lines.append(f"{out}[{self.stretch(new)}] = 0")
                    filled[new] = True
                self.add_part(out, positions, name, size, once)
            filled[positions] = True

    def add_part(self, out: str, positions: np.ndarray, name: str, size: int, once: bool) -> None:
        """Add elements where they go; several may go to one place."""
        if once:
            self.lines.append(f"{out}[{self.stretch(positions)}] += {name}")
            return
        self.lines.append(f"{out}[:] += {self.summed(positions, name, size)}")

    def short_sum(self, at: int) -> bool:
        """A sum over few elements, each of them for all rows at once; whether that can be written."""
        node = self.nodes[at]
        parent = node.parents[0]
        if parent is None:
            return False
        shape, place = self.nodes[parent].shape, self.where[parent]
        axis = int(np.reshape(node.params["axis"], ()))
        linear = place.linear
        if axis not in (-1, len(shape) - 1) or not 2 <= shape[-1] < SHORT or linear is None or linear[1] < 1:
            return False
        start, step = linear
        rows = (place.size // shape[-1],)
        terms = [Place(place.root, rows, start + k * step, (shape[-1] * step,)) for k in range(shape[-1])]
        total, *rest = [self.name(term, parent) for term in terms]
        out = self.memory_for(at)
        for each in rest:
            self.lines.append(f"{self.names.of(np.add)}({total}, {each}, out={out})")
            total = out
        return True

    def summed_products(self, uses: np.ndarray) -> dict[int, int]:
        """Sums over all elements of products that nobody else needs: for each of them the product."""
        found = {}
        for at, node in enumerate(self.nodes):
            if node.primitive is None or node.dtype != np.float64 or not is_total(node, self.nodes):
                continue
            chain = self.chain(node.parents[0] or 0)
            product = self.nodes[chain[-1]]
            if product.primitive is None or not is_elementwise(product, self.careful) or chain[-1] in self.inside:
                continue
            places = [None if p is None else self.where[p] for p in product.parents]
            flat = all(
                place is not None and place.linear and place.size == math.prod(product.shape) for place in places
            )
            alike = all(p is not None and self.nodes[p].dtype == node.dtype for p in product.parents)
            alone = all(uses[each] == 1 for each in chain) and self.is_whole(chain[0])
            if flat and alike and alone and function_of(product) in (np.multiply, np.square):
                found[at] = chain[-1]
        return found

    def total(self, at: int) -> None:
        """A sum over all elements, or their mean."""
        node, product = self.nodes[at], self.dotted.get(at)
        if product is not None:
            factors = [p for p in self.nodes[product].parents if p is not None]
            names = [self.flat_of(p, self.name(self.where[p], p)) for p in (factors[0], factors[-1])]
            self.total_of(at, f"{names[0]}.dot({names[1]}")
            return
        parent = node.parents[0]
        assert parent is not None
        flat = self.flat_of(parent, self.name(self.where[parent], parent))
        self.total_of(at, f"{self.names.of(ADD_ALL, 'add_reduce')}({flat}")

    def total_of(self, at: int, call: str) -> None:
        """The end of a sum, in the node's shape; a call that is not closed begins it."""
        node = self.nodes[at]
        assert node.primitive is not None and node.parents[0] is not None
        mean = "" if node.primitive is SUM else f" / {math.prod(self.nodes[node.parents[0]].shape)}"
        dot = at in self.dotted and ".dot(" in call
        if node.shape == ():
            self.lines.append(f"t{at} = {call}){mean}")
        elif dot:
            self.lines.append(f"t{at} = {self.names.of(np.full)}({node.shape}, {call}){mean})")
        else:
            reshape = "" if len(node.shape) == 1 else f".reshape({node.shape})"
            self.lines.append(f"t{at} = {call}, keepdims=True){reshape}{mean}")
        if self.checks and at in self.dotted:
            # The library that computes scalar products does not tell where it met what is not finite.
            self.lines += [self.unless_finite(f"t{at}", node.dtype, True), "    raise FloatingPointError"]

    def call(self, at: int, name: str, function: Any) -> None:
        """Any other function, called as it was recorded."""
        node = self.nodes[at]
        assert node.primitive is not None
        missing = [parent is None and c is None for parent, c in zip(node.parents, node.constants, strict=True)]
        operands = [None if gone else self.operand(node, k) for k, gone in enumerate(missing)]
        literal = {key: self.names.literal(value) for key, value in node.params.items()}
        args, kwargs = node.primitive.arguments(operands, literal)
        texts = [f"[{', '.join(arg)}]" if isinstance(arg, list) else str(arg) for arg in args]
        given = ", ".join([*texts, *(f"{key}={value}" for key, value in kwargs.items())])
        call = f"{self.names.of(function, name)}({given})"
        if node.shape:
            call = f"{self.names.of(np.ascontiguousarray)}({call})"
        self.lines.append(f"t{at} = {call}")

    def donate(self, at: int, flat: bool) -> None:
        """Choose memory for a node; with flat operands, that of an operand nobody needs any more."""
        node = self.nodes[at]
        if at in self.fresh:
            return
        nbytes = math.prod(node.shape) * node.dtype.itemsize
        for parent in node.parents if flat else ():
            place = None if parent is None else self.where[parent]
            if place is None or place.root not in self.register_of or self.last[place.root] != self.step:
                continue
            register = self.register_of[place.root]
            whole = place.whole and place.size == math.prod(self.nodes[place.root].shape)
            alone = sum(p is not None and self.where[p].root == place.root for p in node.parents) == 1
            same = self.nodes[place.root].dtype == node.dtype
            if whole and same and (alone or all_whole(node, self.where)) and self.registers.sizes[register] == nbytes:
                del self.register_of[place.root]
                self.register_of[at] = register
                return
        self.register_of[at] = self.registers.take(nbytes)

    def memory_for(self, at: int) -> str:
        """Memory for all of a node that is computed piece by piece, as a flat array."""
        node = self.nodes[at]
        size = math.prod(node.shape)
        if at in self.fresh:
            dtype = self.names.constant(node.dtype, "dtype")
            self.lines.append(f"t{at} = {self.names.of(np.empty)}({node.shape}, {dtype})")
        else:
            self.register_of[at] = self.registers.take(size * node.dtype.itemsize)
        return self.name(Place(at, (size,), 0, (1,)), at)


def used(graph: Graph, kept: Sequence[int]) -> np.ndarray:
    """How often each node is read."""
    read = [parent for node in graph.nodes for parent in node.parents if parent is not None]
    return np.bincount([*kept, *read], minlength=len(graph.nodes))


def postponed(graph: Graph, uses: np.ndarray) -> dict[int, int]:
    """Elements among zeros that are only added to an array of as many: the sums, which can do without the zeros."""
    found: dict[int, int] = {}
    for at, node in enumerate(graph.nodes):
        if node.primitive not in (ADD, SUBTRACT) or None in node.parents or node.params:
            continue
        a, b = node.parents
        assert a is not None and b is not None
        for placed, other in ((b, a), (a, b)) if node.primitive is ADD else ((b, a),):
            like = graph.nodes[other]
            same = like.shape == node.shape == graph.nodes[placed].shape and like.dtype == node.dtype
            if same and uses[placed] == 1 and is_placed(graph.nodes[placed]):
                found[placed] = at
                break
    return found


def all_whole(node: Node, where: Sequence[Place]) -> bool:
    """Whether all operands are whole memories, so that each element is read before it is overwritten."""
    return all(p is None or where[p].whole or where[p].size == 1 for p in node.parents)
