"""The methods and attributes of ndarray, as a Tracer has them: mostly the functions of the same name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError
from jacfwd.locations import describe, here
from jacfwd.recording.apply import SPECIAL, apply, boxed, noted, stacked
from jacfwd.recording.layout import Place, view_of
from jacfwd.recording.parts import IMAG, REAL, Part
from jacfwd.recording.special_methods import missing
from jacfwd.rules import find
from jacfwd.rules.internal import cast

__all__ = ["Methods", "has_order"]

CAST: Any = find(cast)
RAVEL: Any = find(np.ravel)
RESHAPE: Any = find(np.reshape)

SAME_NAME = (
    "all any argmax argmin argpartition argsort choose cumprod cumsum diagonal dot max mean min "
    "nonzero prod put repeat round searchsorted squeeze std sum swapaxes take trace var"
)
# What ndarray and its scalars have and a Tracer cannot: each says why, and what to use.
REFUSED = {
    **dict.fromkeys(("ctypes", "data"), "its memory cannot be handed out"),
    **dict.fromkeys(("dump", "tofile"), "it cannot be written to a file; return it from the function instead"),
    "getfield": "it has no fields",
    "setfield": "it has no fields",
    "setflags": "it has no flags to set",
    "resize": "its size is fixed; use np.resize",
    "to_device": "it is on the CPU",
}
# What NumPy's ufuncs ask the elements of an array of objects for.
OBJECT_LOOPS = frozenset(
    "sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh "
    "arctanh degrees radians deg2rad rad2deg rint trunc floor ceil fabs sign hypot arctan2 logical_not".split()
)


def _function(function: Callable) -> Callable:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


class Flat:
    """`x.flat`: elements in C order, read and written where they lie."""

    def __init__(self, array: Any) -> None:
        self.base: Any = array if array.ndim else np.reshape(array, (1,))
        self._next = 0

    def _at(self, key: Any) -> tuple:
        return np.unravel_index(np.arange(self.base.size)[key], self.base.shape)

    def __getitem__(self, key: Any) -> Any:
        return self.base.flatten()[key] if not isinstance(key, int) else self.base[self._at(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        value = stacked(value)
        if not np.size(value):
            return
        if self.base._shares_cells(value):
            self.base._write_flat(key, value)
            return
        where = self._at(key)
        size = np.size(where[0])
        value = np.reshape(value, (-1,))
        self.base[where] = value if np.size(value) in (1, size) else np.resize(value, size)

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        if self._next >= len(self):
            raise StopIteration
        self._next += 1
        return self.base[self._at(self._next - 1)]

    def copy(self) -> Any:
        """The elements as a one-dimensional array."""
        return self.base.flatten()


class Methods:
    """What ndarray offers besides operators."""

    __slots__ = ()

    for _name in SAME_NAME.split():
        locals()[_name] = _function(getattr(np, _name))
    del _name

    def __getattr__(self: Any, name: str) -> Any:
        if name in OBJECT_LOOPS and self._rec.boxes:
            ufunc = getattr(np, name)
            return lambda *args: ufunc(self, *args)
        raise missing(self, name, REFUSED.get(name, "it is no memory of numbers"))

    # Attributes

    T = property(lambda self: np.transpose(self))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    strides = property(lambda self: self._layout().strides)
    flags = property(lambda self: (self.dtype.type(0) if self.is_scalar else self._owning_layout()).flags)
    device = "cpu"

    @property
    def base(self: Any) -> Any:
        """The whole of what a view was taken from; None for what is no view."""
        storage: Any = None if self.is_scalar else self._storage
        whole: Any = getattr(storage, "whole", storage)
        if whole is None or (whole is storage and self._place == whole.opened):
            return None
        return self.view_at(whole.opened, whole)

    @property
    def mT(self: Any) -> Any:
        return np.swapaxes(self, -1, -2)

    @property
    def real(self: Any) -> Any:
        return self._part("real") if self.dtype.kind == "c" else self

    @real.setter
    def real(self: Any, value: Any) -> None:
        self._check_parts("real")
        self.real[...] = value

    @property
    def imag(self: Any) -> Any:
        if self.dtype.kind == "c":
            return self._part("imag")
        zeros = np.zeros(self.shape, self.dtype)
        zeros.flags.writeable = False
        return zeros[()] if self.is_scalar else zeros

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        self._check_parts("imag")
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    def conjugate(self: Any, **kwargs: Any) -> Any:
        return np.conjugate(self, **kwargs) if kwargs or self.dtype.kind == "c" else self

    conj = conjugate

    def _part(self: Any, name: str) -> Any:
        if self.is_scalar:
            return self._rec.apply(REAL if name == "real" else IMAG, (self,), {})
        storage = self.storage()
        return self.view_at(self._place, Part(storage, name))

    def _check_parts(self: Any, name: str) -> None:
        if self.is_scalar:
            raise AttributeError(f"attribute '{name}' of 'numpy.generic' objects is not writable")

    @property
    def flat(self: Any) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self: Any, value: Any) -> None:
        value = stacked(value)
        if not np.size(value):
            return
        if self._shares_cells(value):
            self._write_flat(None, value)
            return
        self[...] = np.reshape(np.resize(value, self.shape) if np.size(value) != self.size else value, self.shape)

    def _shares_cells(self: Any, value: Any) -> bool:
        """Whether another array is a view of the same storage."""
        if not hasattr(type(value), "__jacfwd_tracer__") or not np.shares_memory(self, value):
            return False
        # Real parts, imaginary parts and whole numbers of the same cells are different numbers.
        return getattr(self.storage(), "name", None) == getattr(value.storage(), "name", None)

    def _write_flat(self: Any, key: Any, value: Any) -> None:
        """Write a view of the same cells by `.flat`: NumPy may read elements after they were written to."""
        storage = self.storage()
        cells = np.arange(getattr(storage, "whole", storage).size)
        target: Any = view_of(cells, self._place)
        source = view_of(cells, value._place)
        if key is None:
            target.flat = source
        else:
            target.flat[key] = source
        self[...] = self.view_at(Place(cells.shape, (1,), 0), storage)[target.copy()]

    def _layout(self: Any) -> np.ndarray:
        """A plain array of the same dtype that lies in memory in the same way; its values mean nothing."""
        storage = self.storage()
        return storage.shape_view(self._place)

    def _owning_layout(self: Any) -> np.ndarray:
        """The same; the array owns its memory where this is no view."""
        layout = self._layout()
        if self.base is not None or not layout.flags.forc:  # with gaps, memory has more cells than the array
            return layout
        own = np.empty_like(layout)
        own.flags.writeable = layout.flags.writeable
        return own

    # Shapes

    def reshape(self: Any, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        shape = shape[0] if len(shape) == 1 else shape
        if copy is False:  # raises where NumPy would have to copy
            layout = self._layout()
            if layout.size and not np.may_share_memory(layout.reshape(shape, order=order), layout):
                raise ValueError(f"reshape to {shape} with copy=False: this layout needs a copy")
        # Bound by position: what the parameter is called depends on the release of NumPy.
        out = apply(RESHAPE, *RESHAPE.bind((self, shape), {"order": _order_of(self, order)}))
        return out.copy("K") if copy else out

    def clip(self: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:
        return np.clip(self, min, max, out=out, **options)

    def transpose(self: Any, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def ravel(self: Any, order: Any = "C") -> Any:
        order = str(order).upper()
        if order == "K":  # the axes in the order in which they lie in memory
            strides = self.strides
            return np.transpose(self, sorted(range(self.ndim), key=lambda k: -abs(strides[k]))).ravel()
        return apply(RAVEL, (self,), {"order": _order_of(self, order)})

    def flatten(self: Any, order: Any = "C") -> Any:
        return self.ravel(order).copy()

    def compress(self: Any, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        return np.compress(condition, self, axis, out)

    # Copies and conversions

    def copy(self: Any, order: Any = "C") -> Any:
        return self._rec.copy(self, order)

    def astype(
        self: Any,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Any:
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(
                f"Cannot cast array data from {self.dtype!r} to {dtype!r} according to the rule '{casting}'"
            )
        if dtype == self.dtype:
            return self.copy(order) if copy or not has_order(self, order) else self
        if dtype.kind == "O":
            return boxed(self)
        if dtype.kind not in "biufc":
            raise noted(TracerConversionError(f"a traced array cannot become {dtype}, at {describe(here())}"))
        real = np.real(self) if self.dtype.kind == "c" and dtype.kind not in "cb" else self
        out = self._rec.apply(CAST, (real,), {"dtype": dtype})
        return out.copy(order) if not has_order(out, order) else out

    def item(self: Any, *args: Any) -> Any:
        """The element as a scalar; traced, it stays a scalar Tracer, so that its derivative is kept."""
        if not args:
            if self.size != 1:
                raise ValueError("can only convert an array of size 1 to a Python scalar")
            args = (0,)
        at = args[0] if len(args) == 1 else args
        found = self[at] if isinstance(at, tuple) else self[np.unravel_index(at, self.shape)]
        return _as_number(found)

    def tolist(self: Any) -> Any:
        """Nested lists whose elements are numbers, or scalar Tracers where derivatives would be lost."""
        if not self.ndim:
            return self.item()
        return [row.tolist() if self.ndim > 1 else _as_number(row) for row in self]

    def is_integer(self: Any) -> bool:
        """Whether a scalar is a whole number."""
        return bool(np.equal(self, np.rint(self)) & np.isfinite(self))

    # Writing

    def fill(self: Any, value: Any) -> None:
        self[...] = value

    def sort(self: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        self[...] = np.sort(self, axis=axis, kind=kind, order=order, stable=stable)

    def partition(self: Any, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None) -> None:
        self[...] = np.partition(self, kth, axis=axis, kind=kind, order=order)

    # Memory

    def view(self: Any, dtype: Any = None, type: Any = None) -> Any:
        if dtype is not None and _is_array_class(dtype):
            dtype, type = None, dtype
        if (dtype is None or np.dtype(dtype) == self.dtype) and type in (None, np.ndarray):
            return self if self.is_scalar else self[...]
        self.plain(f"a view as {type.__name__ if dtype is None else np.dtype(dtype)}")
        made = self.__array__()
        return made.view(*(kind for kind in (dtype, type) if kind is not None))

    def tobytes(self: Any, order: Any = "C") -> bytes:
        return np.asarray(self.plain("tobytes()")).tobytes(order)

    def dumps(self: Any) -> bytes:
        return np.asarray(self.plain("dumps()")).dumps()

    def byteswap(self: Any, inplace: bool = False) -> Any:
        if inplace:
            raise noted(TracerConversionError(f"a traced array cannot swap its bytes, at {describe(here())}"))
        return np.asarray(self.plain("byteswap()")).byteswap()

    def as_integer_ratio(self: Any) -> Any:
        return self.plain("as_integer_ratio()").as_integer_ratio()

    def hex(self: Any) -> str:
        return self.plain("hex()").hex()


def _is_array_class(x: Any) -> bool:
    return isinstance(x, type) and issubclass(x, np.ndarray)


def has_order(x: Any, order: Any) -> bool:
    """Whether an array lies in memory as asked for."""
    if order in ("K", "A"):
        return True
    return bool(x.flags.c_contiguous if order == "C" else x.flags.f_contiguous)


def _order_of(x: Any, order: Any) -> str:
    """C or Fortran order for `A`, which depends on how the array lies in memory."""
    if str(order).upper() != "A":
        return order
    return "F" if x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous else "C"


def _as_number(x: Any) -> Any:
    """A scalar as a Python number; integers and booleans by a guard, traced floats as they are."""
    if hasattr(type(x), "__jacfwd_tracer__") and x.dtype.kind in "fc" and not x.constant:
        return x
    return x.plain("item()").item() if hasattr(type(x), "__jacfwd_tracer__") else x.item()


def _reshape(a: Any, /, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: bool | None = None) -> Any:
    """`np.reshape` under the parameter names of all releases."""
    return a.reshape(newshape if shape is None else shape, order=order, copy=copy)


# Views where NumPy has views.
VIEWS: dict[Callable, Callable] = {
    np.real: lambda val: val.real,
    np.imag: lambda val: val.imag,
    np.ravel: lambda a, order="C": a.ravel(order),
    np.reshape: _reshape,
}
SPECIAL |= VIEWS
