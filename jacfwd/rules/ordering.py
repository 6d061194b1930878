"""Rules of sorting and of sets: elements selected by a permutation that the values decide.

The permutation is an operation without derivative on which the selection relies: at a point that orders the
elements otherwise, a replay raises BranchChangedError. Equal elements keep their order.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.primitive import Rule, composed, constant

__all__ = ["RULES"]

# Since NumPy 2.3 unique values need not be sorted; with an axis they are.
SORTED, UNSORTED = [{"sorted": x} if np.lib.NumpyVersion(np.__version__) >= "2.3.0" else {} for x in (True, False)]

# Sorting


def sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """`np.sort`: the elements in stable order."""
    a = as_array(a)
    # NumPy's own complaints about the parameters, on an array that takes no memory.
    np.sort(np.broadcast_to(np.zeros((), a.dtype), (0,) * a.ndim), axis, kind, order, stable=stable)
    return np.take_along_axis(a, np.argsort(a, axis=axis, kind="stable"), axis)


def sort_complex(a: Any) -> Any:
    """`np.sort_complex`: sorted, then made complex."""
    out = sort(a)
    return out if out.dtype.kind == "c" else out.astype(np.sort_complex(np.zeros(0, out.dtype)).dtype)


@dispatched
def partition_places(a: Any, *, kth: Any, axis: int | None, kind: Any, order: Any) -> Any:
    """Where `np.partition` takes its elements from: equal ones in their order, however it works."""
    parted = np.partition(a, kth, axis, kind, order)
    ranks, source = (np.argsort(x, axis=axis, kind="stable") for x in (parted, a))
    places = np.empty(ranks.shape, np.intp)
    np.put_along_axis(places, ranks, source, axis)
    return places


def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Any:
    """`np.partition`: the arrangement that NumPy finds."""
    a = as_array(a)
    places = partition_places(a, kth=kth, axis=axis, kind=kind, order=order)
    return np.take_along_axis(a, places, axis)


# Sets


@dispatched
def unique_parts(ar: Any, *, part: int, options: dict[str, Any]) -> Any:
    """One of the arrays of integers that `np.unique` returns: indices 1, inverse 2, counts 3."""
    return np.unique(ar, return_index=True, return_inverse=True, return_counts=True, **options)[part]


@dispatched
def unique_places(ar: Any, *, options: dict[str, Any]) -> Any:
    """Where the first of each of the values stands, in the order in which `np.unique(ar, **options)` has them."""
    values = np.unique(ar, **options)
    first = np.unique(ar, return_index=True, **{**options, **SORTED})[1]
    if options.get("sorted", True):
        return first
    places = np.empty(len(values), np.intp)
    places[np.argsort(values, kind="stable")] = first
    return places


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    """`np.unique`: the first of each of the values."""
    ar = as_array(ar)
    options["axis"] = axis
    wanted = [k for k, asked in enumerate((return_index, return_inverse, return_counts), start=1) if asked]
    if wanted:
        places = unique_parts(ar, part=1, options=options)
    else:
        places = unique_places(ar, options=options)
    values = np.take(ar, places, axis=axis)
    return (values, *(unique_parts(ar, part=k, options=options) for k in wanted)) if wanted else values


def named_parts(function: Callable, *wanted: str) -> Callable[..., Any]:
    """`unique_all`, `unique_counts`, `unique_inverse`: named results, nan never equal to nan."""
    kind = type(function(np.zeros(1)))

    def rewrite(x: Any, /) -> Any:
        return kind(*unique(x, equal_nan=False, **dict.fromkeys(wanted, True)))

    return rewrite


def unique_values(x: Any, /) -> Any:
    """`np.unique_values`: nan never equal to nan, in the order that NumPy finds."""
    return unique(x, equal_nan=False, **UNSORTED)


def sets(ar1: Any, ar2: Any, assume_unique: bool) -> tuple[Any, Any]:
    """The two operands of a function of sets, flat and without repetitions."""
    return tuple(np.ravel(as_array(ar)) if assume_unique else unique(ar) for ar in (ar1, ar2))  # type: ignore[return-value]


def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """`np.intersect1d`: common values, those of the first array."""
    first, second = sets(ar1, ar2, assume_unique)
    both = np.concatenate([first, second])
    order = np.argsort(both, kind="stable")
    found = np.flatnonzero(np.equal(both[order[1:]], both[order[:-1]]))
    common = both[order[:-1][found]]
    if not return_indices:
        return common
    places = order[:-1][found], order[1:][found] - len(first)
    if not assume_unique:
        firsts = (unique_parts(as_array(ar), part=1, options={}) for ar in (ar1, ar2))
        places = tuple(of[at] for of, at in zip(firsts, places, strict=True))
    return common, *places


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`np.setxor1d`: values of one array only."""
    both = sort(np.concatenate(sets(ar1, ar2, assume_unique)))
    if not len(both):
        return both
    apart = np.concatenate([[True], np.not_equal(both[1:], both[:-1]), [True]])
    return both[np.logical_and(apart[1:], apart[:-1])]


def union1d(ar1: Any, ar2: Any) -> Any:
    """`np.union1d`: values of either."""
    return unique(np.concatenate([np.ravel(as_array(ar)) for ar in (ar1, ar2)]))


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`np.setdiff1d`: values of the first array that are not in the second."""
    ar1 = np.ravel(as_array(ar1)) if assume_unique else unique(ar1)
    return ar1[np.isin(ar1, ar2, invert=True)]


RULES: dict[Any, Rule] = {
    np.sort: composed(sort),
    np.sort_complex: composed(sort_complex),
    partition_places: constant(),
    np.partition: composed(partition),
    unique_parts: constant(),
    unique_places: constant(),
    np.unique: composed(unique),
    np.unique_all: composed(named_parts(np.unique_all, "return_index", "return_inverse", "return_counts")),
    np.unique_counts: composed(named_parts(np.unique_counts, "return_counts")),
    np.unique_inverse: composed(named_parts(np.unique_inverse, "return_inverse")),
    np.unique_values: composed(unique_values),
    np.intersect1d: composed(intersect1d),
    np.setxor1d: composed(setxor1d),
    np.union1d: composed(union1d),
    np.setdiff1d: composed(setdiff1d),
}
