"""Source as a callable: compiled, shown in tracebacks, with memory for each run that goes on at a time."""

import itertools
import linecache
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product
from jacfwd.graph import Graph
from jacfwd.program.numbers import UNLIKE, in_numbers
from jacfwd.program.slots import Slots
from jacfwd.program.source import Source, written
from jacfwd.rules import TABLE

__all__ = ["Compiled"]

STRONG = TABLE[strong_product]
NUMBERS = itertools.count()
# After so many points in a row at which products had to be strong, a program begins with the careful one.
PATIENCE = 4


def function_of(source: Source) -> Callable:
    """The function that a source defines, known to tracebacks and debuggers."""
    name = f"<jacfwd program {next(NUMBERS)}>"
    linecache.cache[name] = (len(source.text), None, source.text.splitlines(keepends=True), name)
    scope = dict(source.scope)
    exec(compile(source.text, name, "exec"), scope)
    found: Callable = scope["program"]
    return found


@np.errstate(all="ignore", invalid="raise")
def watched(program: "Program", leaves: Sequence[Any], data: np.ndarray | None) -> list[Any]:
    """A run that leaves with FloatingPointError where nan comes from what is none; as a decorator that costs half."""
    return program(leaves, data)


class Program:
    """One compiled source. It may be running several times at once; each run has buffers of its own."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._run = function_of(source)

    def __call__(self, leaves: Sequence[Any], data: np.ndarray | None) -> list[Any]:
        """Run it; `data` is what its writes go into."""
        layout = self.source.layout
        buffers = layout.take()
        try:
            found: list[Any] = self._run(buffers, *leaves, data)
        finally:
            layout.give(buffers)
        return found


class Compiled:
    """A derived graph as programs: its first `n_values` outputs are returned, the others go into `slots`.

    Programs are made when first needed and are not pickled.
    """

    def __init__(self, graph: Graph, n_values: int, slots: Slots | None = None) -> None:
        self.graph, self.n_values, self.slots = graph, n_values, slots
        self._strong = any(node.primitive is STRONG for node in graph.nodes)
        self._programs: dict[bool, Program] = {}
        self._small: Callable | None = None
        self._text = ""
        self._looked = False
        self._failures = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_programs": {}, "_lock": None, "_small": None, "_looked": False}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def __call__(self, leaves: Sequence[Any], data: np.ndarray | None = None) -> list[Any]:
        """The outputs at a point; values of the matrix go into `data`.

        Raises BranchChangedError at points of another branch.
        """
        small = self._small if self._looked else self.small()
        if small is not None:
            try:
                return small(*leaves, data)
            except UNLIKE:
                pass
        if self._strong and self._failures < PATIENCE:
            try:
                found = watched(self.program(False), leaves, data)
            except FloatingPointError:
                self._failures += 1
            else:
                self._failures = 0
                return found
        with np.errstate(all="ignore"):
            return self.program(self._strong)(leaves, data)

    def small(self) -> Callable | None:
        """The program on floats, which is tried first; None where there is none."""
        if not self._looked:
            source = in_numbers(self.graph, self.n_values, self.slots)
            self._small = None if source is None else function_of(source)
            self._text = "" if source is None else source.text
            self._looked = True
        return self._small

    def on_floats(self) -> Callable | None:
        """The same for inputs of shape () that are Python floats."""
        small: Any = self.small()
        return None if small is None else small.__globals__["on_floats"]

    def program(self, careful: bool) -> Program:
        """The program that multiplies, or the careful one."""
        found = self._programs.get(careful)
        if found is None:
            with self._lock:
                found = self._programs.get(careful)
                if found is None:
                    found = Program(written(self.graph, self.n_values, self.slots, careful))
                    self._programs[careful] = found
        return found

    @property
    def text(self) -> str:
        """The source of the program that is run first."""
        return self._text if self.small() is not None else self.program(False).source.text
