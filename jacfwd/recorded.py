"""One run of a user's function on Tracers, with everything known about its inputs and outputs."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from jacfwd.arguments import Selection
from jacfwd.chain import Chain, Sides
from jacfwd.errors import TracerConversionError
from jacfwd.formats.dispatch import as_dtype, is_tracer
from jacfwd.graph import Graph, Node, Output
from jacfwd.linear import LinearMap, flat_rows
from jacfwd.locations import Location, describe
from jacfwd.recording import constructors
from jacfwd.recording.apply import holds_tracers, stacked, unboxed
from jacfwd.recording.interpose import suspended
from jacfwd.recording.layout import replica
from jacfwd.recording.record import Forward, Record
from jacfwd.recording.refusals import check_value
from jacfwd.recording.tracer import Tracer, plain_value
from jacfwd.structure import Spec, as_value, flatten, kind_of, nest

__all__ = ["Recorded", "Run", "combined_spec", "fresh", "pushed_forward", "record", "verify_replay"]

# Importing the constructors registers them; nothing else is needed of them here.
assert constructors.SUBSTITUTES


class Run(Protocol):
    """A call of `f` whose inputs are leaves: a `Selection`, or anything that is taken apart in this way."""

    @property
    def f(self) -> Callable:
        """The function."""

    @property
    def leaves(self) -> list[Any]:
        """The inputs."""

    @property
    def labels(self) -> list[str]:
        """What the inputs are called."""

    @property
    def specs(self) -> list[Spec]:
        """The structure of each differentiated argument."""

    @property
    def single(self) -> bool:
        """Whether results are for the one argument alone."""

    def call(self, leaves: Sequence[Any]) -> Any:
        """The function's output with other inputs."""


class Slot:
    """The place of a node's value in auxiliary output."""

    def __init__(self, node: int) -> None:
        self.node = node


@dataclasses.dataclass(eq=False, repr=False)
class Recorded:
    """A graph, its values at a point, and the structure of inputs and outputs.

    `template` is the auxiliary output, with slots where values depend on the inputs; `boxes` counts the arrays of
    objects that stood for traced ones.
    """

    graph: Graph
    values: list[Any]
    in_spec: Spec
    out_spec: Spec
    template: Any = None
    boxes: int = 0

    @property
    def aux(self) -> Any:
        """Auxiliary output at the point."""
        return replaced(self.template, Slot, lambda slot: fresh(self.values[slot.node]))

    def chain(self) -> Chain:
        """The chain with respect to all selected inputs."""
        return Chain(self.graph, self.values, self.graph.inputs)

    def outputs(self) -> Any:
        """The function's value, structured, as new arrays."""
        return self.out_spec.unflatten([fresh(leaf) for leaf in self.graph.results(self.values)])

    def nested(self, sides: Sides, matrix: Any, finish: Callable[[Any, Output, Node], Any]) -> Any:
        """A Jacobian `(m, n)` cut into `J[output][input]`; `finish` makes each part what it is to be."""
        whole = len(self.graph.outputs) == len(sides.wrt) == 1
        return self.cut(sides, lambda rows, cols, out, node: finish(matrix if whole else matrix[rows, cols], out, node))

    def cut(self, sides: Sides, finish: Callable[[slice, slice, Output, Node], Any]) -> Any:
        """What `finish` makes of the rows of an output and the columns of an input, as `J[output][input]`."""

        def block(o: int, i: int) -> Any:
            rows = slice(sides.out_offsets[o], sides.out_offsets[o + 1])
            cols = slice(sides.offsets[i], sides.offsets[i + 1])
            return finish(rows, cols, self.graph.outputs[o], self.graph.nodes[sides.wrt[i]])

        return nest(self.out_spec, self.in_spec, block)

    def linear_map(self, chain: Chain) -> LinearMap:
        """The derivative as one object."""
        return LinearMap(chain, Shaped(self, chain))


@dataclasses.dataclass(eq=False, repr=False)
class Shaped:
    """How shaped tangents become flat vectors and back, for a LinearMap; it pickles where the structure does."""

    recorded: Recorded
    chain: Chain

    def __call__(self, turned: bool) -> tuple[Callable, Callable]:
        graph, rec = self.recorded.graph, self.recorded
        ins = [(graph.nodes[at].shape, graph.nodes[at].dtype) for at in self.chain.wrt]
        outs = [(out.shape, out.dtype) for out in graph.outputs]
        if turned:
            # Cotangents of real inputs are complex where outputs are, as in the product `J^T w`.
            return _flattener(rec.out_spec, outs), _unflattener(rec.in_spec, ins, as_products=True)
        return _flattener(rec.in_spec, ins), _unflattener(rec.out_spec, outs, as_products=False)


def _flattener(spec: Spec, leaves: list) -> Callable:
    """Takes tangents, given as one value of the structure or as its entries, to one flat vector."""
    expected = [shape for shape, _ in leaves]

    def flat(tangents: tuple) -> Any:
        for value in (tangents, tangents[0]) if len(tangents) == 1 else (tangents,):
            given, got = flatten(value, is_leaf=is_tracer, stack=stacked, root="tangent", refuse=no_tangent)
            if spec.matches(got) and [np.shape(leaf) for leaf in given] == expected:
                refuse_complex(given, [dtype for _, dtype in leaves])
                return flat_rows(given)
        found = [np.shape(leaf) for leaf in given]
        raise ValueError(f"expected tangents {spec} of shapes {expected}, got {got} of shapes {found}")

    return flat


def refuse_complex(tangents: Sequence[Any], dtypes: Sequence[np.dtype]) -> None:
    """Raise TypeError where a tangent is complex and its value real; flat products `J @ v` take both."""
    for k, (tangent, dtype) in enumerate(zip(tangents, dtypes, strict=True)):
        if np.iscomplexobj(tangent) and dtype.kind != "c":
            raise TypeError(f"tangent {k} is complex, but its value is {dtype}: pass a real tangent, or use J @ v")


def no_tangent(path: str, value: Any) -> TypeError:
    """The error for something in a tangent that is neither structure nor numbers."""
    return TypeError(f"{path} is {kind_of(value)}; expected numbers or an array")


def _unflattener(spec: Spec, leaves: list, as_products: bool) -> Callable:
    sizes = [int(np.prod(shape)) for shape, _ in leaves]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def shaped(row: Any) -> Any:
        parts = []
        for k, (shape, dtype) in enumerate(leaves):
            part = np.reshape(row[bounds[k] : bounds[k + 1]], shape)
            whole = as_products and part.dtype.kind == "c" and dtype.kind != "c"
            parts.append(fresh(part if whole else as_dtype(part, dtype)))
        return spec.unflatten(parts)

    return shaped


def fresh(leaf: Any) -> Any:
    """A leaf as the user gets it: a NumPy scalar for shape (), else a new writeable array."""
    return leaf if is_tracer(leaf) else as_value(leaf)


def combined_spec(selection: Run) -> Spec:
    """The structure of all selected arguments: the one argument's, or a tuple of theirs."""
    specs = tuple(selection.specs)
    return specs[0] if selection.single else Spec(tuple, tuple(range(len(specs))), specs)


def record(selection: Run, has_aux: bool = False, verify: bool = False) -> Recorded:
    """Run the function once on Tracers and keep the graph; `verify` compares the value with a plain call.

    Raises TypeError where the output is no array or structure of arrays, TracerConversionError where a value that
    is verified is another one.
    """
    rec = Record()
    tracers = [rec.input(leaf, label) for leaf, label in zip(selection.leaves, selection.labels, strict=True)]

    def outputs(out: Any) -> Outputs:
        by_user = len(rec.nodes)
        found = _outputs(out, has_aux, rec)
        # Views, buffers and lists become nodes here: no line of the user's is the place, nor gives it a name.
        for node in rec.nodes[by_user:]:
            node.location = None
        return found

    leaves, spec, aux = _run(rec, selection, tracers, outputs, verify)
    return Recorded(rec.graph(leaves), rec.values, combined_spec(selection), spec, aux, rec.boxes or 0)


Outputs = tuple[list[Any], Spec, Any]


def _run(rec: Any, selection: Run, tracers: list[Any], outputs: Callable, verify: bool = False) -> Outputs:
    """One run of the function on Tracers, and plain ones where these must agree."""

    def plain(scale: float = 1.0) -> Outputs:
        return outputs(plain_call(selection, scale))

    found: Outputs = rec.run(selection.f, lambda: outputs(selection.call(tracers)), plain, verify)
    if rec.met is not None and rec.outer is None:
        refuse_cache(selection, rec.met)
    return found


def refuse_cache(selection: Run, met: Location) -> None:
    """Raise TracerConversionError where what an input was found equal to is a memory of earlier calls.

    After a plain call at another point a cache has other numbers, while a constant is what it was.
    """
    values = [plain_value(leaf) for leaf in selection.leaves]
    moved = [value + value.dtype.type(1e-3) * (1 + abs(value)) for value in values]
    again = Record()
    try:
        with suspended():
            selection.call(moved)
        tracers = [again.input(value, label) for value, label in zip(values, selection.labels, strict=True)]
        again.run(selection.f, lambda: (selection.call(tracers),), lambda scale=1.0: ())
    except Exception:
        return
    if again.met is None:
        raise TracerConversionError(
            "the function keeps its last argument and result, and would have answered with that result, which has no "
            f"derivative: a cache, at {describe(met)}; clear it before, or make the object anew inside the function"
        )


def plain_call(selection: Run, scale: float = 1.0) -> Any:
    """What the function itself gives at the inputs times a factor, with copies of them."""
    values = [plain_value(leaf) for leaf in selection.leaves]
    copies = [replica(value) if isinstance(value, np.ndarray) else value for value in values]
    if scale != 1:
        copies = [_scaled(copy, copy.dtype.type(scale)) for copy in copies]
    # Its warnings have been given once, by the recording.
    with suspended(), np.errstate(all="ignore"):
        return selection.call(copies)


def _scaled(value: Any, factor: Any) -> Any:
    """A value times a factor; arrays of ours where they are, so that shape and layout stay."""
    return np.multiply(value, factor, out=value) if isinstance(value, np.ndarray) else value * factor


def verify_replay(selection: Run, found: Recorded, has_aux: bool) -> None:
    """Raise TracerConversionError unless a replayed graph has the value that the function itself gives."""
    leaves, spec, _ = _outputs(plain_call(selection), has_aux, None)
    check_value(selection.f, (found.graph.results(found.values), found.out_spec), (leaves, spec))


def _outputs(out: Any, has_aux: bool, rec: Any) -> Outputs:
    """Leaves and structure of what a function returned, while its recording is still open."""
    aux = None
    if has_aux:
        if not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError(f"has_aux=True: the function must return (out, aux), got {type(out).__name__}")
        out, aux = out
    leaves, spec = flatten(out, is_leaf=holds_tracers, stack=stacked)
    leaves = [unboxed(leaf) for leaf in leaves]

    def slot(x: Any) -> Any:
        value = x.value
        if x._rec is not rec:
            return x
        if type(value) is Tracer:
            return value
        return Slot(x.handle) if type(rec) is Record and x.handle is not None else fresh(value)

    return [leaf if rec is None else rec.leaf(leaf) for leaf in leaves], spec, replaced(aux, Tracer, slot)


def replaced(aux: Any, kind: type, function: Callable[[Any], Any]) -> Any:
    """Auxiliary output with everything of one class replaced, in lists, tuples, dicts and dataclasses too."""
    if type(aux) is kind:
        return function(aux)
    if isinstance(aux, dict):
        return type(aux)({key: replaced(value, kind, function) for key, value in aux.items()})
    if isinstance(aux, tuple) and hasattr(aux, "_fields"):
        return type(aux)(*(replaced(value, kind, function) for value in aux))
    if isinstance(aux, list | tuple):
        return type(aux)(replaced(value, kind, function) for value in aux)
    if dataclasses.is_dataclass(aux) and not isinstance(aux, type):
        changes = {f.name: replaced(getattr(aux, f.name), kind, function) for f in dataclasses.fields(aux) if f.init}
        return dataclasses.replace(aux, **changes)
    return aux


def pushed_forward(selection: Selection, tangents: Sequence[Any], has_aux: bool = False) -> tuple[Any, Any, Any]:
    """Forward mode without a tape: value, tangent and aux for one tangent (or None) per selected leaf."""
    rec = Forward()
    tracers = [
        rec.input(leaf, None if v is None else np.reshape(v, (1, *np.shape(leaf))))
        for leaf, v in zip(selection.leaves, tangents, strict=True)
    ]
    leaves, spec, aux = _run(rec, selection, tracers, lambda out: _outputs(out, has_aux, rec))
    handed = {_owner(array) for tracer in tracers for array in (tracer.value, tracer.handle)}
    values, moved = [], []
    for leaf in leaves:
        mine = type(leaf) is Tracer and leaf._rec is rec
        tangent = leaf.handle if mine else None
        # A constant may be held by whoever made it.
        value = fresh(leaf.value if mine else leaf) if tangent is None else _released(leaf.value, handed)
        values.append(value)
        if tangent is None:
            moved.append(np.zeros(np.shape(value), value.dtype)[()])
        else:
            moved.append(_released(tangent[0], handed))
    return spec.unflatten(values), spec.unflatten(moved), aux


def _owner(array: Any) -> int:
    """Identity of whatever owns an array's memory; strided views refer to it by way of an object of their own."""
    while not is_tracer(array) and (base := getattr(array, "base", None)) is not None:
        array = base
    return id(array)


def _released(array: Any, handed: set[int]) -> Any:
    """An array that nobody else holds: as it is where its memory has not been handed out before, else a copy."""
    owner = _owner(array)
    own = type(array) is np.ndarray and array.ndim and array.flags.c_contiguous and array.flags.writeable
    if own and owner not in handed:
        handed.add(owner)
        return array
    return fresh(array)
