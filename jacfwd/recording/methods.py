"""The methods and attributes of ndarray, as a Tracer has them: most are the NumPy function of the same name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.rules import find
from jacfwd.rules.internal import cast

__all__ = ["Methods"]

SAME_NAME = (
    "all any argmax argmin argpartition argsort choose clip compress cumprod cumsum diagonal dot max mean min "
    "nonzero prod ptp repeat round searchsorted squeeze std sum swapaxes take trace var"
)


def _function(function: Callable) -> Callable:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


class Flat:
    """`x.flat`: elements in C order, read and written where they lie."""

    def __init__(self: Any, array: Any) -> None:
        self.array = array

    def _at(self: Any, key: Any) -> tuple:
        return np.unravel_index(np.arange(self.array.size)[key], self.array.shape)

    def __getitem__(self: Any, key: Any) -> Any:
        return self.array.reshape(-1)[key]

    def __setitem__(self: Any, key: Any, value: Any) -> None:
        where = self._at(key)
        size = np.size(where[0]) if where else 1
        self.array[where] = np.resize(value, size) if np.size(value) not in (1, size) else value

    def __len__(self: Any) -> int:
        return self.array.size

    def __iter__(self: Any) -> Any:
        return iter(self.array.reshape(-1))


class Methods:
    """What ndarray offers besides operators."""

    __slots__ = ()

    for _name in SAME_NAME.split():
        locals()[_name] = _function(getattr(np, _name))
    del _name
    conj = conjugate = _function(np.conjugate)

    # Attributes

    T = property(lambda self: np.transpose(self))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    strides = property(lambda self: self._layout().strides)
    flags = property(lambda self: self._layout().flags)
    base = property(lambda self: None)
    device = "cpu"

    @property
    def mT(self: Any) -> Any:
        return np.swapaxes(self, -1, -2)

    @property
    def real(self: Any) -> Any:
        if self.dtype.kind != "c":
            return self
        part = np.real(self)
        part.storage().locked = "the real part of a traced array was written through .real; assign z.real = ..."
        return part

    @real.setter
    def real(self: Any, value: Any) -> None:
        self[...] = value + 1j * np.imag(self) if self.dtype.kind == "c" else value

    @property
    def imag(self: Any) -> Any:
        part = np.imag(self)
        if self.dtype.kind == "c":
            part.storage().locked = "the imaginary part of a traced array was written through .imag; assign z.imag = ..."
        return part

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self[...] = np.real(self) + 1j * np.asarray(value)

    @property
    def flat(self: Any) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self: Any, value: Any) -> None:
        self[...] = np.reshape(np.resize(value, self.shape) if np.size(value) != self.size else value, self.shape)

    def _layout(self: Any) -> np.ndarray:
        storage = self.storage()
        return storage.shape_view(self._place)

    # Shapes

    def reshape(self: Any, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        shape = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, shape, order=order)

    def transpose(self: Any, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def ravel(self: Any, order: Any = "C") -> Any:
        return np.ravel(self, order)

    def flatten(self: Any, order: Any = "C") -> Any:
        return np.ravel(self, order).copy()

    def resize(self: Any, *shape: Any, refcheck: bool = True) -> None:
        raise TypeError("resize in place is not supported for a traced array; use np.resize")

    # Copies and conversions

    def copy(self: Any, order: Any = "C") -> Any:
        return self._rec.copy(self, order)

    def astype(self: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True,
               copy: bool = True) -> Any:  # fmt: skip
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self.copy(order) if copy else self
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {self.dtype!r} to {dtype!r} according to the rule '{casting}'")
        if self.dtype.kind == "c" and dtype.kind == "f":
            return np.real(self).astype(dtype)
        return self._rec.apply(CAST, (self,), {"dtype": dtype})

    def item(self: Any, *args: Any) -> Any:
        """The element as a scalar; traced, it stays a scalar Tracer, so that its derivative is kept."""
        if not args:
            if self.size != 1:
                raise ValueError("can only convert an array of size 1 to a Python scalar")
            return self.reshape(-1)[0]
        at = args[0] if len(args) == 1 else args
        return self.reshape(-1)[at] if isinstance(at, int) else self[at]

    def tolist(self: Any) -> Any:
        """Nested lists whose elements are scalar Tracers."""
        return self[()] if not self.ndim else [row.tolist() if self.ndim > 1 else row for row in self]

    # Writing

    def fill(self: Any, value: Any) -> None:
        self[...] = value

    def put(self: Any, indices: Any, values: Any, mode: Any = "raise") -> None:
        np.put(self, indices, values, mode)

    def sort(self: Any, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        self[...] = np.sort(self, axis=axis, kind=kind)

    def setfield(self: Any, *args: Any) -> None:
        raise TypeError("setfield is not supported for a traced array")

    def view(self: Any, *args: Any, **kwargs: Any) -> Any:
        dtype = args[0] if args else kwargs.get("dtype", self.dtype)
        if isinstance(dtype, type) and issubclass(dtype, np.ndarray):
            return self[...]
        if np.dtype(dtype) != self.dtype:
            self.plain(f"a view as {np.dtype(dtype)}")
        return self[...]

    def tobytes(self: Any, order: Any = "C") -> bytes:
        return np.asarray(self.plain("tobytes()")).tobytes(order)


CAST = find(cast)
