"""What a command is about: a formula or a function of the user's, and the point at which to look at it.

`module:function` and `file.py:function` name functions; everything without a colon is a formula.
"""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jacfwd.api import name
from jacfwd.expression import Expression, ExpressionError, parse

__all__ = ["PointError", "Subject", "TargetError", "subject"]

FILES = (".npy", ".csv", ".txt")


class PointError(ValueError):
    """Values of variables (`--at`) that do not fit the expression or the function."""


class TargetError(ValueError):
    """A function that cannot be found or imported."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A function and a point; `expression` where it is a formula of numbers."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    point: dict[str, Any]
    expression: Expression | None = None


def subject(target: str, settings: Sequence[str]) -> Subject:
    """The function and the point that a command names.

    Raises ExpressionError, PointError, TargetError for what makes no sense.
    """
    if ":" in target:
        return _function(target, settings)
    expression = parse(target)
    if not expression.variables:
        raise PointError("the expression has no variable to differentiate with respect to")
    point = _numbers(settings, expression.variables)
    args = tuple(np.float64(value) for value in point.values())
    return Subject(expression.function(name), args, point, expression)


def _numbers(settings: Iterable[str], variables: Sequence[str]) -> dict[str, float]:
    """The values of the variables, in their order."""
    values: dict[str, float] = {}
    for setting in settings:
        variable, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise PointError(f"--at {setting}: expected NAME=VALUE, such as x=4")
        if variable not in variables:
            raise PointError(f"--at {setting}: {variable!r} is not among the inputs {', '.join(variables)}")
        if variable in values:
            raise PointError(f"--at {setting}: {variable!r} has a value already")
        values[variable] = _constant(setting, text)
    missing = [v for v in variables if v not in values]
    if missing:
        raise PointError(f"no value for {', '.join(missing)}; add --at {missing[0]}=VALUE")
    return {v: values[v] for v in variables}


def _constant(setting: str, text: str) -> float:
    """The value of a formula without variables."""
    try:
        formula = parse(text)
    except ExpressionError as error:
        raise PointError(f"--at {setting}: in {text!r}, {error}") from None
    if formula.variables or "=" in text:
        raise PointError(f"--at {setting}: {text!r} is no number")
    with np.errstate(all="ignore"):
        value = float(formula.function()())
    if not np.isfinite(value):
        raise PointError(f"--at {setting}: {text!r} is {value}")
    return value


def _function(target: str, settings: Sequence[str]) -> Subject:
    """A function of the user's, at values given in order or by name."""
    function = _found(target)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    parameters = _parameters(function)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if equals and key.strip().isidentifier():
            named[key.strip()] = _value(setting, text.strip())
        else:
            positional.append(_value(setting, setting.strip()))
    try:
        bound = inspect.signature(function).bind(*positional, **named)
    except TypeError as error:
        raise PointError(f"{target}: {error}; add --at VALUE or --at NAME=VALUE for each argument") from None
    except ValueError:
        return Subject(function, tuple(positional), _labelled(parameters, positional))
    if bound.kwargs:
        raise PointError(f"{target}: {', '.join(bound.kwargs)} can be given by keyword only, which --at cannot")
    return Subject(function, bound.args, _labelled(parameters, bound.args))


def _parameters(function: Callable) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:
        return []


def _labelled(parameters: Sequence[str], args: Sequence[Any]) -> dict[str, Any]:
    names = [*parameters, *(f"argument {k}" for k in range(len(parameters), len(args)))]
    return dict(zip(names, args, strict=False))


def _found(target: str) -> Callable[..., Any]:
    """Import the function that `module:function` or `file.py:function` names."""
    place, _, attribute = target.rpartition(":")
    module: Any = _module(place)
    for part in attribute.split("."):
        if not hasattr(module, part):
            near = ", ".join(sorted(each for each in vars(module) if not each.startswith("_"))[:8])
            raise TargetError(f"{place} has no {part!r}; it has {near or 'nothing public'}")
        module = getattr(module, part)
    if not callable(module):
        raise TargetError(f"{target} is no function but {type(module).__name__}")
    return module


def _module(place: str) -> Any:
    """A module by name, from the current folder first, or by the path of its file."""
    try:
        if place.endswith(".py"):
            return _from_file(Path(place))
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        raise TargetError(f"no module {error.name!r}; give module:function or file.py:function") from None
    except (ImportError, OSError, SyntaxError, TypeError, ValueError) as error:
        raise TargetError(f"{place} cannot be imported: {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> Any:
    if not path.exists():
        raise TargetError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _value(setting: str, text: str) -> Any:
    """An array from a file, a number, or a list such as [1, 2.5]."""
    if text.endswith(FILES):
        return _loaded(setting, Path(text))
    if text.startswith("["):
        try:
            return np.array(ast.literal_eval(text), float)
        except (SyntaxError, TypeError, ValueError):
            raise PointError(f"--at {setting}: {text!r} is no list of numbers, such as [1, 2.5]") from None
    return np.float64(_constant(setting, text))


def _loaded(setting: str, path: Path) -> Any:
    """The array in a file. Pickled objects are not loaded: that would run whatever the file says."""
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        return np.loadtxt(path, delimiter="," if path.suffix == ".csv" else None)
    except (OSError, ValueError) as error:
        raise PointError(f"--at {setting}: {error}") from None
