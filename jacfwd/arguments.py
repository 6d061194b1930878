"""Which arguments of a call are differentiated.

A call `f(*args, **kwargs)` is cut into the *selected* arguments, whose leaves are the inputs of the
derivative in flat order, and the rest, which is passed as it is. Leaves may be Tracers of an outer
recording: nothing here converts them or looks at more than their shape, dtype and size.
"""

import dataclasses
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from jacfwd.callables import name_of, parameter_names
from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.interpose import INTERPOSITION
from jacfwd.structure import LEAF, Spec, flatten, is_number_or_array, kind_of, step

__all__ = ["FIRST", "Selection", "as_leaf", "check_dtypes", "has_floats", "select", "why_constant"]

Place = int | str


class DefaultArgnums(int):
    """The 0 that `argnums` is unless given: with `argnames` alone, no positional argument is selected."""

    __slots__ = ()


FIRST = DefaultArgnums(0)


def as_leaf(value: Any) -> Any:
    """A leaf with shape, dtype and size: arrays and Tracers as they are, Python numbers as NumPy scalars.

    A scalar stays one, since `x += 1` means something else for an array of shape ().
    """
    if is_tracer(value) or isinstance(value, np.generic):
        return value
    array = np.asarray(value)
    # Integers too large for NumPy have no scalar; they stay an array of objects until they are refused.
    return array if isinstance(value, np.ndarray) or array.dtype.kind == "O" else array[()]


class Selection:
    """A call of `f` with some arguments selected for differentiation.

    Parameters
    ----------
    places : positions and keyword names of the selected arguments, in the order of the results
    single : whether results are for the one selected argument, rather than a tuple with one for each

    Attributes
    ----------
    leaves : list, the selected leaves in flat order: arrays, NumPy scalars or Tracers
    specs : list, the structure of each selected argument

    Raises
    ------
    NotDifferentiableError
        If a selected argument is, or holds, something that is no number or array.
    TypeError
        If a selected argument holds a list that is no array.
    """

    def __init__(
        self,
        f: Callable,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        places: Sequence[Place],
        single: bool,
    ) -> None:
        self.f, self.args, self.kwargs = f, tuple(args), dict(kwargs)
        self.places, self.single = tuple(places), single
        self.leaves: list[Any] = []
        self.specs: list[Spec] = []
        for k, place in enumerate(self.places):
            leaves, spec = self._opened(k, self.args[place] if isinstance(place, int) else self.kwargs[place])
            self.leaves += map(as_leaf, leaves)
            self.specs.append(spec)

    def _opened(self, k: int, value: Any) -> tuple[list[Any], Spec]:
        if is_tracer(value) or is_number_or_array(value):
            return [value], LEAF
        leaves, spec = flatten(value, is_leaf=is_tracer, root=self.names[k], refuse=no_derivative)
        refuse_computed_fields(spec, self.names[k])
        return leaves, spec

    @cached_property
    def names(self) -> list[str]:
        """What each selected argument is called in the signature of f."""
        positional = parameter_names(self.f, len(self.args))
        return [positional[place] if isinstance(place, int) else place for place in self.places]

    @cached_property
    def labels(self) -> list[str]:
        """How each selected leaf is written inside f: `x`, `x[0]`, `params['w']`."""
        return [path for name, spec in zip(self.names, self.specs, strict=True) for path in spec.paths(name)]

    @cached_property
    def sizes(self) -> list[int]:
        """The number of entries of each leaf."""
        return [leaf.size for leaf in self.leaves]

    @cached_property
    def offsets(self) -> list[int]:
        """Where each leaf begins among the flat inputs, and their number n at the end."""
        return list(accumulate(self.sizes, initial=0))

    def call(self, leaves: Sequence[Any]) -> Any:
        """The output of f with these leaves in place of the selected ones."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for place, value in zip(self.places, self.unflatten(leaves), strict=True):
            if isinstance(place, int):
                args[place] = value
            else:
                kwargs[place] = value
        return INTERPOSITION.stand_in(self.f)(*args, **kwargs)

    def unflatten(self, leaves: Sequence[Any]) -> list[Any]:
        """One value for each selected argument, with its structure."""
        if len(leaves) != len(self.leaves):
            raise ValueError(f"expected {len(self.leaves)} leaves ({', '.join(self.labels)}), got {len(leaves)}")
        bounds = list(accumulate((spec.n_leaves for spec in self.specs), initial=0))
        return [spec.unflatten(leaves[bounds[k] : bounds[k + 1]]) for k, spec in enumerate(self.specs)]

    def wrap(self, results: Sequence[Any]) -> Any:
        """The result for the one selected argument, or the tuple of results."""
        return results[0] if self.single else tuple(results)


def select(
    f: Callable,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: int | tuple[int, ...] | None = FIRST,
    argnames: str | tuple[str, ...] | None = None,
    holomorphic: bool = False,
) -> Selection:
    """The selection that `argnums` and `argnames` make of a call.

    Parameters
    ----------
    argnums : a position (the result is that argument's), a tuple of positions (the result is a tuple), or
        None for every positional argument with a float or complex number in it; negative ones count from
        the end. Left at its default `FIRST` beside `argnames`, it selects nothing.
    argnames : the name of a keyword argument, or a tuple of names
    holomorphic : whether complex arguments may be selected

    Raises
    ------
    ValueError
        If a position or name is repeated or not part of the call, or none is given.
    TypeError
        If `argnums` or `argnames` is neither of the above.
    NotDifferentiableError
        If a selected leaf is no float, and not complex with `holomorphic=True`.
    """
    positions = selected_positions(f, args, argnums, argnames is not None)
    names = () if argnames is None else selected_names(f, kwargs, argnames)
    if argnums is None and not positions + names:
        raise nothing_to_differentiate(f, args)
    # A lone int, a lone name, and the only argument that None finds stand for themselves.
    single = len(positions) + len(names) == 1 and not isinstance(argnames if names else argnums, tuple)
    selection = Selection(f, args, kwargs, positions + names, single)
    check_dtypes(selection, holomorphic)
    return selection


def selected_positions(f: Callable, args: Sequence[Any], argnums: Any, named: bool) -> tuple[int, ...]:
    """The positions that `argnums` selects, counted from the start."""
    if argnums is None:
        return tuple(k for k, value in enumerate(args) if has_floats(value))
    if named and type(argnums) is DefaultArgnums:
        return ()
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    if not given:
        raise ValueError("argnums is empty: select at least one argument")
    positions = tuple(position(f, args, number) for number in given)
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums={argnums} selects an argument more than once")
    return positions


def position(f: Callable, args: Sequence[Any], number: Any) -> int:
    """One of `argnums`, counted from the start."""
    if isinstance(number, bool | np.bool_) or not hasattr(type(number), "__index__"):
        raise TypeError(f"argnums must be an integer or a tuple of integers, got {number!r}")
    k = operator.index(number)
    if not -len(args) <= k < len(args):
        called = f"{len(args)} positional argument{'' if len(args) == 1 else 's'}"
        listed = f" ({', '.join(parameter_names(f, len(args)))})" if args else ""
        raise ValueError(
            f"argnums={k} is out of range: {name_of(f)} was called with {called}{listed}; "
            "arguments passed by keyword are selected with argnames"
        )
    return k % len(args)


def selected_names(f: Callable, kwargs: Mapping[str, Any], argnames: Any) -> tuple[str, ...]:
    """The keyword names that `argnames` selects."""
    names = argnames if isinstance(argnames, tuple) else (argnames,)
    if not names:
        raise ValueError("argnames is empty: select at least one argument")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"argnames must be a string or a tuple of strings, got {argnames!r}")
        if name not in kwargs:
            got = ", ".join(kwargs) or "none"
            raise ValueError(
                f"argnames={name!r}: {name_of(f)} was called without a keyword argument of this name "
                f"(got {got}); pass {name}=..., or select a positional argument with argnums"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"argnames={argnames} selects an argument more than once")
    return names


def has_floats(value: Any) -> bool:
    """Whether a float or complex number is in a value: an array, a number, or structure with one inside."""
    if is_tracer(value) or isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "fc"
    if isinstance(value, tuple | list):
        return any(map(has_floats, value))
    if isinstance(value, dict):
        return any(map(has_floats, value.values()))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(has_floats(getattr(value, field.name, None)) for field in dataclasses.fields(value))
    return isinstance(value, float | complex)


def check_dtypes(selection: Selection, holomorphic: bool) -> None:
    """Raise NotDifferentiableError, naming the leaf, unless all are float, or complex where that may be."""
    for k, leaf in enumerate(selection.leaves):
        kind = leaf.dtype.kind
        if kind == "c" and not holomorphic:
            raise NotDifferentiableError(
                f"{selection.labels[k]} is complex ({leaf.dtype}): complex inputs need holomorphic=True, and "
                "a function that is holomorphic"
            )
        if kind not in "fc":
            raise NotDifferentiableError(discrete(leaf, selection.labels[k]))


def discrete(leaf: Any, label: str) -> str:
    """What to say of an integer or boolean leaf that was selected."""
    boolean = leaf.dtype.kind == "b"
    if leaf.shape != () or is_tracer(leaf):
        remedy = "leave it out of argnums" if boolean else f"write floats, or {label}.astype(float)"
        return f"{label} is an array of {'booleans' if boolean else 'integers'} ({leaf.dtype}); {remedy}"
    if boolean:
        return f"{label}: {leaf} is a boolean; leave it out of argnums"
    return f"{label}: {leaf} is an integer; write {leaf}.0"


def no_derivative(path: str, value: Any) -> NotDifferentiableError:
    """The error for what is neither structure nor numbers in a selected argument."""
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        remedy = "pass a plain array"
    else:
        remedy = "pass its argument by keyword, or leave it out of argnums"
    return NotDifferentiableError(f"{path} is {kind_of(value)}, which has no derivative; {remedy}")


def nothing_to_differentiate(f: Callable, args: Sequence[Any]) -> NotDifferentiableError:
    """The error for a call without any float or complex positional argument."""
    found = map(why_constant, args, parameter_names(f, len(args)))
    listed = "; ".join(found) or "it was called with none"
    return NotDifferentiableError(f"{name_of(f)} has no float or complex positional argument here: {listed}")


def why_constant(value: Any, name: str) -> str:
    """Why an argument is not among the selected."""
    if not (is_tracer(value) or is_number_or_array(value)):
        return f"{name} is {kind_of(value)}"
    leaf = as_leaf(value)
    return f"{name} is held constant" if leaf.dtype.kind in "fc" else discrete(leaf, name)


def refuse_computed_fields(spec: Spec, path: str) -> None:
    """Raise for dataclasses that compute fields from others: as inputs these would count as independent."""
    if spec.container is None:
        return
    if dataclasses.is_dataclass(spec.container):
        for field in dataclasses.fields(spec.container):
            if not field.init:
                raise NotDifferentiableError(
                    f"{path}.{field.name} is computed when a {spec.container.__qualname__} is made "
                    "(init=False) and cannot vary by itself; make it a property, or pass the other fields as "
                    "arguments"
                )
    for key, child in zip(spec.keys, spec.children, strict=True):
        refuse_computed_fields(child, path + step(spec.container, key))
