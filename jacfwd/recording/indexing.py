"""Reading and writing items of Tracers, with NumPy's own semantics: basic indexing views, advanced copies."""

from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.formats.index import IndexMap
from jacfwd.recording.apply import stacked
from jacfwd.recording.storage import Place, place_of
from jacfwd.rules import find
from jacfwd.rules.internal import cast, view

__all__ = ["element_of", "get", "put"]

VIEW, CAST = find(view), find(cast)


def plain_key(key: Any) -> Any:
    """An index without Tracers: those in it are integers or booleans, handed out with a guard."""
    if is_tracer(key):
        if key.dtype.kind == "f" and key.handle is not None:
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return key.plain("an index")
    if type(key) is tuple:
        return tuple(plain_key(k) for k in key)
    if type(key) is list and any(is_tracer(k) for k in key):
        return [plain_key(k) for k in key]
    if type(key) is slice:
        parts = (key.start, key.stop, key.step)
        if any(is_tracer(part) for part in parts):
            return slice(*(plain_key(part) for part in parts))
    return key


def get(x: Any, key: Any) -> Any:
    """`x[key]`: an element, a view, or a gathered copy."""
    rec = x._rec
    rec.check_open(x)
    if type(key) is int and len(x._value.shape) == 1:
        return _element_at(x, key, x._value.shape[0])
    key = plain_key(key)
    storage = x.storage()
    layout = storage.shape_view(x._place)
    seen = layout[key]
    if not isinstance(seen, np.ndarray):
        return _scalar(x, layout, key)
    if np.may_share_memory(seen, storage.twin) and _is_basic(key):
        return x.view_at(place_of(seen, storage.twin))
    positions = np.arange(x.size).reshape(x.shape)[key]
    return rec.apply(VIEW, (x,), {"index": IndexMap.of_positions(positions, x.shape)})


def _is_basic(key: Any) -> bool:
    parts = key if type(key) is tuple else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts) and (
        not any(isinstance(part, bool) for part in parts)
    )


def _scalar(x: Any, layout: np.ndarray, key: Any) -> Any:
    """The one element that a full index names."""
    at = _one_element(layout, key)
    if at.size != 1:
        positions = np.arange(x.size).reshape(x.shape)[key]
        return element_of(x, int(positions))
    place = place_of(at, x._storage.twin)
    return x._rec.element(x, place.offset)


def _one_element(layout: np.ndarray, key: Any) -> np.ndarray:
    """The element that a full index names as a view of one element."""
    parts = key if type(key) is tuple else (key,)
    if not parts:
        return layout[...]
    return layout[(*(slice(p, p + 1 or None) if isinstance(p, (int, np.integer)) else p for p in parts),)]


def _element_at(x: Any, key: int, n: int) -> Any:
    """`x[key]` for one dimension: the short way."""
    if key < 0:
        key += n
    if not 0 <= key < n:
        raise IndexError(f"index {key if key >= 0 else key - n} is out of bounds for axis 0 with size {n}")
    place = x._place
    if x._storage is None:
        return x._rec.element_of_node(x._handle, x._value, key)
    return x._rec.element(x, place.offset + key * place.strides[0])


def element_of(x: Any, position: int) -> Any:
    """Element by flat position in C order."""
    place: Place = x._place if x._storage is not None else (x.storage(), x._place)[1]
    offset = place.offset
    for n, stride in zip(reversed(place.shape), reversed(place.strides), strict=True):
        position, k = divmod(position, n)
        offset += k * stride
    return x._rec.element(x, offset)


def put(x: Any, key: Any, value: Any) -> None:
    """`x[key] = value`: write into the storage that x sees."""
    rec = x._rec
    rec.check_open(x)
    if type(key) is int and is_tracer(value) and value._rec is rec and _put_element(x, key, value):
        return
    if x.is_scalar:
        raise TypeError(f"'{x.dtype}' object does not support item assignment")
    if is_tracer(key) and key.dtype == bool and key.shape == x.shape and np.ndim(value) == 0:
        key, value = Ellipsis, np.where(key, value, x)
    else:
        key = plain_key(key)
    value = stacked(value)
    storage = x.storage()
    if is_tracer(value):
        if value._rec.level > rec.level:
            raise TracerConversionError(
                "a traced value of an inner derivative was written into an array of an outer one; make the array "
                "inside the inner function"
            )
        value._rec.check_open(value)
        value = _converted(value, storage.dtype)
    mine = is_tracer(value) and value._rec is rec
    handle = value.handle if mine else None
    plain = value.value if mine else value
    layout = storage.shape_view(x._place)
    target = layout[key] if _is_basic(key) else None
    shape = tuple(np.shape(plain))
    if isinstance(target, np.ndarray):
        _fits(shape, target.shape)
        storage.write(place_of(target, storage.twin), None, plain, handle, _trim(shape, target.shape))
    elif target is not None:
        _fits(shape, ())
        at = _scalar_place(layout, key, storage)
        storage.write(at, None, plain, handle, shape)
    else:
        cells = x._place.cells(storage.size).flat.reshape(x.shape)[key]
        _fits(shape, np.shape(cells))
        storage.write(None, cells, plain, handle, _trim(shape, np.shape(cells)))


def _put_element(x: Any, key: int, value: Any) -> bool:
    """`x[key] = value` for one dimension and a scalar: the short way; False where it is not that simple."""
    if len(x._value.shape) != 1 or value._value.shape or value._value.dtype != x._value.dtype:
        return False
    n = x._value.shape[0]
    if not -n <= key < n:
        raise IndexError(f"index {key} is out of bounds for axis 0 with size {n}")
    storage = x.storage()
    place = x._place
    storage.write_cell(place.offset + (key % n) * place.strides[0], value.value, value.handle)
    return True


def _scalar_place(layout: np.ndarray, key: Any, storage: Any) -> Place:
    at = _one_element(layout, key)
    return Place((), (), place_of(at, storage.twin).offset)


def _fits(shape: tuple, target: tuple) -> None:
    """Raise as NumPy does where a value does not broadcast to its target."""
    if shape != target:
        try:
            fits = np.broadcast_shapes(_trim(shape, target), target) == target
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"could not broadcast input array from shape {shape} into shape {target}")


def _trim(shape: tuple, target: tuple) -> tuple:
    """A value's shape without the leading ones that assignment ignores."""
    extra = len(shape) - len(target)
    return shape[extra:] if extra > 0 and all(n == 1 for n in shape[:extra]) else shape


def _converted(value: Any, dtype: np.dtype) -> Any:
    """A traced value as the buffer's dtype will hold it; refused where NumPy would drop the derivative."""
    if value.dtype == dtype:
        return value
    if value.dtype.kind in "fc" and dtype.kind not in "fc":
        return value.plain(f"writing into a buffer of {dtype}")
    if value.dtype.kind == "c" and dtype.kind == "f":
        raise TypeError("a complex value was written into a real buffer; take np.real(...) or make the buffer complex")
    return value._rec.apply(CAST, (value,), {"dtype": dtype})
