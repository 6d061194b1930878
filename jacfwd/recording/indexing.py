"""Reading and writing items of Tracers, with NumPy's own semantics: basic indexing views, advanced copies."""

import operator
import sys
from opcode import opname
from threading import get_ident
from types import EllipsisType
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import describe, here
from jacfwd.recording.apply import any_tracer, broadcasts, stacked
from jacfwd.recording.layout import Place, cell_of, place_of
from jacfwd.recording.parts import Part
from jacfwd.rules import find
from jacfwd.rules.internal import cast, compound

__all__ = ["get", "put"]

CAST = find(cast)
BASIC = (int, slice, EllipsisType, type(None))


def plain_key(key: Any) -> Any:
    """An index without Tracers: those in it are integers or booleans, handed out with a guard."""
    kind = type(key)
    if kind is int or kind is EllipsisType or key is None:
        return key
    if kind is tuple:
        return tuple([plain_key(k) for k in key])
    if kind is slice:
        parts = (key.start, key.stop, key.step)
        return slice(*[plain_key(part) for part in parts]) if any(map(is_tracer, parts)) else key
    if is_tracer(key):
        if key.dtype.kind not in "iub":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return plain_key(key.plain("an index"))
    if kind is list:
        return [plain_key(k) for k in key] if any_tracer(key) else key
    if isinstance(key, np.integer) or (hasattr(kind, "__index__") and not isinstance(key, bool | np.bool | np.ndarray)):
        return operator.index(key)
    return key


def with_integers(key: Any) -> Any:
    """The index with integers for integer arrays of no dimension, which select the same."""
    if type(key) is tuple:
        return tuple([with_integers(part) for part in key])
    if isinstance(key, np.ndarray) and key.shape == () and key.dtype.kind in "iu":
        return int(key)
    return key


def is_basic(key: Any) -> bool:
    """Whether an index without Tracers makes a view (or names one element)."""
    if type(key) is tuple:
        return all(type(part) in BASIC for part in key)
    return type(key) in BASIC


# Reading


def get(x: Any, key: Any) -> Any:
    """`x[key]`: an element, a view, or a gathered copy."""
    rec = x._rec
    if get_ident() != rec.owner:
        return rec.released(x)[key]
    if type(key) is int:
        shape = x._value.shape
        if len(shape) == 1 and -shape[0] <= key < shape[0]:
            key = key + shape[0] if key < 0 else key
            if x._storage is None:
                return rec.element_of_node(x._handle, x._value, key)
            place = x._place
            return rec.element(x._storage, place.offset + key * place.strides[0])
    storage = x.storage()
    place = x._place
    if type(key) is tuple and (cell := cell_of(place, key)) is not None:
        return rec.element(storage, cell)
    key = plain_key(key)
    if not is_basic(key):
        return _gathered(x, storage, place, key)
    try:
        seen = storage.shape_view(place)[key]
    except IndexError:
        if x.is_scalar and iterates(sys._getframe(2)):  # for which an IndexError is the end
            raise TypeError(f"'{x.__class__.__name__}' object is not iterable") from None
        raise
    if isinstance(seen, np.ndarray):
        return x.view_at(place_of(seen, storage.twin))
    return rec.element(storage, cell_of(place, key if type(key) is tuple else (key,)))


def iterates(frame: Any) -> bool:
    """Whether code is not at `x[key]`, but takes elements one after the other."""
    return not opname[frame.f_code.co_code[frame.f_lasti]].startswith("BINARY")


def _gathered(x: Any, storage: Any, place: Place, key: Any) -> Any:
    """What an advanced index takes: a copy."""
    if is_basic(integers := with_integers(key)):
        seen = get(x, integers)
        return seen.copy() if is_tracer(seen) and not seen.is_scalar else seen
    value, handle = storage.gather(place, key)
    return x._rec.wrap(value, handle)


# Writing


def put(x: Any, key: Any, value: Any) -> None:
    """`x[key] = value`: write into the storage that x sees."""
    rec = x._rec
    if get_ident() != rec.owner:
        rec.released(x)[key] = value
        return
    if is_tracer(value) and value._rec is rec and _put_element(x, key, value):
        return
    if x.is_scalar:
        raise TypeError(f"'numpy.{x.dtype}' object does not support item assignment")
    storage, place = x.storage(), x._place
    if not place.writeable:
        raise ValueError("assignment destination is read-only")
    if is_tracer(key) and key.dtype == bool and key.shape == x.shape and np.ndim(value) == 0:
        key, value = Ellipsis, np.where(key, value, x)
    else:
        key = with_integers(plain_key(key))
    value = _fitting(x, stacked(value))
    if type(storage) is Part:
        _put_part(x, storage, key, value)
        return
    at = _target(storage, place, key) if is_basic(key) else None
    target = at.shape if at is not None else np.shape(storage.numbers(place)[key])
    _check_fit(np.shape(value), target)
    shape = _trim(np.shape(value), target)
    mine = is_tracer(value) and value._rec is rec
    if mine and value.shape != shape:
        value = np.reshape(value, shape)
    handle, plain = (value.handle, value.value) if mine else (None, value)
    if at is not None:
        storage.write(at, plain, handle, shape)
    else:
        storage.write_at(place, key, plain, handle, shape)


def _target(storage: Any, place: Place, key: Any) -> Place:
    """The place that a basic index names: a view, or one element."""
    seen = storage.shape_view(place)[key]
    if isinstance(seen, np.ndarray):
        return place_of(seen, storage.twin)
    cell = cell_of(place, key if type(key) is tuple else (key,))
    assert cell is not None
    return Place((), (), cell)


def _put_element(x: Any, key: Any, value: Any) -> bool:
    """Write one scalar of the right dtype: the short way; False where it is not that simple."""
    if value._value.shape or value._value.dtype != x._value.dtype:
        return False
    kind = type(key)
    if kind is int:
        key = (key,)
    elif kind is not tuple:
        return False
    storage, place = x.storage(), x._place
    cell = cell_of(place, key)
    if cell is None or not place.writeable or type(storage) is Part or x.is_scalar:
        return False
    storage.write_cell(cell, value.value, value.handle)
    return True


def _put_part(x: Any, storage: Part, key: Any, value: Any) -> None:
    """Write the real or the imaginary part of what an index names, and leave the other part."""
    whole = x.view_at(x._place, storage.whole)
    kept = whole[key]
    if storage.name == "real":
        whole[key] = compound(value, np.imag(kept)).astype(whole.dtype)
    else:
        whole[key] = compound(np.real(kept), value).astype(whole.dtype)


def _check_fit(shape: tuple, target: tuple) -> None:
    """Raise as NumPy does where a value does not broadcast to its target."""
    if shape != target and not broadcasts(_trim(shape, target), target):
        raise ValueError(f"could not broadcast input array from shape {shape} into shape {target}")


def _trim(shape: tuple, target: tuple) -> tuple:
    """A value's shape without the leading ones that assignment ignores."""
    extra = len(shape) - len(target)
    return shape[extra:] if extra > 0 and all(n == 1 for n in shape[:extra]) else shape


def _fitting(x: Any, value: Any) -> Any:
    """A value as the dtype of x will hold it; refused where a derivative would get lost."""
    if not is_tracer(value):
        return value
    if value._rec.level > x._rec.level:
        raise TracerConversionError(
            "a traced value of an inner derivative was written into an array of an outer one, at "
            f"{describe(here())}; make the array inside the inner function"
        )
    if get_ident() != value._rec.owner:
        return value._rec.released(value)
    dtype = x.dtype
    if value.dtype == dtype:
        return value
    if value.dtype.kind in "fc" and dtype.kind not in "fc":
        return value.plain(f"writing into an array of {dtype}")
    if value.dtype.kind == "c" and dtype.kind == "f":
        raise TracerConversionError(
            f"a complex value was written into an array of {dtype}, at {describe(here())}; take "
            "np.real(...) or make the array complex"
        )
    return value._rec.apply(CAST, (value,), {"dtype": dtype})
