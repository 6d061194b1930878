"""A call of which everything that is float or complex counts as input, whether it is differentiated or not.

What is left is *held*: a recording of the call is good for other calls only where that is the same, integers, strings
and their like by value, arrays of integers by content, other objects by identity.
"""

import copy
import dataclasses
import enum
import functools
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jacfwd.arguments import Selection, as_leaf
from jacfwd.callables import parameter_names
from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.interpose import INTERPOSITION
from jacfwd.structure import Spec, is_number_or_array, step

__all__ = ["SIMPLE", "Call", "same_held"]

# Compared by value; whatever else is held is compared by identity.
BY_VALUE = (int, str, bytes, bool, type(None), slice, range, np.integer, np.bool_, np.dtype, enum.Enum)
# Scalars that are inputs.
SIMPLE = frozenset({float, complex, np.float64, np.float32, np.float16, np.longdouble, np.complex64, np.complex128})
FLOATS = (float, complex, np.inexact)


class Call:
    """A selection with the rest of the arguments taken apart as well.

    Attributes
    ----------
    leaves : list, the float and complex leaves in the order of the arguments
    wrt : list, positions among these of the selected leaves, in their flat order
    held : list, all that is not float or complex
    key : what calls must have in common to share recordings: structure, shapes, dtypes
    """

    def __init__(self, selection: Selection) -> None:
        self.f, self.selection = selection.f, selection
        self.specs, self.single = selection.specs, selection.single
        self.leaves: list[Any] = []
        self._paths: list[tuple[Any, Spec | str]] = []
        self.held: list[Any] = []
        own = dict(zip(selection.places, self._selected(), strict=True))
        first: dict[Any, int] = {}
        names: list[Any] = [*range(len(selection.args)), *sorted(selection.kwargs)]
        key = list[Any]()
        for name in names:
            if name in own:
                first[name] = len(self.leaves)
                leaves, spec = own[name]
                self.leaves += leaves
                self._paths.append((name, spec))
                key.append((name, spec, tuple(map(kind, leaves))))
            else:
                key.append((name, self._opened(self._given(name), name, "")))
        self.key = tuple(key)
        self.wrt = [first[place] + k for place in selection.places for k in range(len(own[place][0]))]

    @functools.cached_property
    def labels(self) -> list[str]:
        """What each leaf is called: asked for by recordings only, not where one is found."""
        positional = parameter_names(self.selection.f, len(self.selection.args))
        labels: list[str] = []
        for name, path in self._paths:
            root = positional[name] if isinstance(name, int) else name
            labels += [root + path] if isinstance(path, str) else path.paths(root)
        return labels

    def _given(self, name: Any) -> Any:
        return self.selection.args[name] if isinstance(name, int) else self.selection.kwargs[name]

    def _selected(self) -> Iterator[tuple[list[Any], Spec]]:
        start = 0
        for spec in self.selection.specs:
            yield self.selection.leaves[start : start + spec.n_leaves], spec
            start += spec.n_leaves

    def _opened(self, value: Any, name: Any, path: str) -> Any:
        """What calls must have in common of an argument that is passed as it is; its parts are appended."""
        if is_input(value):
            self.leaves.append(as_leaf(value))
            self._paths.append((name, path))
            return kind(self.leaves[-1])
        parts = parts_of(value)
        if parts is None:
            self.held.append(value)
            return "held"
        container = type(value)
        keys = tuple(parts)
        return container, keys, tuple(self._opened(parts[key], name, path + step_in(container, key)) for key in keys)

    def call(self, leaves: Sequence[Any]) -> Any:
        """The function's output with these leaves in place of the inputs."""
        fill = iter(leaves)
        args, kwargs = list(self.selection.args), dict(self.selection.kwargs)
        chosen = dict(zip(self.selection.places, self.selection.specs, strict=True))
        for name in [*range(len(args)), *sorted(kwargs)]:
            spec = chosen.get(name)
            if spec is not None:
                value = spec.unflatten([next(fill) for _ in range(spec.n_leaves)])
            else:
                value = filled(self._given(name), fill)
            if isinstance(name, int):
                args[name] = value
            else:
                kwargs[name] = value
        return INTERPOSITION.stand_in(self.f)(*args, **kwargs)

    @property
    def plain(self) -> bool:
        """Whether no leaf is traced."""
        return not any(map(is_tracer, self.leaves)) and not any(map(is_tracer, self.held))

    @property
    def extra(self) -> bool:
        """Whether there are inputs that are not differentiated."""
        return len(self.leaves) > len(self.wrt)

    def keep(self) -> list[Any]:
        """What is held, to compare with later: arrays as copies."""
        return [value.copy() if type(value) is np.ndarray else value for value in self.held]


def kind(leaf: Any) -> tuple:
    """What a leaf must have in common with another one: shape, dtype, and whether it is an array."""
    return isinstance(leaf, np.ndarray), tuple(leaf.shape), leaf.dtype


def is_input(value: Any) -> bool:
    """Whether a value is a float or complex number or array."""
    if is_tracer(value):
        return bool(value.dtype.kind in "fc")
    if not is_number_or_array(value):
        return False
    return value.dtype.kind in "fc" if isinstance(value, np.ndarray) else isinstance(value, FLOATS)


def parts_of(value: Any) -> Mapping[Any, Any] | None:
    """The entries of a container by key, or None where a value is no container."""
    container = type(value)
    if container in (tuple, list) or (issubclass(container, tuple) and hasattr(container, "_make")):
        return dict(enumerate(value))
    if container in (dict, OrderedDict):
        return value
    if dataclasses.is_dataclass(container):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(container)}
    return None


def step_in(container: type, key: Any) -> str:
    """What is written behind a container to reach its entry `key`."""
    return f"[{key}]" if container is list else step(container, key)


def filled(value: Any, leaves: Iterator[Any]) -> Any:
    """An argument with its inputs replaced by the next leaves; itself where it has none."""
    if is_input(value):
        return next(leaves)
    parts = parts_of(value)
    if parts is None:
        return value
    new = {key: filled(part, leaves) for key, part in parts.items()}
    if all(new[key] is parts[key] for key in parts):
        return value
    container: Any = type(value)
    if container in (tuple, list):
        return container(new.values())
    if issubclass(container, tuple):
        return container._make(new.values())
    if issubclass(container, dict):
        return container(new)
    instance = copy.copy(value)
    for name, part in new.items():
        object.__setattr__(instance, name, part)
    return instance


def same_held(then: Sequence[Any], now: Sequence[Any]) -> bool:
    """Whether held values are the same."""
    return len(then) == len(now) and all(a is b or same_value(a, b) for a, b in zip(then, now, strict=True))


def same_value(a: Any, b: Any) -> bool:
    """Whether two objects are equal and of a kind that is compared by value or content."""
    if type(a) is not type(b):
        return False
    if type(a) is np.ndarray:
        return a.dtype == b.dtype and a.dtype.kind != "O" and np.array_equal(a, b)
    return isinstance(a, BY_VALUE) and bool(a == b)
