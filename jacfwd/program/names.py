"""Names in generated source: functions under their own, constants under what they hold."""

import keyword
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.graph import Node

__all__ = ["Names"]

# What programs call their own variables.
TAKEN = re.compile(r"[bmpqrstvwx][\d_]+|data|buffers|starts|[aijkoz]|region_\d+")


class Names:
    """What the names in a program stand for."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self._of: dict[int, str] = {}
        self._numbers: dict[tuple, str] = {}

    def of(self, function: Any, name: str | None = None) -> str:
        """The name of a function."""
        return self._bound(function, name or function.__name__)

    def constant(self, value: Any, prefix: str = "c") -> str:
        """The name of a constant."""
        return self._bound(value, f"{prefix}{len(self.scope)}")

    def number(self, value: Any, dtype: np.dtype) -> str:
        """A number as an array without axes: NumPy computes with those without converting."""
        wrapped = np.array(value, dtype)
        key = dtype.str, wrapped.tobytes()
        if key not in self._numbers:
            self._numbers[key] = self._bound(wrapped, spelled(value))
        return self._numbers[key]

    def literal(self, value: Any) -> str:
        """A parameter: written out where Python can read it back, else a name."""
        simple = value is None or type(value) in (bool, int, str)
        if simple or (type(value) is tuple and all(v is None or type(v) in (bool, int, str) for v in value)):
            return repr(value)
        return self.constant(value)

    def wrapped(self, node: Node, k: int, nodes: Sequence[Node], flat: bool) -> str:
        """Constant operand k of a node; Python's numbers in the dtype that they take beside the arrays."""
        value = node.constants[k]
        if isinstance(value, np.ndarray) and value.size != 1:
            return self.constant(value.reshape(-1) if flat else value)
        if flat or np.ndim(value) == 0:
            dtype = self._dtype_beside(node, k, nodes)
            single = np.reshape(value, ())[()] if isinstance(value, np.ndarray) else value
            if dtype is not None and type(single) is not bool:
                return self.number(single, dtype)
            value = single
        return self.constant(value) if not isinstance(value, bool | int | float) else repr_or(value, self)

    def _dtype_beside(self, node: Node, k: int, nodes: Sequence[Node]) -> np.dtype | None:
        """The dtype of a number among the other operands of a ufunc; None where it had better stay what it is."""
        value, primitive = node.constants[k], node.primitive
        function = None if primitive is None else primitive.function
        if isinstance(value, np.ndarray | np.generic):
            return value.dtype if value.dtype.kind in "iufc" else None
        if not isinstance(function, np.ufunc) and getattr(function, "__name__", "") != "strong_product":
            return None
        if isinstance(function, np.ufunc) and mixed(function):
            return None
        others: list[Any] = [
            nodes[p].dtype if p is not None else c for p, c in zip(node.parents, node.constants, strict=True)
        ]
        others = [x for j, x in enumerate(others) if j != k and x is not None]
        if not isinstance(value, int | float | complex) or not others:
            return None
        try:
            if isinstance(function, np.ufunc):  # some of SciPy's take Python's numbers for double precision
                kinds = [
                    nodes[p].dtype if p is not None else c.dtype if hasattr(c, "dtype") else type(c)
                    for p, c in zip(node.parents, node.constants, strict=True)
                ]
                found = function.resolve_dtypes((*kinds, *(None,) * function.nout))[k]
            else:
                found = np.result_type(*others, value)
        except (TypeError, OverflowError):
            return None
        return found if found.kind in "fc" else None

    def _bound(self, value: Any, wanted: str) -> str:
        known = self._of.get(id(value))
        if known is not None:
            return known
        name = base = re.sub(r"\W", "_", wanted)
        k = 2
        while name in self.scope or keyword.iskeyword(name) or TAKEN.fullmatch(name):
            name, k = f"{base}_{k}", k + 1
        self.scope[name] = value
        self._of[id(value)] = name
        return name


def spelled(value: Any) -> str:
    """A number as part of a name: `c_0_5`, `c_m2`."""
    if isinstance(value, complex | np.complexfloating):
        return "c_complex"
    text = repr(float(value)).removesuffix(".0")
    return "c_" + text.replace("-", "m").replace(".", "_").replace("+", "")


def repr_or(value: Any, names: Names) -> str:
    """A number written out where that gives it back."""
    return repr(value) if not isinstance(value, float) or math.isfinite(value) else names.constant(value)


def mixed(function: np.ufunc) -> bool:
    """Whether operands of a ufunc may be of different kinds, as the integers of `ldexp` are."""
    kinds = (set(kind.partition("->")[0]) for kind in function.types)
    return any(kind & set("efdgFDG") and len(kind) > 1 and not kind & set("mMO") for kind in kinds)
