"""Regions: elementwise operations on equally many elements, run together, block after block.

A block is small enough that what is computed in between stays in the processor's cache. Blocks are independent, so
that threads can share them.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.program import schedule
from jacfwd.program.kinds import function_of, is_gather, is_total, makes_nan_silently
from jacfwd.program.places import Layout, Place, Registers
from jacfwd.program.slots import Write
from jacfwd.program.statements import ADD_ALL, Statements
from jacfwd.program.threads import in_blocks, starts
from jacfwd.program.windows import Window
from jacfwd.rules.angles import is_worth_it, sine_and_cosine

__all__ = ["Region"]


class Region:
    """Writes one region: a function of its blocks' starts and of memory for one block."""

    def __init__(self, writer: Statements, group: Sequence[int]) -> None:
        self.writer, self.group, self.nodes, self.where = writer, group, writer.nodes, writer.where
        self.roots = [at for at in group if self.where[at].root == at]
        self.size = math.prod(self.nodes[self.roots[0]].shape)
        self.members = set(self.roots)
        self.lines: list[str] = []
        self.slices: dict[str, str] = {}
        self.registers = Registers()
        self.register_of: dict[int, int] = {}
        self.views: dict[tuple[int, np.dtype, int, int], str] = {}
        # How many elements a block has in common with the next one: as many as a window may reach beyond one.
        self.again = 0
        # Sums over all blocks, each with the name of the array of what the blocks add.
        self.totals: dict[int, str] = {}
        self.full: dict[int, str] = {}
        self.final: dict[int, int] = {}
        self.written: set[int] = set()
        for step, at in enumerate(group):
            for read in (at, *(p for p in self.nodes[writer.dotted.get(at, at)].parents if p is not None)):
                self.final[self.where[read].root] = step
        self.pairs = self.found_pairs() if is_worth_it() else {}

    def found_pairs(self) -> dict[int, int]:
        """For each sine the cosine of the same numbers in this region, and the other way round."""
        partner: dict[int, int] = {}
        seen: dict[Any, int] = {}
        for at in self.roots:
            node = self.nodes[at]
            function, parent = function_of(node), node.parents[0]
            if function not in (np.sin, np.cos) or parent is None or node.dtype != np.float64:
                continue
            place = self.where[parent]
            other = seen.get((np.cos if function is np.sin else np.sin, place.root, place.linear))
            if place.size == 1 or self.nodes[parent].dtype != np.float64:
                continue
            if other is not None:
                partner[at], partner[other] = other, at
            seen[function, place.root, place.linear] = at
        return partner

    def write(self) -> None:
        """The region's function and its call; guards are checked when all is computed."""
        writer = self.writer
        for at in self.roots:
            if is_total(self.nodes[at], self.nodes):
                self.totals[at] = f"p{at}"
            elif writer.last[at] > writer.step or any(self.where[g].root == at for g in writer.watched):
                self.full[at] = writer.memory_in(at) or writer.memory_for(at)
        said, writer.said = writer.said, ""
        for step, at in enumerate(self.group):
            if at in self.totals:
                self.add_up(at)
                continue
            if self.where[at].root == at and at not in writer.postponed:
                self.compute(at, step)
            for write in writer.sinks.get(at, ()):
                self.store(at, write)
            for window in writer.windows.get(at, ()):
                self.store_window(window)
            for root in [root for root, last in self.final.items() if last == step and root in self.register_of]:
                self.registers.release(self.register_of.pop(root))
        writer.said = said
        self.close()
        for at in self.totals:
            writer.total_of(at, f"{writer.names.of(ADD_ALL, 'add_reduce')}({self.totals[at]}")
        for at in self.group:
            writer.guard(at)
            for write in writer.sinks.get(at, ()) if at in self.totals else ():
                writer.store(at, write)

    def close(self) -> None:
        """Put the function around the statements."""
        writer = self.writer
        # Registers are counted in bytes for one element so far.
        block = schedule.block(sum(self.registers.sizes))
        if self.totals:
            self.counted(block)
        views = [(register, dtype, (block - less,), 0, (step,)) for register, dtype, less, step in self.views]
        layout = Layout(tuple(block * each for each in self.registers.sizes), tuple(views))
        name = f"region_{writer.step}"
        buffers = "".join(f", {view}" for view in self.views.values())
        writer.lines += [f"def {name}(starts{buffers}):", "    for a in starts:", f"        z = a + {block}"]
        writer.lines += [f"        {line}" for line in self.lines]
        run, memory = writer.names.of(in_blocks), writer.names.constant(layout, "blocks")
        again = f", {self.again}" if self.again else ""
        writer.lines.append(f"{run}({name}, {self.size}, {block}, {memory}{again})")

    def add_up(self, at: int) -> None:
        """What one block adds to a sum."""
        writer, names = self.writer, self.writer.names
        self.comment(at)
        product = writer.dotted.get(at)
        if product is None:
            parent = self.nodes[at].parents[0]
            assert parent is not None
            added = f"{names.of(ADD_ALL, 'add_reduce')}({self.block_of(self.where[parent], parent)}[o:])"
        else:
            parents = [p for p in self.nodes[product].parents if p is not None]
            blocks = [self.block_of(self.where[p], p) for p in (parents[0], parents[-1])]
            added = f"{blocks[0]}[o:].dot({blocks[1]}[o:])"
        self.lines.append(f"{self.totals[at]}[k] = {added}")

    def counted(self, block: int) -> None:
        """Which block it is, and how many of its elements were in the one before, at the start of each block."""
        step = block - self.again
        begins = starts(self.size, block, self.again)
        before = begins[-2] + block - begins[-1]
        others = f"({self.again} if a else 0)" if self.again else "0"
        self.lines.insert(0, f"k, o = -(-a // {step}), {before} if z == {self.size} else {others}")
        for at, name in self.totals.items():
            dtype = self.writer.names.constant(self.nodes[at].dtype, "dtype")
            self.writer.lines.append(f"{name} = {self.writer.names.of(np.empty)}({len(begins)}, {dtype})")

    def compute(self, at: int, step: int) -> None:
        """One operation on one block."""
        node, names = self.nodes[at], self.writer.names
        self.comment(at)
        if is_gather(node):
            parent = node.parents[0]
            assert parent is not None
            source = self.writer.flat_of(parent, self.writer.name(self.where[parent], parent))
            positions = self.sliced(names.constant(node.params["index"].flat, "at"))
            self.lines.append(f"{source}.take({positions}, None, {self.target(at, step)}, 'clip')")
            return
        function = function_of(node)
        assert function is not None
        if at in self.pairs:
            self.both(at)
            return
        operands = [self.operand(at, k) for k in range(len(node.parents))]
        self.lines.append(f"{names.of(function)}({', '.join(operands)}, out={self.target(at, step)})")
        if self.writer.checks and makes_nan_silently(node):
            name = self.block_of(Place(at, node.shape, 0, ()), at)
            self.lines += [self.writer.unless_finite(f"{name}.dot({name})", node.dtype), "    raise FloatingPointError"]

    def both(self, at: int) -> None:
        """Sine and cosine of one block, when the first of them is due."""
        other = self.pairs[at]
        if other in self.register_of or other in self.written:
            return
        x = self.operand(at, 0)
        targets = {each: self.place(each) for each in (at, other)}
        spare = self.registers.take(8)
        sine, cosine = (at, other) if function_of(self.nodes[at]) is np.sin else (other, at)
        names = f"{x}, {targets[sine]}, {targets[cosine]}, {self.view(spare, np.dtype(np.float64))}"
        self.lines.append(f"{self.writer.names.of(sine_and_cosine)}({names})")
        self.registers.release(spare)
        self.written.update(targets)

    def comment(self, at: int) -> None:
        """The user's line, once."""
        held, self.writer.lines = self.writer.lines, self.lines
        self.writer.say(at)
        self.writer.lines = held

    def operand(self, at: int, k: int) -> str:
        """An operand as its block, or as a number."""
        node = self.nodes[at]
        parent = node.parents[k]
        if parent is None:
            constant = self.writer.names.wrapped(node, k, self.nodes, flat=True)
            return constant if np.size(node.constants[k]) == 1 else self.sliced(constant)
        place = self.where[parent]
        if place.size == 1:
            single = place.reshaped(())
            assert single is not None
            return self.writer.name(single, parent)
        return self.block_of(place, parent)

    def block_of(self, place: Place, at: int) -> str:
        """The block of an array: what was just computed, or a slice."""
        if place.root in self.register_of:
            return self.view(self.register_of[place.root], self.nodes[place.root].dtype)
        if place.root in self.full and place.root in self.members:
            return self.sliced(self.full[place.root])
        flat = place.reshaped((place.size,))
        assert flat is not None
        return self.sliced(self.writer.name(flat, at))

    def target(self, at: int, step: int) -> str:
        """Where a node's block goes: into all of its memory, or into memory for one block."""
        node = self.nodes[at]
        for parent in node.parents if at not in self.full else ():
            root = -1 if parent is None else self.where[parent].root
            if root in self.register_of and self.final[root] == step and self.nodes[root].dtype == node.dtype:
                self.register_of[at] = self.register_of.pop(root)
                return self.view(self.register_of[at], node.dtype)
        return self.place(at)

    def place(self, at: int) -> str:
        """Memory for a node's block that nobody else uses."""
        if at in self.full:
            return self.sliced(self.full[at])
        dtype = self.nodes[at].dtype
        self.register_of[at] = self.registers.take(dtype.itemsize)
        return self.view(self.register_of[at], dtype)

    def view(self, register: int, dtype: np.dtype, less: int = 0, step: int | None = None) -> str:
        """Memory for one block, or for so many items less, which begin after so many bytes each."""
        key = (register, dtype, less, dtype.itemsize if step is None else step)
        return self.views.setdefault(key, f"w{len(self.views)}")

    def sliced(self, name: str) -> str:
        """The block of a flat array, taken once."""
        if name not in self.slices:
            self.slices[name] = f"s{len(self.slices)}"
            self.lines.append(f"{self.slices[name]} = {name}[a:z]")
        return self.slices[name]

    # Writes into the matrix

    def store(self, at: int, write: Write) -> None:
        """Put one block into its slots; terms that are added wait for the end."""
        writer, names, place = self.writer, self.writer.names, self.where[at]
        if write.adds:
            writer.store(at, write)
            return
        root = place.root
        block = self.block_of(Place(root, (self.size,), 0, (1,)), root)
        linear = place.linear
        assert linear is not None
        zero, part = linear[0], write.part or slice(0, place.size)
        low, high, indent = zero + part.start, zero + part.stop, ""
        i, j, shift = "a", "z", ""
        if (low, high) != (0, self.size):
            self.lines += [f"i, j = max(a, {low}), min(z, {high})", "if i < j:"]
            block, i, j, indent = f"{block}[i - a:j - a]", "i", "j", "    "
            shift = f" - {zero}" if zero else ""
        if write.base is not None:
            base = names.constant(write.base)
            block = f"{f'{base}[{i}{shift}:{j}{shift}]' if np.ndim(write.base) else base} + {block}"
        if isinstance(write.slots, slice):
            first, step = write.slots.start, write.slots.step
            begin, end = f"{step} * {i} + {first - step * low}", f"{step} * {j} + {first - step * (low + 1) + 1}"
            slots = f"{begin}:{end}" + (f":{step}" if step != 1 else "")
        else:
            slots = f"{names.constant(write.slots, 'at')}[{i}{shift}:{j}{shift}]"
        self.lines.append(f"{indent}data[{slots}] = {block}".replace("+ -", "- "))
        if write.mended is not None:
            self.mend(at, write.mended, write.base, zero)
        if write.extra is not None:
            self.mend(at, write.extra, None, zero, adds=True)

    def store_window(self, window: Window) -> None:
        """Put the rows that begin in one block, and not near its end, into their slots."""
        writer, root = self.writer, window.root
        dtype = self.nodes[root].dtype
        item, reach = window.item(dtype), window.width - 1
        target = f"r{len(writer.lines)}"
        writer.lines.append(f"{target} = {writer.rows(window)}")
        self.again = max(self.again, reach)
        if root in self.register_of:
            source = self.view(self.register_of[root], item, reach, dtype.itemsize)
        else:
            whole = Place(root, (self.size,), 0, (1,))
            source = f"q{len(writer.lines)}"
            items = writer.items(writer.name(whole, root), item, self.size - reach, 0, dtype.itemsize)
            writer.lines.append(f"{source} = {items}")
            source += f"[a:z - {reach}]"
        self.lines += [f"i, j = max(a, {window.low}), min(z - {reach}, {window.high})", "if i < j:"]
        shift = f" - {window.low}" if window.low > 0 else f" + {-window.low}" if window.low else ""
        self.lines.append(f"    {target}[i{shift}:j{shift}] = {source}[i - a:j - a]")
        if len(window.slots):
            self.mend(root, (window.slots, window.elements), None, 0)

    def mend(self, at: int, places: tuple[Any, Any], constant: Any, zero: int, adds: bool = False) -> None:
        """Keep what slices get wrong, or what is to be added, until all blocks are written."""
        writer, (slots, entries), root = self.writer, places, self.where[at].root
        kept = f"m{len(writer.closing)}_{len(writer.adding)}"
        dtype = writer.names.constant(self.nodes[at].dtype, "dtype")
        writer.lines.append(f"{kept} = {writer.names.of(np.empty)}({len(entries)}, {dtype})")
        positions = writer.names.constant(entries + zero, "at")
        block = self.block_of(Place(root, (self.size,), 0, (1,)), root)
        search = f"{positions}.searchsorted"
        self.lines += [f"i, j = {search}(a), {search}(z)", "if i < j:"]
        self.lines.append(f"    {kept}[i:j] = {block}[{positions}[i:j] - a]")
        if constant is not None:
            base: Any = constant[entries] if np.ndim(constant) else constant
            kept = f"{writer.names.constant(base)} + {kept}"
        target = writer.names.constant(slots, "at")
        add = f"{writer.names.of(np.add)}.at(data, {target}, {kept})"
        (writer.adding if adds else writer.closing).append(add if adds else f"data[{target}] = {kept}")
