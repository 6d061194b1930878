"""Structure at the door: nested inputs and outputs as a flat list of array leaves, and back.

Containers are tuples, namedtuples, dicts (leaves in the order of the sorted keys) and dataclass instances.
Leaves are arrays, NumPy scalars, Python numbers and whatever the caller's `is_leaf` accepts. A list is not
structure: it counts as the one array that `np.array` makes of it.
"""

import dataclasses
import reprlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "LEAF",
    "Spec",
    "as_value",
    "belongs_into_aux",
    "flatten",
    "is_number_or_array",
    "kind_of",
    "nest",
    "step",
]

NUMERIC_KINDS = "biufc"
NUMBER_TYPES = frozenset({bool, int, float, complex})


class Spec(NamedTuple):
    """The structure of a value without its leaves: a tree whose leaves are `LEAF`.

    Two specs are equal where containers, keys and the order in which dicts were filled are; `matches`
    leaves the latter out.

    Parameters
    ----------
    container : the class of the container, None for a leaf
    keys : indices of a tuple, field names, or the sorted keys of a dict
    children : one Spec for each key
    order : for dicts, positions in `keys` in the order of insertion, which a rebuilt dict has again
    """

    container: type[Any] | None = None
    keys: tuple[Any, ...] = ()
    children: tuple["Spec", ...] = ()
    order: tuple[int, ...] = ()

    @property
    def n_leaves(self) -> int:
        """The number of leaves."""
        return 1 if self.container is None else sum(child.n_leaves for child in self.children)

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """The value of this structure with the given leaves.

        Dataclass instances are made without calling their `__init__`: a Jacobian's fields need not be what
        the class would accept.

        Raises
        ------
        ValueError
            If there are more or fewer leaves than the structure has places.
        """
        if self.container is None and len(leaves) == 1:
            return leaves[0]
        if len(leaves) != self.n_leaves:
            raise ValueError(f"expected {self.n_leaves} leaves for {self}, got {len(leaves)}")
        return self._filled(iter(leaves))

    def _filled(self, leaves: Iterator[Any]) -> Any:
        if self.container is None:
            return next(leaves)
        return self._container_of([child._filled(leaves) for child in self.children])

    def _container_of(self, values: list[Any]) -> Any:
        container: Any = self.container
        if container is tuple:
            return tuple(values)
        if issubclass(container, tuple):
            return container._make(values)
        if issubclass(container, dict):
            return container((self.keys[k], values[k]) for k in self.order)
        instance = object.__new__(container)
        for name, value in zip(self.keys, values, strict=True):
            object.__setattr__(instance, name, value)
        return instance

    def paths(self, root: str = "x") -> list[str]:
        """How to write each leaf in Python, given what the whole is called.

        >>> flatten({"w": (1.0, 2.0), "b": 3.0})[1].paths("params")
        ["params['b']", "params['w'][0]", "params['w'][1]"]
        """
        if self.container is None:
            return [root]
        parts = zip(self.keys, self.children, strict=True)
        return [path for key, child in parts for path in child.paths(root + step(self.container, key))]

    def matches(self, other: "Spec") -> bool:
        """Whether both have the same containers with the same keys, in whatever order dicts were filled."""
        return (
            self.container is other.container
            and self.keys == other.keys
            and all(mine.matches(theirs) for mine, theirs in zip(self.children, other.children, strict=True))
        )

    def __repr__(self) -> str:
        container = self.container
        if container is None:
            return "*"
        if container is tuple:
            return f"({', '.join(map(repr, self.children))}{',' if len(self.children) == 1 else ''})"
        if issubclass(container, dict):
            items = ", ".join(f"{key!r}: {child}" for key, child in zip(self.keys, self.children, strict=True))
            return f"{{{items}}}"
        fields = ", ".join(f"{key}={child}" for key, child in zip(self.keys, self.children, strict=True))
        return f"{container.__name__}({fields})"


LEAF = Spec()


def flatten(
    value: Any,
    *,
    is_leaf: Callable[[Any], bool] | None = None,
    stack: Callable[[list[Any]], Any] = np.stack,
    root: str = "out",
    refuse: Callable[[str, Any], Exception] | None = None,
) -> tuple[list[Any], Spec]:
    """The leaves of a nested value, in order, and the structure that puts them together again.

    Parameters
    ----------
    is_leaf : accepts objects of the caller's as leaves (they have a `shape`); asked before anything else
    stack : makes one array leaf of a list of leaves of one shape, of which at least one is the caller's;
        lists without such go through `np.array`
    root : what errors call the value
    refuse : makes the exception for what is neither structure nor a leaf from its path and itself;
        `belongs_into_aux` if not given

    Raises
    ------
    TypeError
        For lists that are no array, dicts whose keys cannot be sorted, and, unless `refuse` says
        otherwise, for None, strings and other objects. The message says where they are.

    >>> flatten({"b": 2.0, "a": (1.0, [3.0, 4.0])})
    ([1.0, array([3., 4.]), 2.0], {'a': (*, *), 'b': *})
    """
    walk = Walk(is_leaf or never, stack, refuse or belongs_into_aux)
    spec = walk.spec_of(value, root)
    return walk.leaves, spec


def nest(out_spec: Spec, in_spec: Spec, function: Callable[[int, int], Any]) -> Any:
    """The nested result `J[output][input]`: `function(o, i)` for output leaf o and input leaf i."""
    if out_spec.container is None and in_spec.container is None:
        return function(0, 0)
    inputs = range(in_spec.n_leaves)
    rows = [in_spec.unflatten([function(o, i) for i in inputs]) for o in range(out_spec.n_leaves)]
    return out_spec.unflatten(rows)


def as_value(leaf: Any, *, copy: bool = True) -> Any:
    """A leaf as it is handed to the user: a NumPy scalar for shape (), else a new writeable array.

    `copy=False` is for arrays that nobody else refers to.
    """
    array = np.array(leaf) if copy else np.asarray(leaf)
    return array[()] if array.ndim == 0 else array


def is_number_or_array(value: Any) -> bool:
    """Whether this is a number, or an array of numbers without a meaning of its own (masks, units)."""
    if type(value) in NUMBER_TYPES:
        return True
    if type(value) in (np.ndarray, np.memmap) or issubclass(type(value), np.generic):
        return value.dtype.kind in NUMERIC_KINDS
    return issubclass(type(value), int | float | complex)


def kind_of(value: Any) -> str:
    """A few words on what this is, for errors.

    >>> kind_of(None), kind_of("linear"), kind_of(np.array(["a"])), kind_of({1, 2})
    ('None', "the string 'linear'", 'an array of dtype <U1', 'an object of class set')
    """
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the string {reprlib.repr(str(value))}"
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return f"an array of dtype {value.dtype}"
    return f"an object of class {type(value).__qualname__}"


def belongs_into_aux(path: str, value: Any) -> Exception:
    """The error for an output that no derivative can be asked of."""
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        remedy = "only plain arrays are differentiated: return a plain array"
    else:
        remedy = "only numbers and arrays have derivatives: such values belong into aux (has_aux=True)"
    return TypeError(f"{path} is {kind_of(value)}; {remedy}")


def never(_: Any) -> bool:
    """The `is_leaf` of who has no leaves of their own."""
    return False


def step(container: type[Any], key: Any) -> str:
    """What is written behind a container to reach its entry `key`."""
    if container is tuple:
        return f"[{key}]"
    return f"[{key!r}]" if issubclass(container, dict) else f".{key}"


class Walk:
    """One run of `flatten`: its settings and the leaves found so far."""

    __slots__ = ("is_leaf", "leaves", "refuse", "stack")

    def __init__(
        self, is_leaf: Callable[[Any], bool], stack: Callable[[list[Any]], Any], refuse: Callable[[str, Any], Exception]
    ) -> None:
        self.is_leaf, self.stack, self.refuse = is_leaf, stack, refuse
        self.leaves: list[Any] = []

    def spec_of(self, value: Any, path: str) -> Spec:
        """The structure of a value, whose leaves are appended."""
        if type(value) in NUMBER_TYPES or self.is_leaf(value) or is_number_or_array(value):
            self.leaves.append(value)
            return LEAF
        if isinstance(value, list):
            self.leaves.append(self.as_array(value, path))
            return LEAF
        opened = opened_container(value, path)
        if opened is None:
            raise self.refuse(path, value)
        keys, entries, order = opened
        container = type(value)
        children = [self.spec_of(entry, path + step(container, key)) for key, entry in zip(keys, entries, strict=True)]
        return Spec(container, keys, tuple(children), order)

    def as_array(self, elements: Sequence[Any], path: str) -> Any:
        """The one array that a list stands for."""
        _, owned = self.shape_of(elements, path)
        if owned:
            return self.stacked(elements, path)
        array = np.array(elements)
        if array.dtype.kind not in NUMERIC_KINDS:
            raise TypeError(f"{path} is a list that NumPy makes {kind_of(array)} of; use a tuple")
        return array

    def stacked(self, elements: Sequence[Any], path: str) -> Any:
        """The array of a list with leaves of the caller's in it: inner lists first."""
        return self.stack(
            [
                self.as_array(element, f"{path}[{k}]") if self.is_nested(element) else element
                for k, element in enumerate(elements)
            ]
        )

    def is_nested(self, element: Any) -> bool:
        """Whether an element of a list is itself a row of elements."""
        return type(element) in (list, tuple) and not self.is_leaf(element)

    def shape_of(self, elements: Sequence[Any], path: str) -> tuple[tuple[int, ...], bool]:
        """The shape of the array a list stands for, and whether a leaf of the caller's is in it."""
        if not elements or NUMBER_TYPES.issuperset(map(type, elements)):
            return (len(elements),), False
        shapes, owned = zip(
            *(self.element_shape(element, f"{path}[{k}]", path) for k, element in enumerate(elements)),
            strict=True,
        )
        for k, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise TypeError(
                    f"{path} is a list whose elements differ in shape, {shapes[0]} at {path}[0] and {shape} "
                    f"at {path}[{k}]: a list counts as one array, use a tuple"
                )
        return (len(elements), *shapes[0]), any(owned)

    def element_shape(self, element: Any, path: str, whole: str) -> tuple[tuple[int, ...], bool]:
        """The same for one element of a list."""
        if self.is_leaf(element) and hasattr(element, "shape"):
            return tuple(element.shape), True
        if is_number_or_array(element):
            return np.shape(element), False
        if self.is_nested(element):
            return self.shape_of(element, path)
        raise TypeError(f"{path} is {kind_of(element)}, but {whole} is a list, which counts as one array: use a tuple")


Opened = tuple[tuple[Any, ...], list[Any], tuple[int, ...]]


def opened_container(value: Any, path: str) -> Opened | None:
    """Keys, entries and insertion order of a container, or None where a value is no container.

    Only what can be put together again without loss is one: not subclasses of tuple and dict in general.
    """
    kind = type(value)
    if kind is tuple:
        return tuple(range(len(value))), list(value), ()
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make"):
        refuse_attributes(value, kind._fields, path)
        return kind._fields, list(value), ()
    if kind in (dict, OrderedDict):
        keys = sorted_keys(value, path)
        rank = {key: k for k, key in enumerate(keys)}
        return keys, [value[key] for key in keys], tuple(rank[key] for key in value)
    if dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
        refuse_attributes(value, names, path)
        return names, [getattr(value, name) for name in names], ()
    return None


def sorted_keys(value: dict[Any, Any], path: str) -> tuple[Any, ...]:
    """The keys of a dict in the order of its leaves."""
    try:
        return tuple(sorted(value))
    except TypeError as error:
        kinds = ", ".join(sorted({type(key).__name__ for key in value}))
        message = f"the keys of the dict {path} cannot be sorted ({kinds}): use keys of one kind"
        raise TypeError(message) from error


def refuse_attributes(value: Any, fields: tuple[str, ...], path: str) -> None:
    """Raise where an instance holds more than its fields, which rebuilding it would lose.

    What a `cached_property` keeps may go: it is computed anew from the new fields.
    """
    for name in getattr(value, "__dict__", ()):
        if name not in fields and not isinstance(getattr(type(value), name, None), cached_property):
            kind = type(value).__qualname__
            raise TypeError(f"{path}.{name} is no field of {kind}, and would be lost: make it a field")
