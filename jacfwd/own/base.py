"""What the primitives of the user's own have in common: calls, evaluation on plain arrays, pickling by reference."""

import functools
import inspect
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.dispatch import dispatched
from jacfwd.locations import describe, here
from jacfwd.primitive import Primitive as Base
from jacfwd.primitive import Rule
from jacfwd.recording.apply import any_tracer, stacked
from jacfwd.recording.constructors import fresh
from jacfwd.recording.interpose import running, suspended

__all__ = ["Own", "Primitive", "defined"]


class Own(Base):
    """A primitive whose function and rule are the user's; calling it calls the function, and is recorded as one node.

    The function is run on plain arrays only, C contiguous copies of the operands, with all names leading to the
    originals. It must leave its arguments alone.
    """

    def __init__(self, function: Callable, rule: Rule, name: str | None = None) -> None:
        if not callable(function):
            raise TypeError(f"{type(self).__name__} takes a function, got {type(function).__name__}")
        functools.update_wrapper(self, function, updated=())
        own = str(name or getattr(function, "__name__", type(function).__name__))
        self.home = _calling_module()

        def evaluated(*operands: Any, **params: Any) -> Any:
            return self._evaluated(operands, params)

        dispatching = dispatched(functools.update_wrapper(evaluated, function, updated=()))
        dispatching.__name__ = own
        dispatching.__jacfwd_primitive__ = self  # type: ignore[attr-defined]
        super().__init__(f"{self.home}:{own}", dispatching, rule)
        self.__jacfwd_primitive__ = self
        # What is known of the function is what it gives for arrays of the shapes it was called with.
        self.moves = self.by_element = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def compute(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """The result, one array, of plain operands."""
        raise NotImplementedError

    def _evaluated(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        given = [np.array(x, order="C") if isinstance(x, np.ndarray) else x for x in operands]
        with suspended():
            out = np.array(self.compute(given, params))[()]
        for k, (x, copy) in enumerate(zip(operands, given, strict=True)):
            if isinstance(x, np.ndarray) and np.ascontiguousarray(x).tobytes() != copy.tobytes():
                raise NotDifferentiableError(
                    f"{self.short} changed its argument {k} in place, which a recording cannot see, at "
                    f"{describe(here())}; let it work on a copy"
                )
        return out

    def __reduce__(self) -> Any:
        """By reference: the global name that holds this object."""
        for module in (self.home, self.__module__):
            for name, value in vars(sys.modules.get(module, sys)).items():
                if value is self:
                    return _global, (module, name)
        raise pickle.PicklingError(
            f"{self.short} is pickled by reference: assign it to a global name of the module {self.home}"
        )

    def __copy__(self) -> "Own":
        return self

    def __deepcopy__(self, memo: dict) -> "Own":
        return self


def defined(function: Callable) -> str:
    """Where a function is defined, for errors."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "compiled elsewhere" if code is None else f'defined in "{code.co_filename}", line {code.co_firstlineno}'


def _global(module: str, name: str) -> Any:
    """What a module calls by this name, for unpickling."""
    __import__(module)
    return getattr(sys.modules[module], name)


def _calling_module() -> str:
    """The module whose code makes a primitive, which is where its name is looked for."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith("jacfwd.own.") and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__"))


class Primitive(Own):
    """A function of arrays with a rule of the user's own: its structured local Jacobian for each operand.

    The function takes arrays by position (or those that `rule.on(...)` names) and static parameters by keyword, and
    returns one array. The rule is made by a builder of `jacfwd.primitive`, such as `elementwise`, `jacobians`,
    `moves` or `structured`; it computes with NumPy functions, so that derivatives of every order, programs and
    patterns follow from it.

    Parameters
    ----------
    function : called with plain arrays only; may be compiled code
    rule : what the function says of itself
    name : what graphs call it; by default the function's name

    Raises
    ------
    TypeError
        If `function` is no function or `rule` no rule.

    >>> import jacfwd as jf
    >>> from jacfwd.primitive import elementwise
    >>> softplus = jf.Primitive(lambda x: np.log1p(np.exp(x)), elementwise(lambda out, x: 1 / (1 + np.exp(-x))))
    >>> jf.gradient(softplus)(0.0)
    np.float64(0.5)
    >>> jf.testing.check_rule(softplus, np.array([-1.0, 0.0, 2.0]))
    """

    def __init__(self, function: Callable, rule: Rule, *, name: str | None = None) -> None:
        if not isinstance(rule, Rule):
            raise TypeError(
                "Primitive takes a rule, made by jacfwd.primitive.elementwise, jacobians ..., got "
                f"{type(rule).__name__}"
            )
        super().__init__(function, rule, name)
        self.plain = function

    def compute(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        out = self.plain(*operands, **params)
        if isinstance(out, (tuple, list)):
            raise TypeError(
                f"{self.short} returned a {type(out).__name__}; a Primitive returns one array, custom_jvp takes "
                "structures"
            )
        return out

    def evaluate(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        args, kwargs = self.arguments(operands, params)
        return self.function(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if running() is None and not any(map(any_tracer, (*args, *kwargs.values()))):
            return self.plain(*args, **kwargs)
        args = tuple(stacked(x) if any_tracer(x) else x for x in args)
        return fresh(self.function(*args, **{name: stacked(x) if any_tracer(x) else x for name, x in kwargs.items()}))
