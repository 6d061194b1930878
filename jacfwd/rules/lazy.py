"""Functions of SciPy for use in rules: imported when first needed, and as the table knows them."""

from collections.abc import Callable
from typing import Any

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.primitive import primitive_by_name

__all__ = ["Lazy", "refused", "special"]


class Lazy:
    """A module of SciPy by its name; what is called through it can be recorded."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)  # such as tools ask any object for, `__wrapped__` say
        function: Callable[..., Any] = primitive_by_name(f"{self._module}:{name}").function
        setattr(self, name, function)
        return function


special = Lazy("scipy.special")


def refused(function: str, parameter: str, why: str = "no closed form is known") -> Callable[..., Any]:
    """The partial derivative by a parameter that has none: it raises UnsupportedFunctionError."""

    def partial(*args: Any, **kwargs: Any) -> Any:
        raise UnsupportedFunctionError(
            f"{function}: no derivative with respect to '{parameter}' ({why}); hold it constant, or give the "
            "derivative with jf.custom_jvp"
        )

    return partial
