"""Primitives: a NumPy function together with its rule, and the builders in which rules are written.

A rule says one thing, once: the structured local Jacobian with respect to each operand, given the output and
the operands. Tangent, transpose, pattern, layer matrix, cost and generated source are readings of it.
"""

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Dense
from jacfwd.formats.combined import Pair, Product
from jacfwd.formats.dispatch import as_array
from jacfwd.formats.entries import coo_entries, diagonal, segments, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator

__all__ = [
    "Call",
    "Primitive",
    "Rule",
    "composed",
    "constant",
    "elementwise",
    "follows",
    "jacobians",
    "linear",
    "local_rule",
    "moves",
    "primitive_by_name",
    "reduction",
    "structured",
    "wirtinger",
]

Local = Callable[..., Format | None]
Group = tuple[tuple[int, ...], Format]
# Structure of data movement is kept for calls of so many kinds, with so many elements.
KINDS, FEW = 512, 1024
Check = Callable[[tuple[Any, ...], dict[str, Any]], str | None]


class Call:
    """One call as a rule sees it: output, operands, static parameters.

    Values may be stand-in arrays of an outer recording.
    """

    __slots__ = ("operands", "out", "params", "primitive")

    def __init__(self, primitive: "Primitive", out: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> None:
        self.primitive, self.out, self.operands, self.params = primitive, out, operands, params

    def again(self, operands: Sequence[Any]) -> Any:
        """The function itself on other operands: positions, tangents."""
        return self.primitive.evaluate(operands, self.params)

    @property
    def out_shape(self) -> Shape:
        """Shape of the output."""
        return shape_of(self.out)

    def shape(self, k: int) -> Shape:
        """Shape of operand k."""
        return shape_of(self.operands[k])


def shape_of(x: Any) -> Shape:
    """The shape of an array or a number."""
    shape: Shape | None = getattr(x, "shape", None)
    return np.shape(x) if shape is None else shape


class Rule(NamedTuple):
    """What a function says of itself; made by the builders below.

    `local(call, k)` is the local Jacobian with respect to operand k, None where the derivative is zero.
    `operands` names the parameters that are arrays (None: every positional one, as for ufuncs); `sequence` says that
    the first of them is a list of arrays. `kind` is the builder's name; `joint(call, wanted)`, where given, is one
    format for all wanted operands, flattened and joined. `rewrite` replaces the call by other NumPy calls.
    `signature` stands in for functions written in C that have none. `check(operands, params)` gives the reason, with
    a remedy, why such a call is refused, or None.
    `linear` says that the function is its local Jacobian, the same everywhere (as all data movement is); `labels` are
    those of a product, `labels(*shapes, **params)`; `stacks` is the function on operands with leading axes in common,
    `folds` the function of two numbers that a reduction repeats.
    """

    kind: str
    local: Local | None = None
    operands: tuple[str, ...] | None = None
    sequence: bool = False
    joint: Callable[[Call, tuple[int, ...]], Format] | None = None
    rewrite: Callable | None = None
    signature: str | None = None
    check: Check | None = None
    refuses: Mapping[str, str] = {}
    linear: bool = False
    labels: Callable | None = None
    stacks: Callable | None = None
    folds: np.ufunc | None = None

    def on(
        self,
        *operands: str,
        sequence: bool = False,
        signature: str | None = None,
        check: Check | None = None,
        **refuses: str,
    ) -> "Rule":
        """The same rule for other array parameters, e.g. `.on("a", "weights")`; keywords name what is refused."""
        return self._replace(
            operands=operands or self.operands,
            sequence=sequence or self.sequence,
            signature=signature or self.signature,
            check=check or self.check,
            refuses={**self.refuses, **refuses},
        )


class Primitive:
    """A function that can be differentiated: its name, the callable, the rule, and how calls are bound."""

    def __init__(self, name: str, function: Callable, rule: Rule) -> None:
        self.name, self.function, self.rule = name, function, rule
        # Ufuncs and our own dispatched functions take all arrays by position, all else by keyword.
        self.positional = isinstance(function, np.ufunc) or rule.operands is None
        self.moves = rule.kind == "moves"
        # Whether it may be called with any selection of elements, such as a single one, in place of the arrays.
        self.by_element = rule.kind == "elementwise"
        self.differentiable = rule.kind != "constant"
        self.rewrite = rule.rewrite

    def __repr__(self) -> str:
        return f"<Primitive {self.name}>"

    def __reduce__(self) -> tuple:
        return primitive_by_name, (self.name,)

    @property
    def short(self) -> str:
        """The name without its module, as graphs print it."""
        return self.name.rpartition(":")[2]

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The signature calls are bound to."""
        if self.rule.signature is not None:
            return _parsed(self.rule.signature)
        return inspect.signature(self.function)

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Split a call into array operands and static parameters (those that were passed)."""
        if self.positional:
            return tuple(args), kwargs
        arguments = self.signature.bind(*args, **kwargs).arguments
        names = self.rule.operands or ()
        params = {name: value for name, value in arguments.items() if name not in names and value is not np._NoValue}
        # A permission to destroy an argument, which may be a value that is needed again.
        params = {name: value for name, value in params.items() if not name.startswith("overwrite_")}
        for name in params.keys() & self.rule.refuses.keys():
            if _is_default(params[name], self.signature.parameters[name].default):
                continue
            raise UnsupportedFunctionError(f"{self.short}: {self.rule.refuses[name]}")
        if self.rule.sequence:
            operands = list(arguments[names[0]])
        else:
            operands = [None if (x := arguments.get(name)) is np._NoValue else x for name in names]
            while operands and operands[-1] is None:
                operands.pop()
        reason = None if self.rule.check is None else self.rule.check(tuple(operands), params)
        if reason is not None:
            raise UnsupportedFunctionError(f"{self.short}: {reason}")
        return tuple(operands), params

    def evaluate(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Call the function again as it was bound."""
        if self.positional:
            return self.function(*operands, **params)
        args, kwargs = self.arguments(operands, params)
        return self.function(*args, **kwargs)

    def arguments(self, operands: Sequence[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Operands and parameters in the places that the function takes them at: the opposite of `bind`."""
        if self.positional:
            return list(operands), params
        if self.rule.sequence:
            return [list(operands)], params
        given = dict(params)
        given.update((name, x) for name, x in zip(self.rule.operands or (), operands, strict=False) if x is not None)
        leading = list(itertools.takewhile(given.__contains__, self._places))
        return [given.pop(name) for name in leading], given

    def returned(self, out: Any, params: dict[str, Any]) -> Any:
        """What the caller gets for a result: a primitive of the user's own may return structure."""
        return out

    @functools.cached_property
    def _places(self) -> list[str]:
        """The parameters that may be passed by position, in order."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [name for name, parameter in self.signature.parameters.items() if parameter.kind in kinds]

    def local(self, call: Call, k: int) -> Format | None:
        """The local Jacobian with respect to operand k."""
        if self.rule.local is None:
            return None
        return self.rule.local(call, k)

    def groups(self, call: Call, wanted: tuple[int, ...]) -> list[Group]:
        """The local Jacobians of the wanted operands; joined operands are one group, flattened and concatenated."""
        if len(wanted) > 1 and self.rule.joint is not None:
            return [(wanted, self.rule.joint(call, wanted))]
        found: list[Group] = []
        for k in wanted:
            fmt = self.local(call, k)
            if fmt is not None:
                found.append(((k,), fmt))
        return found


def _is_default(value: Any, default: Any) -> bool:
    """Whether a keyword was passed with the value it has anyway; arrays never are."""
    return value is default or (isinstance(value, (bool, int, float, str)) and value == default)


def primitive_by_name(name: str) -> Primitive:
    """The primitive with this name in the table."""
    from jacfwd.rules import by_name

    return by_name(name)


def _parsed(text: str) -> inspect.Signature:
    """A signature from its text, e.g. `"a, b, out=None"`."""
    scope: dict[str, Any] = {}
    # The texts are literals of the rule table, not input.
    exec(f"def f({text}): pass", {"np": np}, scope)
    return inspect.signature(scope["f"])


class wirtinger:
    """The partial derivative of a non-holomorphic function: `a dz + b conj(dz)`."""

    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


def elementwise(*partials: Callable | None, **options: Any) -> Rule:
    """Partial derivatives `partial(out, *operands, **params)`, one per operand; None, or a weight None, means zero."""

    def local(call: Call, k: int) -> Format | None:
        partial = partials[k]
        if partial is None:
            return None
        if call.params and isinstance(call.primitive.function, np.ufunc):
            weights = partial(call.out, *converted(call))
        else:
            weights = partial(call.out, *call.operands, **call.params)
        if weights is None:
            return None
        if isinstance(weights, wirtinger):
            return Pair(*(diagonal(w, call.shape(k), call.out_shape) for w in (weights.a, weights.b)))
        return diagonal(weights, call.shape(k), call.out_shape)

    return Rule("elementwise", local, **options)


def converted(call: Call) -> tuple[Any, ...]:
    """The operands as a ufunc called with `dtype=` computes with them; its other keywords change no value.

    Raises UnsupportedFunctionError for keywords with which it may truncate its operands first.
    """
    for name in ("signature", "sig"):
        if name in call.params:
            raise UnsupportedFunctionError(f"{call.primitive.short}: '{name}' has no derivative; write dtype=")
    if call.params.get("casting") == "unsafe":
        raise UnsupportedFunctionError(f"{call.primitive.short}: casting='unsafe' has no derivative; use astype")
    dtype = call.params.get("dtype")
    if dtype is None:
        return call.operands
    kinds = (np.dtype(getattr(x, "dtype", type(x))).kind for x in call.operands)
    return tuple(
        np.positive(x, dtype=dtype) if kind in "fc" else x for x, kind in zip(call.operands, kinds, strict=True)
    )


def moves(**options: Any) -> Rule:
    """Data movement: where each output comes from is read off by pushing positions through the function itself.

    Positions start at one, so that a zero in the result is a hole (`tril`, `pad`).
    """

    def moved(call: Call, arrays: list[Any]) -> np.ndarray:
        # Positions are integers whatever the dtype of the result.
        params = {name: value for name, value in call.params.items() if name not in ("dtype", "casting")}
        return np.asarray(call.primitive.evaluate(arrays, params))

    def positions(call: Call, wanted: tuple[int, ...]) -> tuple[np.ndarray, int]:
        at, counted = 1, set(wanted)
        arrays: list[Any] = []
        for k, operand in enumerate(call.operands):
            shape = call.shape(k)
            if k in counted:
                arrays.append(np.arange(at, at + math.prod(shape)).reshape(shape))
                at += math.prod(shape)
            else:
                arrays.append(None if operand is None else np.zeros(shape, np.intp))
        return moved(call, arrays), at - 1

    known: dict[Any, Format] = {}

    def joint(call: Call, wanted: tuple[int, ...]) -> Format:
        """The format, found once for small operands of the same shapes and the same parameters."""
        if type(call.primitive) is not Primitive:  # a function of the user's may do something else next time
            return made(call, wanted)
        shapes = tuple([None if x is None else shape_of(x) for x in call.operands])
        key = call.primitive, shapes, wanted, *call.params.items()
        try:
            found = known.get(key)
        except TypeError:  # parameters that are no constants
            return made(call, wanted)
        if found is None:
            found = made(call, wanted)
            if sum(math.prod(shape or ()) for shape in shapes) + math.prod(call.out_shape) <= FEW:
                if len(known) >= KINDS:
                    known.clear()
                known[key] = found
        return found

    def made(call: Call, wanted: tuple[int, ...]) -> Format:
        if len(wanted) == len(call.operands) == 1:
            shape = call.shape(0)
            index = IndexMap.of_view(lambda start: moved(call, [start]), shape)
            if index is not None:
                return selection(index)
        where, total = positions(call, wanted)
        in_shape = call.shape(wanted[0]) if len(wanted) == 1 else (total,)
        if where.size and where.min() > 0:
            return selection(IndexMap.of_positions(where - 1, in_shape))
        rows = np.flatnonzero(where)
        return coo_entries(in_shape, where.shape, rows, where.reshape(-1)[rows] - 1, 1)

    return Rule("moves", lambda call, k: joint(call, (k,)), joint=joint, **options)


def reduction(weight: Callable | None = None, **options: Any) -> Rule:
    """Sums along axes with weights `weight(out, x, **params)`, `out` kept broadcastable; None weighs all by one.

    A weight may be zero-dimensional or of the shape of x. `where=` masks it.
    """

    def local(call: Call, k: int) -> Format:
        x, params = call.operands[k], dict(call.params)
        axis = params.pop("axis", None)
        where = params.pop("where", True)
        params.pop("keepdims", None)
        params.pop("dtype", None)
        index = reduced(np.shape(x), axis, call.out_shape)
        weights: Any = 1
        if weight is not None:
            kept = np.reshape(call.out, index.kept)
            weights = weight(kept, x, where=where, axis=axis, **params)
        elif where is not True:
            weights = np.broadcast_to(where, np.shape(x))
        if isinstance(weights, wirtinger):
            return Pair(segments(index.map, weights.a), segments(index.map, weights.b))
        return segments(index.map, weights)

    return Rule("reduction", local, **options)


class Reduced(NamedTuple):
    """A reduction's structure: the map from elements to outputs, and the output's shape with axes kept."""

    map: IndexMap
    kept: Shape


def reduced(shape: Shape, axis: Any, out_shape: Shape) -> Reduced:
    """Which output each element of `shape` goes into when `axis` is summed."""
    axes = range(len(shape)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, len(shape))
    kept = tuple(1 if k in axes else n for k, n in enumerate(shape))
    spread = IndexMap.broadcast(kept, shape)
    return Reduced(IndexMap(shape, out_shape, affine=spread.affine), kept)


def linear(apply: Callable, transposed: Callable, mixed: Callable, support: Callable | None = None) -> Rule:
    """A linear function of its first operand along some axes, by its action on tangent blocks.

    `apply(call)` and `transposed(call)` give functions of blocks, `mixed(call)` the axes that meet (input, output).
    """

    def local(call: Call, k: int) -> Format | None:
        if k != 0:
            raise UnsupportedFunctionError(f"no derivative with respect to operand {k} of a linear function")
        return Operator(call.shape(0), call.out_shape, apply(call), transposed(call), mixed(call), support)

    return Rule("linear", local)


def structured(*locals_: Callable[[Call], Format | None] | None, **options: Any) -> Rule:
    """One function of the call per operand, each giving a format directly."""

    def local(call: Call, k: int) -> Format | None:
        own = locals_[k]
        return None if own is None else own(call)

    return Rule("structured", local, **options)


def jacobians(*functions: Callable | None, **options: Any) -> Rule:
    """Local Jacobians `function(out, *operands, **params)`, one per operand, as matrices of some kind; None is zero.

    Each is an array of shape `out.shape + x.shape`, a constant scipy.sparse matrix `(out.size, x.size)`, flat positions
    and values `(rows, cols, values)`, or a format. Entries must not depend on the point, only values may.
    """

    def local(call: Call, k: int) -> Format | None:
        function = functions[k]
        if function is None:
            return None
        found = function(call.out, *call.operands, **call.params)
        return found if found is None or isinstance(found, Format) else _as_format(found, call, k)

    return Rule("structured", local, **options)


def _as_format(found: Any, call: Call, k: int) -> Format:
    """A matrix as a format; ValueError where its shape is not that of the local Jacobian."""
    in_shape, out_shape = call.shape(k), call.out_shape
    m, n = math.prod(out_shape), math.prod(in_shape)
    if hasattr(found, "tocoo"):
        if found.shape != (m, n):
            raise ValueError(f"{call.primitive.short}: expected a sparse matrix of shape {(m, n)}, got {found.shape}")
        coo = found.tocoo()
        return coo_entries(in_shape, out_shape, coo.row.astype(np.intp), coo.col.astype(np.intp), coo.data)
    if isinstance(found, tuple):
        rows, cols = (np.asarray(at, np.intp) for at in found[:2])
        if len(rows) and not (rows.min() >= 0 and rows.max() < m and cols.min() >= 0 and cols.max() < n):
            raise ValueError(f"{call.primitive.short}: a position lies outside of the local Jacobian, {(m, n)}")
        return coo_entries(in_shape, out_shape, rows, cols, as_array(found[2]))
    found = as_array(found)
    if found.shape != out_shape + in_shape:
        raise ValueError(f"{call.primitive.short}: expected a Jacobian {out_shape + in_shape}, got {found.shape}")
    return Dense.of_matrix(np.transpose(np.reshape(found, (m, n))), in_shape, out_shape)


def local_rule(local: Local, **options: Any) -> Rule:
    """A rule written as `local(call, k) -> Format`, where operands are many or alike."""
    return Rule("structured", local, **options)


def follows(*factors: Format) -> Product:
    """An unmultiplied product, nearest factor first."""
    return Product(list(factors))


def composed(function: Callable, **options: Any) -> Rule:
    """A function replaced by other differentiable NumPy calls: its derivative is theirs."""
    return Rule("composed", rewrite=function, **options)


def constant(**options: Any) -> Rule:
    """Piecewise constant, or integer and boolean results: the derivative is zero."""
    return Rule("constant", **options)
