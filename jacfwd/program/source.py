"""A graph as NumPy source: the function around the statements."""

import dataclasses
from typing import Any

from jacfwd.graph import Graph
from jacfwd.program.places import Layout
from jacfwd.program.regions import Region
from jacfwd.program.slots import Slots
from jacfwd.program.statements import Statements

__all__ = ["Source", "written"]


@dataclasses.dataclass(frozen=True)
class Source:
    """The text of a program, what its names stand for, and the memory it works in."""

    text: str
    scope: dict[str, Any]
    layout: Layout


def written(graph: Graph, n_values: int, slots: Slots | None, careful: bool) -> Source:
    """The program for a graph: its first `n_values` outputs are returned, the others written into `slots`.

    A careful program computes strong products as such. The other one multiplies; it is right where no nan occurs
    and raises FloatingPointError where one might, run with `np.errstate(invalid="raise")`.
    """
    return Writer(graph, n_values, slots, careful).source()


class Writer(Statements):
    """Writes one program, step after step."""

    def source(self) -> Source:
        """Write everything."""
        for at in self.graph.inputs:
            self.input(at)
        for group in self.order:
            if len(group) > 1:
                Region(self, group).write()
            else:
                self.single(group[0])
            for root in self.ending.get(self.step, ()):
                if root in self.register_of:
                    self.registers.release(self.register_of[root])
            self.step += 1
        results = ", ".join(self.result(out) for out in self.graph.outputs[: self.n_values])
        inputs = "".join(f", {self.input_name(at)}" for at in self.graph.inputs)
        head = [f"def program(buffers{inputs}, data=None):"]
        if self.layout:
            head.append(f"    {', '.join(self.views.values())}, = buffers")
        body = [f"    {line}" for line in (*self.lines, *self.closing, *self.adding)]
        text = "\n".join([*head, *body, f"    return [{results}]", ""])
        return Source(text, self.names.scope, Layout(tuple(self.registers.sizes), tuple(self.layout)))

    def single(self, at: int) -> None:
        """One operation and what follows from it."""
        if self.nodes[at].primitive is not None and self.where[at].root == at:
            self.say(at)
            self.compute(at)
        self.after(at)
