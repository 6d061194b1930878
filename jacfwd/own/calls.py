"""Calls with structured arguments and results, as one node: leaves in, one array out."""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_dtype, is_tracer
from jacfwd.own.base import Own
from jacfwd.primitive import Rule
from jacfwd.recording.apply import any_tracer, stacked
from jacfwd.recording.constructors import fresh
from jacfwd.recording.interpose import running
from jacfwd.structure import Spec, flatten

__all__ = ["Layout", "Structured", "leaves_of"]


def leaves_of(value: Any, root: str) -> tuple[list[Any], Spec]:
    """The leaves of an argument or result."""
    return flatten(value, is_leaf=is_tracer, stack=stacked, root=root)


class Layout:
    """How one call's arguments are made of operands and static values, and its result of one array.

    `spec` is the structure of the positional arguments that are operands, at `places` among all; the others are
    `static`. The structure of the result is known once the function has been run, and must stay what it was.
    """

    def __init__(self, spec: Spec, places: Sequence[int], static: dict[int, Any], keywords: dict[str, Any]) -> None:
        self.spec, self.places, self.static, self.keywords = spec, tuple(places), static, keywords
        self.out_spec: Spec | None = None
        self.outs: list[tuple[tuple[int, ...], np.dtype]] = []

    def __repr__(self) -> str:
        return f"<{self.spec} -> {self.out_spec}>"

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """The positional arguments."""
        given = dict(self.static)
        given.update(zip(self.places, self.spec.unflatten(list(leaves)), strict=True))
        return [given[k] for k in sorted(given)]

    def packed(self, value: Any) -> Any:
        """A result as one array: itself, or its leaves flattened and joined.

        Raises ValueError if it has not the structure of the first one.
        """
        leaves, spec = leaves_of(value, "out")
        leaves = [leaf if is_tracer(leaf) else np.asarray(leaf) for leaf in leaves]
        outs = [(tuple(leaf.shape), leaf.dtype) for leaf in leaves]
        if self.out_spec is None:
            self.out_spec, self.outs = spec, outs
        elif spec != self.out_spec or [shape for shape, _ in outs] != [shape for shape, _ in self.outs]:
            raise ValueError(f"the function returned {_shown(self.out_spec, self.outs)}, and now {_shown(spec, outs)}")
        return leaves[0] if self.single else self._joined(leaves)

    def packed_tangent(self, value: Any) -> Any:
        """The tangent of a result, which has its structure and shapes, as one array.

        Raises TypeError if it has not.
        """
        assert self.out_spec is not None
        leaves, spec = leaves_of(value, "tangent_out")
        shapes, expected = [np.shape(leaf) for leaf in leaves], [shape for shape, _ in self.outs]
        if not spec.matches(self.out_spec) or shapes != expected:
            raise TypeError(
                f"the tangent must be like the result, {self.out_spec} of shapes {expected}, got {spec} of {shapes}"
            )
        leaves = [leaf if is_tracer(leaf) else np.asarray(leaf) for leaf in leaves]
        for leaf, (_, dtype) in zip(leaves, self.outs, strict=True):
            if leaf.dtype.kind == "c" and dtype.kind != "c":
                raise TypeError(f"the tangent is complex where the result is {dtype}")
        return as_dtype(leaves[0] if self.single else self._joined(leaves), self.dtype)

    @property
    def single(self) -> bool:
        """Whether the result is one array, which is not touched."""
        return len(self.outs) == 1

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the one array."""
        return np.result_type(*(dtype for _, dtype in self.outs), *(() if self.single else (np.float64,)))

    def _joined(self, leaves: Sequence[Any]) -> Any:
        parts = [np.reshape(leaf, (-1,)) for leaf in leaves]
        joined = np.concatenate([np.zeros(0, self.dtype), *parts])
        for part, back in zip(parts, self._split(joined), strict=True):
            if part.dtype.kind in "iu" and not np.array_equal(part, back.astype(part.dtype)):
                raise UnsupportedFunctionError(
                    "an integer result beside floating ones is too large for these; return it alone"
                )
        return joined

    def _split(self, joined: Any) -> list[Any]:
        sizes = [math.prod(shape) for shape, _ in self.outs]
        ends = np.cumsum(sizes).tolist()
        return [joined[end - size : end] for size, end in zip(sizes, ends, strict=True)]

    def unpacked(self, joined: Any) -> Any:
        """The result from the one array."""
        assert self.out_spec is not None
        if self.single:
            return self.out_spec.unflatten([joined])
        parts = zip(self._split(joined), self.outs, strict=True)
        return self.out_spec.unflatten([as_dtype(np.reshape(part, shape), dtype) for part, (shape, dtype) in parts])


def _shown(spec: Spec, outs: Sequence[tuple]) -> str:
    return f"{spec} of {', '.join(f'{dtype}{list(shape)}' for shape, dtype in outs)}"


class Structured(Own):
    """A primitive of the user's own whose arguments and results may be tuples, dicts and dataclasses of arrays."""

    def __init__(self, function: Callable, rule: Rule) -> None:
        super().__init__(function, rule)
        self.plain = function

    def static_places(self, args: Sequence[Any]) -> Iterable[int]:
        """Which positional arguments are no operands."""
        raise NotImplementedError

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Leaves of the arguments, and the layout."""
        if "layout" in kwargs and isinstance(kwargs["layout"], Layout):
            return tuple(args), kwargs
        if kwargs:
            bound = inspect.signature(self.plain).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        static = {k: self._constant(args[k], f"argument {k}") for k in self.static_places(args)}
        keywords = {name: self._constant(value, f"'{name}'") for name, value in kwargs.items()}
        places = [k for k in range(len(args)) if k not in static]
        leaves, spec = leaves_of(tuple(args[k] for k in places), "the arguments of " + self.short)
        return tuple(leaves), {"layout": Layout(spec, places, static, keywords)}

    def _constant(self, value: Any, what: str) -> Any:
        if is_tracer(value):
            if value.dtype.kind not in "fc" or value.constant:
                return value.plain(what)
        elif not any_tracer(value):
            return value
        raise UnsupportedFunctionError(f"{self.short} is not differentiated with respect to {what}, which is traced")

    def compute(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        layout = params["layout"]
        return layout.packed(self.plain(*layout.arguments(operands), **layout.keywords))

    def returned(self, out: Any, params: dict[str, Any]) -> Any:
        return params["layout"].unpacked(out)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if running() is None and not any(map(_holds_tracer, (*args, *kwargs.values()))):
            return self.plain(*args, **kwargs)
        operands, params = self.bind(args, kwargs)
        return self.returned(fresh(self.function(*operands, **params)), params)


def _holds_tracer(value: Any) -> bool:
    """Whether a Tracer stands anywhere in a structure; what is no structure holds none that matters."""
    if is_tracer(value) or any_tracer(value):
        return True
    try:
        return any(map(is_tracer, leaves_of(value, "argument")[0]))
    except TypeError:
        return False
