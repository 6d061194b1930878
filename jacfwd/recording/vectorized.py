"""`np.vectorize` during a recording: its function, called for one element after the other, may be given Tracers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.apply import boxed, stacked

__all__ = ["METHODS"]


def _vectorize_call(self: Any, func: Callable, args: tuple) -> Any:
    """What the method of this name does: the first result says of which dtype all are, unless `otypes` does."""
    if self.signature is not None:
        return _with_signature(self, func, args)
    if not args:
        return func()
    operands = [boxed(x) if is_tracer(x) else np.asarray(x).astype(object) for x in map(stacked, args)]
    shape = np.broadcast_shapes(*map(np.shape, operands))
    spread = [np.broadcast_to(x, shape) for x in operands]
    if not spread[0].size:
        if self.otypes is None:
            raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
        made = tuple(np.zeros(shape, kind) for kind in self.otypes)
        return made if len(made) > 1 else made[0]
    found = [func(*elements) for elements in zip(*(x.flat for x in spread), strict=True)]
    several = isinstance(found[0], tuple)
    columns = list(zip(*found, strict=True)) if several else [found]
    kinds = self.otypes or [None] * len(columns)
    outs = tuple(_joined(column, shape, kind) for column, kind in zip(columns, kinds, strict=True))
    return outs if several else outs[0]


def _with_signature(self: Any, func: Callable, args: tuple) -> Any:
    """Calls for one core array after the other."""
    inner, outer = self._in_and_out_core_dims
    if len(args) != len(inner):
        raise TypeError(f"wrong number of positional arguments: expected {len(inner)!r}, got {len(args)!r}")
    operands = [x if is_tracer(x) else np.asarray(x) for x in map(stacked, args)]
    sizes: dict[str, int] = {}
    for x, core in zip(operands, inner, strict=True):
        _measure(np.shape(x), core, sizes)
    heads = [np.shape(x)[: np.ndim(x) - len(core)] for x, core in zip(operands, inner, strict=True)]
    shape = np.broadcast_shapes(*heads)
    cores = [np.shape(x)[np.ndim(x) - len(core) :] for x, core in zip(operands, inner, strict=True)]
    spread = [np.broadcast_to(x, (*shape, *core)) for x, core in zip(operands, cores, strict=True)]
    found = [func(*(x[at] for x in spread)) for at in np.ndindex(shape)]
    if not found:
        raise ValueError("cannot call `vectorize` with a signature including new output dimensions on size 0 inputs")
    rows = found if len(outer) > 1 else [(each,) for each in found]
    for each in rows:
        if len(each) != len(outer):
            raise ValueError(f"wrong number of outputs from pyfunc: expected {len(outer)!r}, got {len(each)!r}")
        for result, core in zip(each, outer, strict=True):
            _measure(np.shape(result), core, sizes)
    kinds = self.otypes or [None] * len(outer)
    outs = tuple(
        _joined([stacked(e) for e in c], shape, k) for c, k in zip(zip(*rows, strict=True), kinds, strict=True)
    )
    return outs if len(outer) > 1 else outs[0]


def _measure(shape: tuple[int, ...], core: tuple[str, ...], sizes: dict[str, int]) -> None:
    """Take note of the sizes that core dimensions have, which are the same everywhere."""
    if len(shape) < len(core):
        raise ValueError(
            f"{len(shape)}-dimensional argument does not have enough dimensions for all core dimensions {core}"
        )
    for name, size in zip(core, shape[len(shape) - len(core) :], strict=True):
        if sizes.setdefault(name, size) != size:
            raise ValueError(f"inconsistent size for core dimension {name!r}: {size} vs {sizes[name]}")


def _joined(elements: Any, shape: tuple[int, ...], kind: str | None) -> Any:
    """Results of one output as an array."""
    first = elements[0] if is_tracer(elements[0]) else np.asarray(elements[0])
    dtype, shape = np.dtype(first.dtype if kind is None else kind), (*shape, *first.shape)
    if not any(map(is_tracer, elements)):
        return np.array(elements).reshape(shape).astype(dtype)[()]
    out = np.reshape(stacked(list(elements)), shape)
    return out if out.dtype == dtype else out.astype(dtype)


METHODS: dict[str, Callable] = {"_vectorize_call": _vectorize_call}
