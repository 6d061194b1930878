"""The Tracer: a stand-in array, which views a storage, knows its value, and tells its recording what is done.

It knows nothing of derivatives. Operations on Tracers of several recordings belong to the innermost one; the
others are constants to it, and their own recordings see the operations on values.
"""

import math
import operator
import sys
from opcode import opname
from threading import get_ident
from typing import Any

import numpy as np

from jacfwd.errors import JacfwdError, LeakedTracerError, TracerConversionError, UnsupportedFunctionError
from jacfwd.locations import DIRECTORIES, Location, called, describe, here
from jacfwd.primitive import Primitive
from jacfwd.recording import indexing, ufuncs
from jacfwd.recording.apply import MOST_OBJECTS, apply, boxed, call_function, noted
from jacfwd.recording.layout import Place, replica
from jacfwd.recording.methods import Methods
from jacfwd.recording.operators import Operators
from jacfwd.recording.parts import Part
from jacfwd.recording.special_methods import Kinds, OfArrays, reads
from jacfwd.recording.storage import Storage
from jacfwd.rules import find
from jacfwd.rules.sparse import after_sparse, before_sparse

OWN_CODE = DIRECTORIES[0]
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
    """Whether the frame is at an augmented assignment to a local variable, of an array that is no view."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if opname[code[at]] != "BINARY_OP" or code[at + 1] < FIRST_INPLACE or target.base is not None:
        return False
    at += 2
    while opname[code[at]] in ("CACHE", "EXTENDED_ARG"):
        at += 2
    return opname[code[at]].startswith("STORE_FAST")


HASHING = "a hash (for a dict, a set or a cache)"


def _is_writing(where: Location) -> bool:
    """Whether the user's code is at `target[key] = value`."""
    code, at = where
    return opname[code.co_code[at]] == "STORE_SUBSCR"


class TracedArray(np.ndarray):
    """What `isinstance` sees: no Tracer is one, but every Tracer says so of its class."""


class Tracer(Operators, Methods, metaclass=Kinds):
    """A stand-in for an array during a recording; made by recordings only."""

    __slots__ = ("__weakref__", "_handle", "_place", "_rec", "_storage", "_value", "_version", "_where")
    __jacfwd_tracer__ = True
    __array_priority__ = 1000

    def __init__(self, rec: Any, value: Any, handle: Any, where: Any = None) -> None:
        self._rec, self._value, self._handle, self._where = rec, value, handle, where
        self._storage: Storage | Part | None = None
        self._place: Place | None = None
        self._version = 0

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The scalar's own class for scalars; for arrays ndarray where code reads this, a subclass for C code."""
        kind = type(plain_value(self._value))
        if kind is not np.ndarray:
            return kind
        return kind if reads(sys._getframe(1).f_code, "__class__") else TracedArray

    # What it is

    @property
    def value(self) -> Any:
        """The array this stands for: plain, or a Tracer of an outer recording."""
        # A scalar stays one, also where indexing it has opened a storage.
        if self._storage is None or self.is_scalar:
            return self._value
        assert self._place is not None
        return self._storage.look(self._place)

    @property
    def handle(self) -> Any:
        """What the recording knows it by; None for a constant."""
        storage = self._storage
        if storage is not None and self._version != storage.version:
            assert self._place is not None
            self._handle, self._version = storage.read(self._place), storage.version
        return self._handle

    @property
    def constant(self) -> bool:
        """Whether no input reaches it; told without a look at what writes made of it."""
        return self._handle is None if self._storage is None else self._storage.constant

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

    def storage(self) -> Any:
        """The storage, opened at the first view or write."""
        if self._storage is None:
            self._storage = storage = Storage(self._rec, self._value, self._handle)
            self._place = storage.opened
        return self._storage

    def view_at(self, place: Place, storage: Any = None) -> "Tracer":
        """Another Tracer, for another place in the same storage or in another one of the same cells."""
        storage = self.storage() if storage is None else storage
        seen = Tracer(self._rec, storage.look(place), None, here())
        seen._storage, seen._place, seen._version = storage, place, -1
        return seen

    def as_array(self) -> "Tracer":
        """A scalar as an array of no dimension, which can be written to; arrays as they are."""
        if not self.is_scalar:
            return self
        value = self._value
        return Tracer(self._rec, value.as_array() if type(value) is Tracer else np.array(value), self._handle, here())

    @property
    def moves(self) -> bool:
        """Whether it changes with some input to first order: not where products with zeros cancel that."""
        value = self.value
        if type(value) is Tracer and value.moves:
            return True
        return self.handle is not None and self._rec.moves(self.handle)

    def frozen(self) -> "Tracer":
        """A copy that later writes do not reach, for whoever keeps it."""
        value: Any = self.value
        if type(value) is Tracer:
            value = value.frozen()
        elif isinstance(value, np.ndarray):
            value = replica(value)
        return Tracer(self._rec, value, self.handle, self._where)

    # The protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs and type(kwargs["out"][0]) is np.ndarray:
            # `a += x` on a plain array that nobody else holds may rebind `a` to a new array.
            free = sys.getrefcount(kwargs["out"][0]) <= HELD_ONCE and augmented(sys._getframe(1), kwargs["out"][0])
            if free and method == "__call__":
                return ufuncs.rebound(ufunc, inputs, kwargs)
        try:
            return ufuncs.call(ufunc, method, inputs, kwargs)
        except JacfwdError as error:
            raise noted(error)  # noqa: B904  it is the same error

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        try:
            return call_function(function, args, kwargs)
        except JacfwdError as error:
            raise noted(error)  # noqa: B904  it is the same error

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
        try:
            indexing.put(self, key, value)
        except JacfwdError as error:
            raise noted(error)  # noqa: B904  it is the same error

    def __delitem__(self, key: Any) -> None:
        raise ValueError("cannot delete array elements")

    def _len(self) -> int:
        if not self._value.shape:
            raise TypeError("len() of unsized object")
        return self._value.shape[0]

    def _iter(self) -> Any:
        if not self._value.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(self._value.shape[0]))

    def _contains(self, item: Any) -> bool:
        return bool(np.any(np.equal(self, item)))

    __len__, __iter__ = OfArrays(_len, "__len__"), OfArrays(_iter, "__iter__")
    __contains__ = OfArrays(_contains, "__contains__")

    # Becoming plain

    def decide(self) -> Any:
        """The plain value, on which the recording now relies: a guard."""
        rec = self._rec
        if get_ident() != rec.owner:
            return plain_value(rec.released(self))
        value, handle = self.value, self.handle
        if handle is not None:
            rec.guard(handle, value)
        return value.decide() if type(value) is Tracer else value

    def plain(self, what: str) -> Any:
        """The plain value if no derivative is lost by it; else raise TracerConversionError."""
        rec = self._rec
        if get_ident() != rec.owner:
            value = rec.released(self)
            return value.plain(what) if type(value) is Tracer else value
        if self.dtype.kind not in "fc":
            return self.decide()
        if not self.constant:
            raise noted(self._refused(what))
        value = self.value
        return value.plain(what) if type(value) is Tracer else value

    def _refused(self, what: str) -> TracerConversionError:
        """The error for a conversion in which a derivative would be lost, with what to write instead."""
        where = here()
        if what != HASHING and _is_writing(where):
            text = (
                f"a traced {self.dtype} value was written into a plain array, which cannot hold a "
                f"derivative, at {describe(where)}; make that array inside the function with np.array(...) "
                "or np.zeros(...), called by these names, with a float or complex dtype"
            )
        else:
            function = called()
            what = what if function is None else f"{function} has no derivative rule: {what}"
            text = (
                f"{what} would turn a traced {self.dtype} array of shape {self.shape} into plain numbers "
                f"and lose its derivative, at {describe(where)}; write it with NumPy functions of the array "
                "itself"
            )
        return TracerConversionError(text)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if _asked_by_sparse():
            box = np.empty((), object)
            box[()] = self
            return box
        if (dtype is None or np.dtype(dtype).kind == "O") and self._may_be_boxed():
            return boxed(self)
        value: Any = np.asarray(self.plain("converting to an ndarray"))
        if copy or not self.constant or self.is_scalar or (dtype is not None and np.dtype(dtype) != value.dtype):
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return np.array(value, dtype=dtype)
        return self._lent()

    def _may_be_boxed(self) -> bool:
        """Whether an array of objects, its scalar Tracers, may stand for it: the last resort of conversions.

        Who converts is code that no name led elsewhere; of our own code it would be a mistake.
        """
        rec = self._rec
        if self.constant or self.dtype.kind not in "fc" or self.size > MOST_OBJECTS:
            return False
        if get_ident() != rec.owner or rec.boxes is None or sys._getframe(2).f_code.co_filename.startswith(OWN_CODE):
            return False
        rec.boxes += 1
        rec.boxed = rec.boxed or self._refused("converting to an ndarray")
        return True

    def _lent(self) -> np.ndarray:
        """The memory of a constant, for code that reads and writes plain arrays."""
        value = self.value
        if type(value) is Tracer:  # these are copies of the memory, so nothing may be written to them
            kept = np.array(plain_value(value))
            kept.flags.writeable = False
            return kept
        return value if self._rec.closed else self.storage().lend(self._place)

    def __bool__(self) -> bool:
        if self.dtype.kind in "fc":
            return bool(np.not_equal(self, 0))
        return bool(self.decide())

    def __int__(self) -> int:
        if self.dtype.kind != "f" or self.constant:
            return int(self.plain("int()"))
        if _is_writing(here()):
            raise noted(self._refused("writing into an array of integers"))
        # Integers have no derivative; that this one was the result is what the recording relies on.
        whole: Any = np.trunc(self)
        return int(whole.decide() if type(whole) is Tracer else whole)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.shape:
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self.decide())

    def __float__(self) -> float:
        return float(self.plain("float()"))

    def __complex__(self) -> complex:
        return complex(self.plain("complex()"))

    def __hash__(self) -> int:
        if not self.is_scalar:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        return hash(self.plain(HASHING))

    def __format__(self, spec: str) -> str:
        return format(self.shown(), spec)

    def __repr__(self) -> str:
        return f"Tracer({self.shown()!r})"

    def __str__(self) -> str:
        return str(self.shown())

    def shown(self) -> Any:
        """The plain value, for text."""
        x: Any = self
        while type(x) is Tracer:
            if x._rec.shown is None and not x.constant:
                x._rec.shown = here()
            x = x.value
        return x

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise noted(
            TracerConversionError(
                f"a traced array cannot be pickled, at {describe(here())}; return it from the function instead"
            )
        )


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
    tracer = a if type(a) is Tracer else b
    if ufunc in EQUALITY and _is_text(other):
        return EQUALITY[ufunc](plain_value(tracer), other)
    if ufunc is np.multiply and isinstance(other, SEQUENCES) and tracer.is_scalar and tracer.dtype.kind in "iu":
        return other * tracer.__index__()
    return ufunc(a, b)


# NumPy's answers do not depend on the numbers where one side is no number.
EQUALITY: dict[Any, Any] = {np.equal: operator.eq, np.not_equal: operator.ne}
SEQUENCES = (list, tuple, str, bytes, bytearray)


def _is_text(x: Any) -> bool:
    return x is None or isinstance(x, str | bytes) or (type(x) is np.ndarray and x.dtype.kind in "SU")


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
    where = tracer._rec.made_at(tracer)
    made = "" if where is None else f"; it was made at {describe(where)}"
    return LeakedTracerError(
        f"a traced array was used after the recorded function had returned, at {describe(here())}{made}; "
        "return it from the function (or in aux) instead of storing it"
    )
