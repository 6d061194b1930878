"""The operators of a Tracer: each is its ufunc."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.rules import find

__all__ = ["Operators"]


def _binary(ufunc: np.ufunc, function: Callable) -> tuple[Callable, Callable]:
    primitive = find(ufunc)
    if primitive is None:
        # The ufunc itself will say that it has no rule.
        return lambda self, other: ufunc(self, other), lambda self, other: ufunc(other, self)

    def forward(self: Any, other: Any) -> Any:
        return self._operate(primitive, ufunc, function, self, other)

    def reflected(self: Any, other: Any) -> Any:
        return self._operate(primitive, ufunc, function, other, self)

    return forward, reflected


def _inplace(ufunc: np.ufunc) -> Callable:
    def inplace(self: Any, other: Any) -> Any:
        if self.is_scalar:
            return NotImplemented
        return ufunc(self, other, out=(self,))

    return inplace


def _unary(ufunc: Callable) -> Callable:
    return lambda self: ufunc(self)


class Operators:
    """`+ - * / // % ** @`, comparisons, `& | ^`, unary ones, reflected and in place."""

    __slots__ = ()

    __add__, __radd__ = _binary(np.add, operator.add)
    __sub__, __rsub__ = _binary(np.subtract, operator.sub)
    __mul__, __rmul__ = _binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__ = _binary(np.true_divide, operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide, operator.floordiv)
    __mod__, __rmod__ = _binary(np.remainder, operator.mod)
    __pow__, __rpow__ = _binary(np.power, operator.pow)
    __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul)
    __and__, __rand__ = _binary(np.bitwise_and, operator.and_)
    __or__, __ror__ = _binary(np.bitwise_or, operator.or_)
    __xor__, __rxor__ = _binary(np.bitwise_xor, operator.xor)
    __lshift__, __rlshift__ = _binary(np.left_shift, operator.lshift)
    __rshift__, __rrshift__ = _binary(np.right_shift, operator.rshift)
    __lt__, __gt__ = _binary(np.less, operator.lt)[0], _binary(np.greater, operator.gt)[0]
    __le__, __ge__ = _binary(np.less_equal, operator.le)[0], _binary(np.greater_equal, operator.ge)[0]
    __eq__ = _binary(np.equal, operator.eq)[0]
    __ne__ = _binary(np.not_equal, operator.ne)[0]

    __iadd__, __isub__, __imul__ = _inplace(np.add), _inplace(np.subtract), _inplace(np.multiply)
    __itruediv__, __ifloordiv__ = _inplace(np.true_divide), _inplace(np.floor_divide)
    __imod__, __ipow__, __imatmul__ = _inplace(np.remainder), _inplace(np.power), _inplace(np.matmul)
    __iand__, __ior__, __ixor__ = _inplace(np.bitwise_and), _inplace(np.bitwise_or), _inplace(np.bitwise_xor)
    __ilshift__, __irshift__ = _inplace(np.left_shift), _inplace(np.right_shift)

    __neg__, __pos__, __abs__ = _unary(np.negative), _unary(np.positive), _unary(np.absolute)
    __invert__ = _unary(np.invert)

    def __divmod__(self: Any, other: Any) -> Any:
        return np.floor_divide(self, other), np.remainder(self, other)

    def __rdivmod__(self: Any, other: Any) -> Any:
        return np.floor_divide(other, self), np.remainder(other, self)

    def __round__(self: Any, ndigits: int | None = None) -> Any:
        if ndigits is None:
            return int(np.rint(self))
        return np.round(self, ndigits)

    def __trunc__(self: Any) -> int:
        return int(np.trunc(self))

    def __floor__(self: Any) -> int:
        return int(np.floor(self))

    def __ceil__(self: Any) -> int:
        return int(np.ceil(self))
