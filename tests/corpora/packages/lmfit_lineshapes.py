"""lmfit.lineshapes: every line shape, with respect to the coordinate and all parameters."""

import inspect

from lmfit import lineshapes

from tests.corpora.case import Case, Cases, near, numbers

__all__ = ["cases"]

NAME = "lmfit"


def cases() -> Cases:
    """Every function of the module; the forms of `step` and `rectangle` each."""
    for name, function in vars(lineshapes).items():
        if inspect.isfunction(function) and function.__module__ == lineshapes.__name__ and not name.startswith("_"):
            yield from of_shape(name, function)


def of_shape(name: str, function) -> Cases:
    signature = inspect.signature(function).parameters
    args = []
    for k, (parameter, value) in enumerate(signature.items()):
        if parameter in ("x", "y", "value"):
            args.append(numbers(0.3, 2.7, 7))
        elif isinstance(value.default, int | float):
            args.append(float(near(value.default, k)))
    if name == "not_zero":
        args = [0.7]
    if name == "doniach":
        args[-1] = 0.3
    forms = ("linear", "atan", "erf", "logistic") if name in ("step", "rectangle") else (None,)
    for form in forms:
        f = function if form is None else lambda *a, form=form: function(*a, form=form)
        yield Case(NAME, name if form is None else f"{name}({form})", f, tuple(args))
