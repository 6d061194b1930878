"""Recordings that are kept from call to call, and found again for a call that they are good for.

    arguments ──► signature (structure, shapes, dtypes) ──► branches (held arguments, captured values, guards)
                                                               │
                                              first call: f is recorded;  later: the program of the reading

A branch is tried by running it: its guards say whether the point belongs to it.
"""

import dataclasses
import functools
import itertools
import logging
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

from jacfwd.arguments import Selection
from jacfwd.calls import Call, same_held
from jacfwd.captured import Captured
from jacfwd.chain import Chain, Sides
from jacfwd.door import Computing, door
from jacfwd.errors import BranchChangedError, JacfwdError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.graph import Graph
from jacfwd.methods import cut, shaped
from jacfwd.program.batches import batched
from jacfwd.program.jacobian import DenseJacobian, SparseJacobian
from jacfwd.program.numbers import UNLIKE
from jacfwd.program.reading import Reading
from jacfwd.recorded import Recorded, fresh, record, verify_replay
from jacfwd.recording.interpose import running
from jacfwd.structure import LEAF, Spec, flatten

__all__ = ["BRANCHES", "PATIENCE", "Kept", "Reads"]

LOGGER = logging.getLogger("jacfwd")
# Branches kept for one signature, misses in a row after which it runs unrecorded, signatures kept, doors of a branch.
BRANCHES, PATIENCE, SIGNATURES, DOORS = 8, 32, 64, 16
# Dense matrices of at most so many numbers are read as any other array is.
FEW = 64


# Microseconds that an operation takes to compile and to interpret between steps of a solver, and a number in it.
COMPILED, INTERPRETED, NUMBER = 240.0, 20.0, 0.004


class Options(Protocol):
    """What a reading depends on."""

    has_aux: bool
    value: bool
    sparse: bool
    format: str
    flat: bool
    method: str
    verify: Any


class Reads(Protocol):
    """A derivative that keeps recordings: what it differentiates, and what it reads off a chain."""

    f: Callable
    wanted: Any
    whole: bool

    @property
    def method(self) -> str:
        """How the chain is multiplied."""

    def select(self, args: tuple, kwargs: dict[str, Any]) -> Selection:
        """The call with its selected arguments, checked."""

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        """The derivative as it was asked for."""

    def answer(self, y: Any, aux: Any, J: Any) -> Any:
        """The result of a call, made of its parts."""

    def unrecorded(self, selection: Selection) -> Any:
        """The result by a run of f that is not kept."""


@dataclasses.dataclass(eq=False)
class Branch:
    """One recording: the graph, what it is good for, and the program of the reading."""

    reads: Reads
    found: Recorded
    point: list[Any]
    wrt: list[int]
    held: list[Any]
    captured: tuple[Any, ...]
    program: Reading | DenseJacobian | SparseJacobian | None = None
    spec: Spec | None = None
    interpreted: bool = False
    # Whether a program is worth making only once it would have paid; calls until then, None if not yet known.
    rented: bool = False
    lease: int | None = None
    doors: dict[Any, Any] = dataclasses.field(default_factory=dict)
    # What makes the same reading at many points at once, made when that is asked for.
    many: Any = None

    @property
    def graph(self) -> Graph:
        return self.found.graph

    def first(self) -> Any:
        """The derivative where it was recorded."""
        return self._read(self.found)

    def _read(self, found: Recorded) -> Any:
        chain = Chain(found.graph, found.values, self.wrt)
        return self.reads.answer(found.outputs(), found.aux, self.reads.matrix(found, chain))

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """The derivative at other plain leaves. Raises BranchChangedError where they belong to another branch."""
        if self.program is None and not self.interpreted and not self._rents():
            self._compile()
        if self.program is None:
            return self._read(self.at(leaves))
        assert self.program is not None
        return self.finish(*self.program(leaves))

    def _rents(self) -> bool:
        """Whether interpretation has not taken as long so far as the program would take to make.

        Whoever rents skis until the rent has come to their price pays at most twice what was best in hindsight (Karlin
        et al., Competitive snoopy caching, 1988). Both are counted, not measured, so that runs can be repeated.
        """
        if self.lease is None:
            sides, nodes = Sides(self.graph, self.wrt), self.graph.nodes
            numbers = (1 + min(sides.m, sides.n)) * sum(math.prod(node.shape) for node in nodes)
            paid = COMPILED * len(nodes) / (INTERPRETED * len(nodes) + NUMBER * numbers + 1)
            self.lease = 0 if self.reads.wanted.sparse or not self.rented else int(paid)
        self.lease -= 1
        return self.lease >= 0

    def at(self, leaves: Sequence[Any]) -> Recorded:
        """The graph at other leaves, by interpretation."""
        return dataclasses.replace(self.found, values=self.graph.evaluate([fresh(leaf) for leaf in leaves]))

    def finish(self, values: list[Any], read: Any) -> Any:
        """The result of a call from what the program computed."""
        options: Options = self.reads.wanted
        if self.spec is not None:
            J = self.spec.unflatten(read)
        elif self.whole:
            J = read
        elif not options.sparse:
            J = self.found.nested(self._sides, read, shaped)
        else:
            J = cut(self._sides, self.found.nested, read, options.format, options.flat)
        y = self.found.out_spec.unflatten(values) if options.value else None
        return self.reads.answer(y, None, J)

    @functools.cached_property
    def _sides(self) -> Sides:
        return Sides(self.graph, self.wrt)

    def door(self, types: tuple, args: tuple, call: Call, captured: Captured, signature: Any) -> Any:
        """The short way for arguments of these types, shapes and values held; None if there is none."""
        key = types, call.key, *(id(arg) for arg in args if any(arg is value for value in call.held))
        if self.program is None:
            return None
        if key not in self.doors:
            if len(self.doors) >= DOORS:
                self.doors.clear()
            self.doors[key] = door(args, call, captured, self.captured, self._computing(), signature)
        return self.doors[key]

    def _computing(self) -> Computing:
        """What computes, and the result of a call as an expression of what it `found`."""
        options: Options = self.reads.wanted
        program = self.program
        assert program is not None
        if isinstance(program, Reading) and self.spec is not None and not options.has_aux:
            count = itertools.count()
            y, J = spelled(self.found.out_spec, count) if options.value else "", spelled(self.spec, count)
            if y is not None and J is not None:
                return Computing(
                    program.run, f"({y}, {J})" if options.value else J, None, program.run.on_floats(), UNLIKE
                )
        if self.spec is None and self.whole and not (options.has_aux or options.value):
            return Computing(program, "found[1]")
        return Computing(program, "finish(*found)", self.finish)

    @property
    def whole(self) -> bool:
        """Whether a Jacobian is handed out as it is computed."""
        options: Options = self.reads.wanted
        if not options.sparse:
            return options.flat
        return options.format == "csr" and (options.flat or len(self.wrt) == len(self.graph.outputs) == 1)

    def _compile(self) -> None:
        """Make the program; what cannot be recorded again is interpreted."""
        options: Options = self.reads.wanted
        real = all(leaf.dtype.kind != "c" for leaf in self.point)
        if options.has_aux or not real:
            self.interpreted = True
            return
        try:
            self.program = self._by_slots() if options.sparse or self._is_matrix else self._reading()
        except (TypeError, ValueError, NotImplementedError):
            self.interpreted = True

    @property
    def _is_matrix(self) -> bool:
        """Whether a dense result is a matrix of more than a few numbers, whose zeros need not be computed."""
        sides = self._sides
        return self.reads.whole and sides.m * sides.n > FEW

    def _by_slots(self) -> SparseJacobian | DenseJacobian:
        options: Options = self.reads.wanted
        kind = SparseJacobian if options.sparse else DenseJacobian
        return kind(self.graph, self.point, self.wrt, options.value, self.reads.method)

    def _reading(self) -> Reading:
        specs = []

        def read(chain: Chain) -> list[Any]:
            leaves, spec = flatten(self.reads.matrix(self.found, chain), is_leaf=is_tracer)
            specs.append(spec)
            return leaves

        program = Reading(self.graph, self.point, self.wrt, read, n_values=None if self.reads.wanted.value else 0)
        self.spec = specs[0]
        return program


@dataclasses.dataclass(eq=False)
class Signature:
    """All recordings for arguments of one structure, with these shapes and dtypes."""

    text: str
    branches: tuple[Branch, ...] = ()
    misses: int = 0
    unrecorded: str | None = None


class Kept:
    """The recordings of one derivative."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.name = f"{type(reads).__name__.lower()} of {getattr(reads, '__name__', 'a function')}"
        self.captured = Captured(reads.f)
        self.always = reads.wanted.verify == "always"
        # Whether programs are made when they would have paid, as in one solver call, or at the second call.
        self.rented = False
        self.signatures: dict[Hashable, Signature] = {}
        # By the types of the arguments, the way to the branch that was used last.
        self.doors: dict[tuple[type, ...], Callable[[tuple], Any]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all recordings."""
        with self._lock:
            self.signatures = {}
            self.doors.clear()

    def __call__(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The derivative at these arguments, by a recording if there is one that is good for them."""
        call = Call(self.reads.select(args, kwargs))
        if running() is not None or not call.plain:
            return self.reads.unrecorded(call.selection)
        signature = self._signature(call)
        if signature.unrecorded is not None:
            return self.reads.unrecorded(call.selection)
        reason = "its first recording" if not signature.branches else "arguments or captured values have changed"
        captured = self.captured.values()
        for branch in signature.branches:
            if not (same_held(branch.held, call.held) and self.captured.same(branch.captured, captured)):
                continue
            try:
                found = branch(call.leaves)
            except BranchChangedError as error:
                reason = str(error)
                continue
            if self.always:
                verify_replay(call, branch.at(call.leaves), self.reads.wanted.has_aux)
            self._used(signature, branch, args, kwargs, call)
            return found
        return self._missed(signature, call, reason)

    def _signature(self, call: Call) -> Signature:
        with self._lock:
            found = self.signatures.get(call.key)
            if found is None:
                kinds = ", ".join(f"{label}: {leaf.dtype}{list(leaf.shape)}" for label, leaf in labelled(call))
                found = self.signatures[call.key] = Signature(kinds)
                if len(self.signatures) > SIGNATURES:
                    del self.signatures[next(iter(self.signatures))]
            return found

    def _used(self, signature: Signature, branch: Branch, args: tuple, kwargs: dict[str, Any], call: Call) -> None:
        """Put the branch first, and on the short way if the call is simple."""
        signature.misses = 0
        types = tuple(map(type, args))
        way = None if kwargs or self.always or not args else branch.door(types, args, call, self.captured, signature)
        with self._lock:
            if signature.branches[:1] != (branch,):
                others = [other for other in signature.branches if other is not branch]
                signature.branches = (branch, *others)[:BRANCHES]
            # Not where everything has been forgotten meanwhile.
            if way is not None and self.signatures.get(call.key) is signature:
                self.doors[types] = way

    def _missed(self, signature: Signature, call: Call, reason: str) -> Any:
        """Record anew, unless that has been in vain too often."""
        signature.misses += 1
        if signature.misses > PATIENCE:
            self._give_up(signature, f"{PATIENCE} calls in a row met no recording, the last because {reason}")
            return self.reads.unrecorded(call.selection)
        try:
            branch = self._recorded(signature, call, reason)
        except JacfwdError as error:
            if not call.extra:
                raise
            # Perhaps what refuses is nothing that is differentiated.
            self._give_up(signature, f"an argument that is not differentiated cannot be traced: {error}")
            return self.reads.unrecorded(call.selection)
        answer = branch.first()
        self._keep(signature, branch)
        return answer

    def _recorded(self, signature: Signature, call: Call, reason: str) -> Branch:
        """A new recording."""
        LOGGER.info("%s: recording (%s), branch %d: %s", self.name, signature.text, len(signature.branches) + 1, reason)
        found = record(call, self.reads.wanted.has_aux, verify=self.reads.wanted.verify is not False)
        wrt = [found.graph.inputs[k] for k in call.wrt]
        point = [fresh(leaf) for leaf in call.leaves]
        return Branch(self.reads, found, point, wrt, call.keep(), self.captured.values(), rented=self.rented)

    def _keep(self, signature: Signature, branch: Branch) -> None:
        graph, inputs = batched(branch.graph), branch.graph.inputs
        branch.wrt = [graph.inputs[inputs.index(at)] for at in branch.wrt]
        branch.found = dataclasses.replace(branch.found, graph=graph, values=[])
        with self._lock:
            signature.branches = (branch, *signature.branches)[:BRANCHES]

    # Many points

    def branches(self, call: Call) -> list[Branch]:
        """The recordings that are good for a call's held arguments, whatever its point."""
        captured = self.captured.values()
        return [
            branch
            for branch in self._signature(call).branches
            if same_held(branch.held, call.held) and self.captured.same(branch.captured, captured)
        ]

    def at(self, selection: Selection) -> tuple[Recorded, list[Any], list[int]]:
        """A recording with its values at a call, the leaves there, and which of its inputs are differentiated."""
        call = Call(selection)
        for branch in self.branches(call):
            try:
                return branch.at(call.leaves), call.leaves, branch.wrt
            except BranchChangedError:
                continue
        branch = self.recorded(call)
        return branch.at(call.leaves), call.leaves, branch.wrt

    def recorded(self, call: Call) -> Branch:
        """A new recording at a call, kept."""
        signature = self._signature(call)
        branch = self._recorded(signature, call, "a point of a batch meets no recording")
        self._keep(signature, branch)
        return branch

    def _give_up(self, signature: Signature, why: str) -> None:
        signature.unrecorded, signature.branches = why, ()
        LOGGER.info("%s: (%s) runs unrecorded from now on: %s", self.name, signature.text, why)

    def __str__(self) -> str:
        lines = []
        for signature in list(self.signatures.values()):
            state = f"{len(signature.branches)} recordings" if signature.unrecorded is None else "unrecorded, since "
            lines.append(f"({signature.text}): {state}{signature.unrecorded or ''}")
        return "\n".join([f"{self.name}, recorded for", *lines]) if lines else f"{self.name}, not recorded yet"


def spelled(spec: Spec, count: Iterator[int]) -> str | None:
    """Python source for a structure of tuples with what was found; None for other structures."""
    if spec is LEAF:
        return f"found[{next(count)}]"
    parts = [spelled(child, count) for child in spec.children]
    if spec.container is not tuple or None in parts:
        return None
    return f"({''.join(f'{part}, ' for part in parts)})"


def labelled(call: Call) -> list[tuple[str, Any]]:
    """Names and leaves."""
    return list(zip(call.labels, call.leaves, strict=True))
