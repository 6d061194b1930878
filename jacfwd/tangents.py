"""The tangents that selected arguments are given: of the same structure, shapes and dtypes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.arguments import Selection, as_leaf, check_dtypes, why_constant
from jacfwd.callables import parameter_names
from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.structure import Spec, flatten, kind_of

__all__ = ["argument_list", "match_tangents", "select_primals"]


def argument_list(primals: Any) -> tuple[Any, ...]:
    """The arguments that primals or tangents stand for: a tuple is their list, anything else is the one.

    A namedtuple is structure, and thus one argument.
    """
    return primals if type(primals) is tuple else (primals,)


def select_primals(f: Callable, primals: Any, tangents: Any) -> Selection:
    """The selection of those primals whose tangent is not None, which may be none at all.

    Raises
    ------
    ValueError
        If there are more or fewer tangents than primals.
    NotDifferentiableError
        If an integer, boolean or object primal has a tangent.
    """
    args, given = paired(f, primals, tangents)
    places = [k for k, tangent in enumerate(given) if tangent is not None]
    selection = Selection(f, args, {}, places, bool(places) and type(primals) is not tuple)
    check_dtypes(selection, holomorphic=True)
    return selection


def match_tangents(selection: Selection, primals: Any, tangents: Any) -> list[Any]:
    """One tangent for each selected leaf, in its dtype and of its shape, or None where it is held constant.

    None may stand for an argument or for a leaf within one.

    Raises
    ------
    ValueError
        If number, structure or shapes differ from the primals'; the message lists every argument.
    TypeError
        If a tangent is no number or array, or complex where its primal is real.
    NotDifferentiableError
        If a primal that is not selected, such as an integer, has a tangent.
    """
    args, given = paired(selection.f, primals, tangents)
    for k, tangent in enumerate(given):
        if tangent is not None and k not in selection.places:
            reason = why_constant(args[k], parameter_names(selection.f, len(args))[k])
            raise NotDifferentiableError(f"{reason}; its tangent must be None")
    opened = [
        opened_tangent(given[int(place)], spec, name)
        for place, spec, name in zip(selection.places, selection.specs, selection.names, strict=True)
    ]
    report = mismatches(selection, opened)
    if report:
        raise ValueError("the tangents do not fit the primals\n" + "\n".join(report))
    leaves = [leaf for leaves, _ in opened for leaf in leaves]
    return list(map(cast, leaves, selection.leaves, selection.labels))


def paired(f: Callable, primals: Any, tangents: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Primals and tangents as lists of arguments of one length."""
    args, given = argument_list(primals), argument_list(tangents)
    if (type(primals) is tuple) != (type(tangents) is tuple):
        kinds = f"primals {'are' if type(primals) is tuple else 'are not'} a tuple"
        raise ValueError(f"expected primals and tangents to be both tuples of arguments or neither: {kinds}")
    if len(args) != len(given):
        listed = ", ".join(parameter_names(f, len(args)))
        raise ValueError(f"expected {len(args)} tangents, one for each of ({listed}), got {len(given)}")
    return args, given


def opened_tangent(tangent: Any, spec: Spec, name: str) -> tuple[list[Any], Spec]:
    """Leaves and structure of one argument's tangent; a None for the whole fits any structure."""
    if tangent is None:
        return [None] * spec.n_leaves, spec
    return flatten(tangent, is_leaf=lambda x: x is None or is_tracer(x), root=name, refuse=no_tangent)


def no_tangent(path: str, value: Any) -> TypeError:
    """The error for something in a tangent that is neither structure, numbers nor None."""
    return TypeError(f"the tangent of {path} is {kind_of(value)}; expected numbers, an array or None")


def mismatches(selection: Selection, opened: Sequence[tuple[list[Any], Spec]]) -> list[str]:
    """A line for each selected argument or leaf, expected against got; no lines if everything fits."""
    lines, wrong = [], False
    labels, leaves = iter(selection.labels), iter(selection.leaves)
    for name, spec, (tangents, got) in zip(selection.names, selection.specs, opened, strict=True):
        primals = [(next(labels), next(leaves)) for _ in range(spec.n_leaves)]
        if not spec.matches(got):
            lines.append(f"  {name}: expected {spec}, got {got}  <- differs")
            wrong = True
            continue
        for (label, leaf), tangent in zip(primals, tangents, strict=True):
            shape = leaf.shape if tangent is None else np.shape(tangent)
            fits = shape == leaf.shape
            wrong |= not fits
            found = "None" if tangent is None else f"shape {shape}"
            lines.append(f"  {label}: expected shape {leaf.shape}, got {found}{'' if fits else '  <- differs'}")
    return lines if wrong else []


def cast(tangent: Any, leaf: Any, label: str) -> Any:
    """A tangent in the dtype of its primal."""
    if tangent is None:
        return None
    array = as_leaf(tangent)
    if array.dtype.kind == "c" and leaf.dtype.kind != "c":
        raise TypeError(f"the tangent of {label} is {array.dtype}, but {label} is {leaf.dtype}: pass a real tangent")
    return array if array.dtype == leaf.dtype else array.astype(leaf.dtype)
