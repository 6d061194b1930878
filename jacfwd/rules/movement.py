"""Rules of data movement: every output is one element of an operand, or a constant."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_plain
from jacfwd.primitive import Rule, composed, moves

__all__ = ["RULES"]

JOIN = "arrays, /, axis=0, out=None, *, dtype=None, casting='same_kind'"


def memory_order(operands: tuple[Any, ...], params: dict[str, Any]) -> str | None:
    """Refuse orders that depend on how an array lies in memory: that may change between recordings."""
    order = params.get("order", "C")
    if str(order).upper() in ("A", "K") and len(np.shape(operands[0])) > 1:
        return f"order={order!r} depends on how the array lies in memory; write order='C' or order='F'"
    return None


def as_array(x: Any) -> Any:
    """Lists and numbers as arrays; stand-in arrays as they are."""
    return np.asanyarray(x) if is_plain(x) else x


def at_least(ndim: int) -> Callable[..., Any]:
    """`atleast_1d`, `_2d`, `_3d`: views with axes of length one, as a tuple where there are several."""

    def widened(x: Any) -> Any:
        shape = np.shape(x)
        if len(shape) >= ndim:
            return as_array(x)
        if ndim < 3 or not shape:
            return np.reshape(x, (1,) * (ndim - len(shape)) + shape)
        return np.reshape(x, (1, *shape, 1) if len(shape) == 1 else (*shape, 1))

    def rewrite(*arys: Any) -> Any:
        out = tuple(widened(x) for x in arys)
        return out[0] if len(out) == 1 else out

    return rewrite


def splits(function: Callable, axis_of: Callable[[int], int] | None = None) -> Callable[..., Any]:
    """The functions that split along an axis, as slices; `axis_of(ndim)` where the axis is no parameter."""

    def rewrite(ary: Any, indices_or_sections: Any, **axis: int) -> list[Any]:
        ary = as_array(ary)
        # NumPy's own complaints, on an array that takes no memory.
        function(np.broadcast_to(np.int8(0), ary.shape), indices_or_sections, **axis)
        along = (axis.get("axis", 0) if axis_of is None else axis_of(ary.ndim)) % ary.ndim
        places = np.array_split(np.arange(ary.shape[along]), indices_or_sections)
        bounds = [(int(p[0]), int(p[-1]) + 1) if len(p) else (0, 0) for p in places]
        return [ary[(*(slice(None),) * along, slice(start, stop))] for start, stop in bounds]

    if axis_of is None:
        return lambda ary, indices_or_sections, axis=0: rewrite(ary, indices_or_sections, axis=axis)
    return lambda ary, indices_or_sections: rewrite(ary, indices_or_sections)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis."""
    return tuple(np.moveaxis(x, axis, 0))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """The arrays, broadcast to their common shape."""
    arrays = [as_array(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(x if x.shape == shape else np.broadcast_to(x, shape) for x in arrays)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """Coordinates along their own axes each, the first two exchanged for `xy`."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', got {indexing!r}")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    grids: Sequence[Any] = [
        np.reshape(x, (*(1,) * place, -1, *(1,) * (len(xi) - place - 1))) for x, place in zip(xi, places, strict=True)
    ]
    if not sparse:
        grids = broadcast_arrays(*grids)
    return tuple(np.copy(grid) if copy else grid for grid in grids)


def block(arrays: Any) -> Any:
    """Nested lists of blocks: the innermost are joined along the last axis, outer ones along those before."""

    def leaves(nested: Any, depth: int) -> list[tuple[int, int]]:
        if isinstance(nested, tuple):
            raise TypeError("np.block takes nested lists, not tuples")
        if not isinstance(nested, list):
            return [(depth, np.ndim(nested))]
        if not nested:
            raise ValueError("np.block takes no empty lists")
        return list(itertools.chain.from_iterable(leaves(part, depth + 1) for part in nested))

    def joined(nested: Any, axis: int) -> Any:
        if not isinstance(nested, list):
            return np.reshape(nested, (1,) * (ndim - np.ndim(nested)) + np.shape(nested))
        return np.concatenate([joined(part, axis + 1) for part in nested], axis=axis)

    found = leaves(arrays, 0)
    depths = {depth for depth, _ in found}
    if len(depths) > 1:
        raise ValueError(f"np.block takes lists nested to one depth, got depths {sorted(depths)}")
    (depth,) = depths
    ndim = max(depth, *(n for _, n in found)) if found else depth
    out = joined(arrays, ndim - depth)
    return out if depth else np.copy(out)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Of every place the first choice whose condition holds there."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"np.select needs as many choices as conditions: {len(condlist)} and {len(choicelist)}")
    for k, condition in enumerate(condlist):
        if as_array(condition).dtype != np.bool_:
            raise TypeError(f"condition {k} of np.select must be boolean, got {as_array(condition).dtype}")
    pairs = list(zip(condlist, choicelist, strict=True))
    return functools.reduce(lambda rest, pair: np.where(pair[0], pair[1], rest), reversed(pairs), default)


def choose(a: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """Of every place the choice that `a` names."""
    a, n = as_array(a), len(choices)
    if mode == "raise" and np.any((a < 0) | (a >= n)):
        raise ValueError(f"np.choose: index out of range for {n} choices")
    at = np.mod(a, n) if mode == "wrap" else np.clip(a, 0, n - 1)
    return select([np.equal(at, k) for k in range(n)], list(choices), choices[-1])


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The array without the zeros at its ends; how many there are is relied on."""
    if trim.lower() not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    filt = as_array(filt)
    axes = range(filt.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, filt.ndim)
    places = np.argwhere(np.asarray(np.not_equal(filt, 0)))
    parts = [slice(None)] * filt.ndim
    for k in axes:
        if len(places):
            start, stop = int(places[:, k].min()), int(places[:, k].max()) + 1
            parts[k] = slice(start if "f" in trim.lower() else None, stop if "b" in trim.lower() else None)
        else:
            parts[k] = slice(0, 0)
    return filt[tuple(parts)]


def named(names: str, rule: Rule, module: Any = np) -> dict[Any, Rule]:
    """The same rule for all of these names that this NumPy has."""
    return {getattr(module, name): rule for name in names.split() if hasattr(module, name)}


MOVES = moves()

RULES: dict[Any, Rule] = {
    **named("reshape ravel", MOVES.on("a", check=memory_order)),
    **named("copy transpose swapaxes moveaxis rollaxis squeeze expand_dims permute_dims", MOVES.on("a")),
    **named("matrix_transpose", MOVES.on("x")),
    **named("broadcast_to", MOVES.on("array")),
    **named("roll repeat resize take compress diagonal", MOVES.on("a")),
    **named("flip fliplr flipud rot90 tril triu", MOVES.on("m")),
    **named("diag diagflat", MOVES.on("v")),
    **named("tile", MOVES.on("A")),
    **named("take_along_axis delete extract", MOVES.on("arr")),
    **named("append insert", MOVES.on("arr", "values")),
    **named("concatenate concat", MOVES.on("arrays", sequence=True, signature=JOIN)),
    **named("stack", MOVES.on("arrays", sequence=True)),
    **named("vstack hstack dstack column_stack", MOVES.on("tup", sequence=True)),
    **named("sliding_window_view", MOVES.on("x"), np.lib.stride_tricks),
    **named("broadcast_arrays", composed(broadcast_arrays)),
    **named("meshgrid", composed(meshgrid)),
    **named("block", composed(block)),
    **named("unstack", composed(unstack)),
    **named("select", composed(select)),
    **named("choose", composed(choose)),
    **named("trim_zeros", composed(trim_zeros)),
    **{getattr(np, f"atleast_{n}d"): composed(at_least(n)) for n in (1, 2, 3)},
    **{f: composed(splits(f)) for f in (np.split, np.array_split)},
    np.hsplit: composed(splits(np.hsplit, lambda ndim: 0 if ndim == 1 else 1)),
    np.vsplit: composed(splits(np.vsplit, lambda ndim: 0)),
    np.dsplit: composed(splits(np.dsplit, lambda ndim: 2)),
}
