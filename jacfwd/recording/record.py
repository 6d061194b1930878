"""Recordings: what happens to an operation on Tracers.

`Record` keeps the graph. `Forward` keeps nothing: it pushes tangents through the local Jacobians at once.
Both evaluate the function with plain values as they go; each has a level, one above the recording it runs in.
"""

import weakref
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any

import numpy as np

from jacfwd.errors import (
    JacfwdError,
    LeakedTracerError,
    NotDifferentiableError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from jacfwd.formats.dispatch import as_dtype, is_tracer, summed
from jacfwd.graph import Graph, Guard, Node, Output
from jacfwd.locations import Location, describe, here, placed
from jacfwd.primitive import Call, Primitive
from jacfwd.recording.apply import apply, noted
from jacfwd.recording.interpose import INTERPOSITION, RUNNING
from jacfwd.recording.layout import place_of, replica
from jacfwd.recording.parts import Part
from jacfwd.recording.refusals import check_changes, check_swallowed, check_text, check_value, explained
from jacfwd.recording.storage import Hollow, Storage
from jacfwd.recording.sweep import innermost, moves
from jacfwd.recording.tracer import Tracer, leaked, plain_value
from jacfwd.rules import find
from jacfwd.rules.internal import element

__all__ = ["Forward", "Record", "Recording"]

ELEMENT: Any = find(element)
NO_PARAMS: dict[str, Any] = {}
NUMBERS = frozenset({int, float, np.float64})
EQUALITIES = (np.equal, np.not_equal, np.array_equal, np.array_equiv, np.isclose, np.allclose)


class Recording:
    """What both kinds share: levels, values, views, constants."""

    keeps = False

    def __init__(self) -> None:
        self.outer = RUNNING.get()
        while self.outer is not None and self.outer.closed:  # what an interrupt may have left behind
            self.outer = self.outer.outer
        self.level = 0 if self.outer is None else self.outer.level + 1
        self.thread = get_ident()
        # The thread that may work with this recording's Tracers; none does once it is closed.
        self.owner: int | None = self.thread
        self.refused: JacfwdError | None = None
        self.shown: Location | None = None
        self.met: Location | None = None  # where inputs were found equal to numbers that were there before
        # Arrays of objects that stood for traced ones, None where none may, and the error that the first spared.
        self.boxes: int | None = 0
        self.boxed: JacfwdError | None = None
        self._decided = False
        self.here = here

    def compare(self, primitive: Primitive, handles: Sequence[Any], operands: Sequence[Any], out: Any) -> None:
        """Take note where a traced value equals numbers that the function has from elsewhere, as in a cache."""
        if self.met is None and primitive.function in EQUALITIES:
            found = plain_value(out)
            if not np.all(np.logical_not(found) if primitive.function is np.not_equal else found):
                return
            known = [x for x, handle in zip(operands, handles, strict=True) if handle is None]
            kinds = [x.dtype.kind for x, handle in zip(operands, handles, strict=True) if handle is not None]
            if kinds[0] in "fc" and any(np.size(x) and not (type(x) in NUMBERS and x in (0, 1)) for x in known):
                self.met = here()

    # Kinds of recording differ in these

    def emit(
        self, primitive: Primitive, handles: Sequence[Any], operands: Sequence[Any], params: dict, out: Any
    ) -> Any:
        """Take note of one operation; the answer is what stands for its result, None if it is constant."""
        raise NotImplementedError

    def value_of(self, handle: Any, shape: tuple[int, ...]) -> Any:
        """The value behind a handle, or something with its shape where values are not kept."""
        raise NotImplementedError

    def guard(self, handle: Any, value: Any) -> None:
        """The recording relies on this value."""
        self._decided = True

    def moves(self, handle: Any) -> bool:
        """Whether what the handle stands for changes with the inputs, to first order."""
        raise NotImplementedError

    def wrap(self, out: Any, handle: Any) -> Any:
        """A Tracer for a result of this recording."""
        raise NotImplementedError

    def made_at(self, tracer: Tracer) -> Location | None:
        """Where in the user's code a Tracer was made."""
        return tracer._where

    # Running

    @property
    def closed(self) -> bool:
        """Whether the recorded function has returned."""
        return self.owner is None

    def run(self, function: Callable, call: Callable[[], Any], plain: Callable[..., Any], verify: bool = False) -> Any:
        """Run `call()`, which calls the user's `function`, with names rebound; then close.

        It returns leaves and structure first, and so does `plain(scale)`, the same on plain inputs times a factor.
        That is asked where a conversion was refused, and this was not what left the function, and to `verify` the
        value.
        """
        try:
            found = self._run(function, call)
        except Exception as error:
            better = explained(error, self.refused or self.boxed, plain)
            if better is error:
                raise
            raise better from error
        self._check(function, found, plain, verify)
        return found

    def _check(self, function: Callable, found: Any, plain: Callable[..., Any], verify: bool) -> None:
        """Compare what was found with plain calls, where there is reason to."""
        if self.refused is not None:
            check_swallowed(self.refused, found[0], lambda: plain()[0])
        if self.shown is not None:
            check_text(self.shown, found[0], lambda scale: plain(scale)[0])
        expected = None
        if verify or self.boxed is not None:
            expected = plain()
            check_value(function, found[:2], expected[:2])
        if (expected or self.refused) and not (self.decided or any(map(_moves, found[0]))):
            check_changes(function, (expected or plain())[0], lambda scale: plain(scale)[0])

    @property
    def decided(self) -> bool:
        """Whether values without derivative were made of inputs, or relied on."""
        return self._decided

    def _run(self, function: Callable, call: Callable[[], Any]) -> Any:
        # An interrupt may come between any two of these steps, and leave nothing open.
        try:
            RUNNING.set(self)
            INTERPOSITION.open(self, function)
            return call()
        finally:
            self.owner = None
            try:
                RUNNING.set(self.outer)
                INTERPOSITION.close(self)
            except BaseException:
                RUNNING.set(self.outer)
                INTERPOSITION.close(self)
                raise

    def is_running(self) -> bool:
        """Whether the recorded function runs, and in this thread."""
        return get_ident() == self.owner

    def released(self, tracer: Tracer) -> Any:
        """What a Tracer is outside its recording: its value, if it is a constant.

        Raises LeakedTracerError where a derivative would be lost, or another thread uses the Tracer.
        """
        if self.owner is not None:
            raise LeakedTracerError(
                "a traced array was used in another thread than the recorded function runs in, at "
                f"{describe(here())}; compute with it in the same thread"
            )
        if not tracer.constant:
            raise noted(leaked(tracer))
        value = tracer.value
        return value if type(value) is not Tracer or value._rec.is_running() else value._rec.released(value)

    def leaf(self, value: Any) -> Any:
        """A leaf of the output of an open recording: views and buffers become nodes, leaked Tracers raise."""
        if type(value) is Tracer:
            if not value._rec.is_running():
                return value._rec.released(value)
            if value._rec is self:
                value.handle  # noqa: B018  (reading it makes the node)
        return value

    # Operations

    def apply(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Evaluate a primitive on values and take note of it; views of memory stay views."""
        if get_ident() != self.owner:
            operands = [self.released(x) if type(x) is Tracer and x._rec is self else x for x in operands]
            return apply(primitive, tuple(operands), params)
        out = None
        if primitive.moves and len(operands) == 1 and not operands[0].is_scalar:
            seen, out = self._move(primitive, operands[0], params)
            if seen is not None:
                return seen
        handles, values = [], []
        for x in operands:
            mine = type(x) is Tracer and x._rec is self
            handles.append(x.handle if mine else None)
            values.append(x.value if mine else x)
        if out is None:
            out = primitive.evaluate(values, params)
        return self.result(primitive, handles, values, params, out)

    def result(self, primitive: Primitive, handles: list, values: list, params: dict, out: Any) -> Any:
        """The Tracer for a value just computed, which is no operand's memory."""
        if getattr(getattr(out, "dtype", None), "kind", "f") == "O":
            raise TracerConversionError(
                f"{primitive.short} of a traced array and other objects would make an array of objects, at "
                f"{describe(here())}; use arrays of numbers"
            )
        if type(out) is np.ndarray and (out.base is not None or any(out is v for v in values)):
            plain = [v for v in values if type(v) is np.ndarray]
            out = out.copy("K") if any(np.may_share_memory(out, v) for v in plain) else out
        if all(handle is None for handle in handles):
            return self.constant(out)
        return self.wrap(out, self.emit(primitive, handles, values, params, out))

    def operate(self, primitive: Primitive, function: Callable, a: Any, b: Any) -> Any:
        """A binary operator on Tracers of this recording and numbers: `apply` without its questions."""
        if get_ident() != self.owner:
            return apply(primitive, (a, b), {})
        if type(a) is Tracer:
            handle_a, value_a = (a._handle, a._value) if a._storage is None else (a.handle, a.value)
        else:
            handle_a, value_a = None, a
        if type(b) is Tracer:
            handle_b, value_b = (b._handle, b._value) if b._storage is None else (b.handle, b.value)
        else:
            handle_b, value_b = None, b
        out = function(value_a, value_b)
        if handle_a is None and handle_b is None:
            return self.constant(out)
        return self.note(primitive, handle_a, handle_b, value_a, value_b, out)

    def note(self, primitive: Primitive, handle_a: Any, handle_b: Any, a: Any, b: Any, out: Any) -> Any:
        """`emit` and `wrap` for two operands, Tracers of this recording or numbers."""
        return self.wrap(out, self.emit(primitive, (handle_a, handle_b), (a, b), {}, out))

    def _move(self, primitive: Primitive, x: Tracer, params: dict) -> tuple[Any, Any]:
        """What NumPy answers with a view is a view of the same storage here: `(view or None, value)`."""
        storage: Any = x.storage()
        moved = primitive.evaluate((storage.shape_view(x._place),), params)
        if type(moved) is np.ndarray and _is_view(moved, storage.twin):
            return x.view_at(place_of(moved, storage.twin)), None
        plain = type(storage) is Storage and storage.twin is storage.memory
        return None, moved if plain else primitive.evaluate((x.value,), params)

    def constant(self, value: Any, always: bool = False) -> Any:
        """A float or complex array that no input reaches yet, but that may be written to; else as it is."""
        if type(value) is tuple:
            return tuple([self.constant(v) for v in value])
        if type(value) is Tracer:
            known = value._rec is self or value.dtype.kind not in "fc" or value.is_scalar
            return value if known else Tracer(self, value, None)
        if type(value) is np.ndarray and (always or value.dtype.kind in "fc"):
            return Tracer(self, value, None)
        return value

    def element(self, storage: Any, cell: int) -> Any:
        """One element of a storage, by its cell."""
        if type(storage) is Part:
            return storage.of(self.element(storage.whole, cell))
        value = storage.memory[cell]
        handle, entry, shape = storage.cell(cell)
        if handle is None:
            return value
        if shape == () and entry == 0:
            return self.wrap(value, handle)
        return self._element(handle, value, entry, shape)

    def element_of_node(self, handle: Any, value: Any, position: int) -> Any:
        """One element of a one-dimensional node by its position."""
        if handle is None:
            return value[position]
        return self._element(handle, value[position], position, value.shape)

    def _element(self, handle: Any, out: Any, entry: int, shape: tuple[int, ...]) -> Any:
        params = {"position": entry}
        return self.wrap(out, self.emit(ELEMENT, (handle,), (self.value_of(handle, shape),), params, out))

    def copy(self, x: Tracer, order: Any = "C") -> Any:
        """`x.copy()`: the same node, other memory."""
        if get_ident() != self.owner:
            return self.released(x).copy(order)
        value = x.value
        out = value if x.is_scalar else value.copy(order)
        return Tracer(self, out, x.handle, here())


def _moves(leaf: Any) -> bool:
    """Whether an output depends on the inputs."""
    return is_tracer(leaf) and not leaf.constant


def _is_view(array: np.ndarray, memory: np.ndarray) -> bool:
    """Whether an array looks at memory; empty ones look at nothing, but are views all the same."""
    return np.may_share_memory(array, memory) if array.size else array.base is not None


class Forward(Recording):
    """Forward mode without a tape: a handle is the tangent block `(p,) + shape` of a value."""

    def emit(
        self, primitive: Primitive, handles: Sequence[Any], operands: Sequence[Any], params: dict, out: Any
    ) -> Any:
        if not primitive.differentiable or out.dtype.kind not in "fc":
            self._decided = self._decided or out.dtype.kind not in "fc"
            self.compare(primitive, handles, operands, out)
            return None
        wanted = tuple(k for k, handle in enumerate(handles) if handle is not None)
        total, call = None, Call(primitive, out, tuple(operands), params)
        with np.errstate(all="ignore"):
            try:
                groups = primitive.groups(call, wanted)
            except (NotDifferentiableError, UnsupportedFunctionError) as error:
                raise placed(error, here()) from error.__cause__
            for at, fmt in groups:
                block = _joined([handles[k] for k in at])
                moved = fmt.push(block)
                total = moved if total is None else summed(total, moved, block)
        return None if total is None else as_dtype(total, out.dtype)

    def wrap(self, out: Any, handle: Any) -> Any:
        return self.constant(out) if handle is None else Tracer(self, out, handle, here())

    def moves(self, handle: Any) -> bool:
        return bool(np.any(innermost(handle)))

    def value_of(self, handle: Any, shape: tuple[int, ...]) -> Any:
        return Hollow(shape)

    def input(self, value: Any, tangents: Any) -> Tracer:
        """A Tracer for an input and its tangent block (None: held constant)."""
        return Tracer(self, _owned(value), tangents, here())


def _joined(blocks: list[Any]) -> Any:
    """One block of several, flattened side by side."""
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate([np.reshape(block, (block.shape[0], -1)) for block in blocks], axis=1)


def _owned(value: Any) -> Any:
    """Input values, out of reach of the caller's memory."""
    if type(value) is Tracer:
        return value.frozen()
    return replica(value) if isinstance(value, np.ndarray) else value


class Record(Recording):
    """A recording that keeps the graph: a handle is a node's position."""

    keeps = True

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.values: list[Any] = []
        self.inputs: list[int] = []
        self.guards: list[Guard] = []
        self._guarded: set[int] = set()
        self._constants: dict[int, tuple[Any, Any]] = {}
        self._elements: dict[tuple[int, int], int] = {}

    def moves(self, handle: Any) -> bool:
        return moves(self.nodes, self.values, handle)

    def input(self, value: Any, name: str) -> Tracer:
        """A Tracer for an input."""
        value = _owned(value)
        node = Node(None, (), (), {}, tuple(np.shape(value)), value.dtype, None)
        node.name = name
        self.inputs.append(len(self.nodes))
        self.nodes.append(node)
        self.values.append(value)
        return Tracer(self, value, len(self.nodes) - 1, here())

    def emit(
        self, primitive: Primitive, handles: Sequence[Any], operands: Sequence[Any], params: dict, out: Any
    ) -> Any:
        if not primitive.differentiable:
            self.compare(primitive, handles, operands, out)
        constants = tuple(
            [self.own(x) if handle is None else None for x, handle in zip(operands, handles, strict=True)]
        )
        params = {name: self._kept(value) for name, value in params.items()} if params else NO_PARAMS
        self.nodes.append(Node(primitive, tuple(handles), constants, params, out.shape, out.dtype, here()))
        self.values.append(out)
        return len(self.nodes) - 1

    def note(self, primitive: Primitive, handle_a: Any, handle_b: Any, a: Any, b: Any, out: Any) -> Any:
        # Loops over elements live here: numbers need no copies.
        constant_a = None if handle_a is not None else a if type(a) in NUMBERS else self.own(a)
        constant_b = None if handle_b is not None else b if type(b) in NUMBERS else self.own(b)
        where = here(2)
        if not primitive.differentiable:
            self.compare(primitive, (handle_a, handle_b), (a, b), out)
        nodes = self.nodes
        parents, constants = (handle_a, handle_b), (constant_a, constant_b)
        nodes.append(Node(primitive, parents, constants, NO_PARAMS, out.shape, out.dtype, where))
        self.values.append(out)
        return Tracer(self, out, len(nodes) - 1)

    def wrap(self, out: Any, handle: Any) -> Any:
        return self.constant(out) if handle is None else Tracer(self, out, handle)

    def made_at(self, tracer: Tracer) -> Location | None:
        known = tracer._where is None and tracer._handle is not None
        return self.nodes[tracer._handle].location if known else tracer._where

    def own(self, value: Any) -> Any:
        """A constant operand, copied once per array and content: the graph keeps no memory of the user's."""
        if type(value) is Tracer:
            return value.frozen()
        if not isinstance(value, np.ndarray):
            return value
        if value.dtype.hasobject:  # objects have no bits of their own
            return value.copy()
        known = self._constants.get(id(value))
        if known is not None and known[0]() is value and _same_bits(known[1], value):
            return known[1]
        kept = np.array(value)
        kept.flags.writeable = False
        self._constants[id(value)] = (weakref.ref(value), kept)
        return kept

    def _kept(self, value: Any) -> Any:
        """A parameter of a node that is kept: arrays and lists are copied."""
        if type(value) is np.ndarray:
            return self.own(value)
        if type(value) in (list, tuple):
            return type(value)([self._kept(part) for part in value])
        return value

    def value_of(self, handle: Any, shape: tuple[int, ...]) -> Any:
        return self.values[handle]

    def _element(self, handle: Any, out: Any, entry: int, shape: tuple[int, ...]) -> Any:
        known = self._elements.get((handle, entry))
        if known is None:
            made = super()._element(handle, out, entry, shape)
            self._elements[handle, entry] = made._handle
            return made
        return Tracer(self, out, known, None)

    @property
    def decided(self) -> bool:
        return bool(self.guards) or any(node.dtype.kind not in "fc" for node in self.nodes)

    def guard(self, handle: Any, value: Any) -> None:
        if handle not in self._guarded:
            self._guarded.add(handle)
            self.guards.append(Guard(handle, np.array(plain_value(value)), f"at {describe(here())}"))

    def graph(self, outputs: Sequence[Any]) -> Graph:
        """The closed graph with these leaves (Tracers or constants) as outputs."""
        return Graph(self.nodes, self.inputs, [self._output(leaf) for leaf in outputs], self.guards)

    def _output(self, leaf: Any) -> Output:
        if type(leaf) is Tracer and leaf._rec is self:
            handle = leaf.handle
            return Output(handle, None if handle is not None else leaf.frozen().value, leaf.shape, leaf.dtype)
        kept = leaf if is_tracer(leaf) else self.own(np.asarray(leaf)[()])
        return Output(None, kept, tuple(kept.shape), kept.dtype)


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether arrays agree to the last bit, the sign of zeros included."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
