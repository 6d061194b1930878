"""Calls in SciPy's signatures: bound once at the door, with the kind of Jacobian that was asked for."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["KINDS", "kind_for", "like", "taking", "with_rest"]

# The kinds of Jacobian that `jac=` may name; anything else is SciPy's.
KINDS = ("exact", "dense", "sparse", "operator", "products")


def like(original: Callable) -> Callable[[Callable[[dict[str, Any]], Any]], Callable]:
    """Give a function of bound arguments the signature of `original`, a function of SciPy's.

    Arguments that were not given are absent from the dictionary, keyword arguments that `original` lacks are in it.
    """
    signature = inspect.signature(original)
    variadic = {p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.VAR_KEYWORD}

    def decorate(function: Callable[[dict[str, Any]], Any]) -> Callable:
        @functools.wraps(function)
        def public(*args: Any, **kwargs: Any) -> Any:
            given = dict(signature.bind(*args, **kwargs).arguments)
            for name in variadic:
                given.update(given.pop(name, {}))
            return function(given)

        public.__signature__ = signature  # type: ignore[attr-defined]
        del public.__wrapped__
        return public

    return decorate


def kind_for(wanted: str, method: str, allowed: Sequence[str], instead: Mapping[str, str]) -> str:
    """The kind of derivative for a solver's method, out of those that it takes, the best one first.

    Raises ValueError, saying what to pass, where the method does not take what is wanted.
    """
    if wanted == "exact":
        return allowed[0] if allowed else "none"
    if wanted in allowed:
        return wanted
    goes = f"; {wanted!r} goes with {instead[wanted]}" if wanted in instead else ""
    if not allowed:
        raise ValueError(f"method={method!r} takes no derivative at all: leave it out{goes}")
    takes = " or ".join(map(repr, allowed))
    raise ValueError(f"method={method!r} takes {takes}, not {wanted!r}: leave it out or pass what it takes{goes}")


def taking(names: str, f: Callable, of: Callable) -> Callable:
    """f as a function of the named positional arguments, made of the user's function `of`.

    It goes by that function's name and place, and what that one refers to is found through it.
    """
    functools.update_wrapper(f, of, updated=())
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    f.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names.split()])  # type: ignore[attr-defined]
    return f


def with_rest(f: Callable, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Callable:
    """f of its first argument, with the others bound."""
    if not args and not kwargs:
        return f
    keywords = dict(kwargs or {})

    @functools.wraps(f, updated=())
    def bound(*inputs: Any) -> Any:
        return f(*inputs, *args, **keywords)

    return bound
