"""The Tracer: a stand-in array. It is a view of a storage, knows its value, and tells its recording what is done.

It knows nothing of derivatives. Operations on Tracers of several recordings belong to the innermost one; the others
are constants to it, and their own recordings see the operations on values.
"""

import math
import sys
from opcode import opname
from typing import Any

import numpy as np

from jacfwd.errors import LeakedTracerError, TracerConversionError, UnsupportedFunctionError
from jacfwd.locations import describe
from jacfwd.primitive import Primitive
from jacfwd.recording import indexing, ufuncs
from jacfwd.recording.apply import apply, call_function
from jacfwd.recording.methods import Methods
from jacfwd.recording.operators import Operators
from jacfwd.recording.storage import Place, Storage
from jacfwd.rules import find
from jacfwd.rules.sparse import after_sparse, before_sparse

# Arguments of BINARY_OP from here on are the in-place operators (CPython 3.11 and later).
FIRST_INPLACE = 13

__all__ = ["TracedArray", "Tracer", "leaked", "plain_value"]


class Probe:
    """Counts the references that an augmented assignment itself holds on its target."""

    count = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs and type(kwargs["out"][0]) is np.ndarray:
            Probe.count = sys.getrefcount(kwargs["out"][0])
        return self


def held_once() -> int:
    """References on an array with one holder, seen from within `__array_ufunc__`."""
    a = np.zeros(1)
    probe: Any = Probe()
    a += probe
    return Probe.count


HELD_ONCE = held_once()


def augmented(frame: Any, target: np.ndarray) -> bool:
    """Whether the frame is at an augmented assignment (not at a call with `out=`) to an array that is no view."""
    code = frame.f_code.co_code
    at = frame.f_lasti
    inplace = opname[code[at]] == "BINARY_OP" and code[at + 1] >= FIRST_INPLACE
    return inplace and target.base is None


class TracedArray(np.ndarray):
    """What `isinstance` sees: no Tracer is one, but every Tracer says so of its class."""


class Tracer(Operators, Methods):
    """A stand-in for an array during a recording; made by recordings only."""

    __slots__ = ("__weakref__", "_handle", "_place", "_rec", "_storage", "_value", "_version", "_where")
    __jacfwd_tracer__ = True
    __array_priority__ = 1000

    def __init__(self, rec: Any, value: Any, handle: Any, where: Any = None) -> None:
        self._rec, self._value, self._handle, self._where = rec, value, handle, where
        self._storage: Storage | None = None
        self._place: Place | None = None
        self._version = 0

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return TracedArray

    # What it is

    @property
    def value(self) -> Any:
        """The array this stands for: plain, or a Tracer of an outer recording."""
        if self._storage is not None:
            assert self._place is not None
            return self._storage.look(self._place)
        return self._value

    @property
    def handle(self) -> Any:
        """What the recording knows it by; None for a constant."""
        storage = self._storage
        if storage is not None and self._version != storage.version:
            assert self._place is not None
            self._handle, self._version = storage.read(self._place), storage.version
        return self._handle

    @property
    def is_scalar(self) -> bool:
        """Whether it stands for a NumPy scalar, which is immutable, and not for an array."""
        value = self._value
        return value.is_scalar if type(value) is Tracer else not isinstance(value, np.ndarray)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        seen = self.reshape(shape)
        self.storage()
        if type(seen) is not Tracer or seen._storage is not self._storage:
            raise AttributeError("incompatible shape for in-place modification; use reshape")
        self._place, self._value = seen._place, seen._value
        self._handle, self._version = seen._handle, seen._version

    @property
    def dtype(self) -> np.dtype:
        return self._value.dtype

    @property
    def ndim(self) -> int:
        return len(self._value.shape)

    @property
    def size(self) -> int:
        return math.prod(self._value.shape)

    def storage(self) -> Storage:
        """The storage, opened at the first view or write."""
        if self._storage is None:
            self._storage = storage = Storage(self._rec, self._value, self._handle)
            self._place = storage.opened
        return self._storage

    def view_at(self, place: Place) -> "Tracer":
        """Another Tracer that sees the same storage through another place."""
        storage = self.storage()
        seen = Tracer(self._rec, storage.look(place), None, self._where)
        seen._storage, seen._place, seen._version = storage, place, -1
        return seen

    def frozen(self) -> "Tracer":
        """A copy that later writes do not reach, for whoever keeps it."""
        if self._storage is None:
            return self
        value = self.value
        kept = value.frozen() if type(value) is Tracer else np.array(value)
        return Tracer(self._rec, kept, self.handle, self._where)

    # The protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs and type(kwargs["out"][0]) is np.ndarray:
            # `a += x` on a plain array that nobody else holds may rebind `a` to a new array.
            free = sys.getrefcount(kwargs["out"][0]) <= HELD_ONCE and augmented(sys._getframe(1), kwargs["out"][0])
            if free and method == "__call__":
                return ufuncs.rebound(ufunc, inputs, kwargs)
        return ufuncs.call(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        return call_function(function, args, kwargs)

    def _operate(self, primitive: Primitive, ufunc: np.ufunc, function: Any, a: Any, b: Any) -> Any:
        """A binary operator: the short way for numbers and Tracers of one recording, else the ufunc's."""
        rec = self._rec
        if type(a) is Tracer:
            if type(b) is Tracer:
                if a._rec is not b._rec:
                    return apply(primitive, (a, b), {})
            elif type(b) is not float and type(b) is not int and type(b) is not np.float64:
                return _by_ufunc(ufunc, a, b)
        elif type(a) is not float and type(a) is not int and type(a) is not np.float64:
            return _by_ufunc(ufunc, a, b)
        return rec.operate(primitive, function, a, b)

    def __getitem__(self, key: Any) -> Any:
        return indexing.get(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.put(self, key, value)

    def __len__(self) -> int:
        if not self._value.shape:
            raise TypeError("len() of unsized object")
        return self._value.shape[0]

    def __iter__(self) -> Any:
        if not self._value.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(self._value.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(np.equal(self, item)))

    # Becoming plain

    def decide(self) -> Any:
        """The plain value of an integer or boolean Tracer, on which the recording now relies: a guard."""
        rec = self._rec
        rec.check_open(self)
        value = self.value
        if self.handle is not None:
            rec.guard(self.handle, value)
        return value.decide() if type(value) is Tracer else value

    def plain(self, what: str) -> Any:
        """The plain value if no derivative is lost by it; else TracerConversionError, naming the user's line."""
        self._rec.check_open(self)
        if self.dtype.kind not in "fc":
            return self.decide()
        value = self.value
        if self.handle is None:
            return value.plain(what) if type(value) is Tracer else value
        raise TracerConversionError(
            f"{what} would turn a traced {self.dtype} array of shape {self.shape} into plain numbers and lose its "
            f"derivative, at {describe(self._rec.here())}; write it with NumPy functions of the array itself"
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        sparse = _asked_by_sparse()
        if sparse:
            box = np.empty((), object)
            box[()] = self
            return box
        value = np.asarray(self.plain("converting to an ndarray"))
        return np.array(value, dtype=dtype, copy=True)

    def __bool__(self) -> bool:
        if self.dtype.kind in "fc":
            return bool(np.not_equal(self, 0))
        return bool(self.decide())

    def __int__(self) -> int:
        if self.dtype.kind == "f" and self.handle is not None:
            whole: Any = np.trunc(self).astype(np.int64)
            return int(whole.decide())
        return int(self.plain("int()"))

    def __index__(self) -> int:
        if self.dtype.kind in "fc" or self.shape:
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self.decide())

    def __float__(self) -> float:
        return float(self.plain("float()"))

    def __complex__(self) -> complex:
        return complex(self.plain("complex()"))

    def __format__(self, spec: str) -> str:
        return format(plain_value(self), spec)

    def __repr__(self) -> str:
        return f"Tracer({plain_value(self)!r})"

    def __str__(self) -> str:
        return str(plain_value(self))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        raise TracerConversionError("a traced array cannot be pickled; return it from the function instead")

    __reduce_ex__ = lambda self, protocol: self.__reduce__()  # noqa: E731


def plain_value(x: Any) -> Any:
    """The innermost plain value, for looking at only."""
    while type(x) is Tracer:
        x = x.value
    return x


def _asked_by_sparse() -> bool:
    """Whether a scipy.sparse product asks: given an object array it hands the product back to us."""
    frame = sys._getframe(2)
    name = frame.f_code.co_name
    if name not in ("_matmul_dispatch", "_rmatmul_dispatch", "dot"):
        return False
    file = frame.f_code.co_filename.replace("\\", "/")
    return "scipy/sparse/" in file and (name != "dot" or file.endswith("_coo.py"))


def _by_ufunc(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """An operator with an operand of another kind, as ndarray's operators do it."""
    other = b if type(a) is Tracer else a
    if hasattr(other, "tocsr"):
        return sparse_operator(ufunc, a, b)
    if getattr(other, "__array_ufunc__", False) is None:
        return NotImplemented
    return ufunc(a, b)


def sparse_operator(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """An operator between a Tracer and a constant scipy.sparse matrix: products only."""
    left = type(b) is Tracer
    matrix, tracer = (a, b) if left else (b, a)
    if ufunc is np.matmul or (ufunc is np.multiply and hasattr(matrix, "getH") and tracer.ndim):
        primitive = find(before_sparse if left else after_sparse)
        return tracer._rec.apply(primitive, (tracer,), {"matrix": matrix.tocsr().copy()})
    raise UnsupportedFunctionError(
        f"{ufunc.__name__} of a sparse matrix and a traced array would build a matrix of traced values, at "
        f"{describe(tracer._rec.here())}; use A @ x, or A.toarray()"
    )


def leaked(tracer: Tracer) -> LeakedTracerError:
    """The error for a Tracer used after its recording."""
    return LeakedTracerError(
        "a traced array was used after the function that was recorded had returned; it was made at "
        f"{describe(tracer._where)}; return it from the function (or in aux) instead of storing it"
    )
