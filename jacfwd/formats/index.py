"""Index maps: for every position of one shape, the flat position of another array that it refers to."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from jacfwd.formats.dispatch import dispatched, is_plain
from jacfwd.formats.shifts import LEAST, Box, boxes
from jacfwd.formats.sums import Sums

__all__ = ["IndexMap", "c_strides", "scattered"]

Shape = tuple[int, ...]


def c_strides(shape: Shape) -> Shape:
    """Strides, in elements, of a C-contiguous array of `shape`."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


class IndexMap:
    """A map of positions: `shape` -> flat positions of `target`; data movement without the data.

    It is *affine* where it is `offset + sum_k strides[k] i_k` (basic slices, transposes, broadcasts): then it
    is kept as those numbers and taking is a strided view. Else it is an array of positions, made when first
    needed.
    """

    __slots__ = ("_boxes", "_flat", "_key", "_linear", "_make", "_sums", "_taken", "affine", "shape", "target")

    def __init__(
        self,
        shape: Shape,
        target: Shape,
        flat: np.ndarray | None = None,
        affine: tuple[int, Shape] | None = None,
        make: Callable[[], np.ndarray] | None = None,
    ) -> None:
        self.shape, self.target, self.affine = shape, target, affine
        self._flat, self._make = flat, make
        self._key: tuple | None = None
        self._linear: tuple[int, int] | None = None
        self._boxes: list[Box] | None = None
        self._taken = False
        self._sums: Sums | None = None

    def __repr__(self) -> str:
        if self.size <= 12:
            return np.array2string(self.flat.reshape(self.shape), separator=",").replace("\n", "")
        return f"<{self.shape} of {self.target}>"

    def __reduce__(self) -> tuple:
        return IndexMap, (self.shape, self.target, self.flat if self.affine is None else None, self.affine)

    @classmethod
    def identity(cls, shape: Shape, target: Shape | None = None, offset: int = 0) -> "IndexMap":
        """The map of an array (or, with an offset, of a stretch of one) onto itself in C order."""
        return cls(shape, shape if target is None else target, affine=(offset, c_strides(shape)))

    @classmethod
    def of_positions(cls, positions: np.ndarray, target: Shape) -> "IndexMap":
        """The map written out as an array of flat positions; known to be linear where it is."""
        flat = np.ascontiguousarray(positions, np.intp).reshape(-1)
        return cls(positions.shape, target, flat=flat, affine=_linear_run(flat, positions.shape))

    @classmethod
    def of_view(cls, move: Callable[[np.ndarray], np.ndarray], source: Shape) -> "IndexMap | None":
        """The map of a movement that NumPy answers with a view, read off its strides; None for any other."""
        start = np.arange(math.prod(source)).reshape(source)
        moved = np.asarray(move(start))
        if not moved.size or moved.dtype != start.dtype:
            return None
        low, high = np.lib.array_utils.byte_bounds(start)
        place = moved.__array_interface__["data"][0]
        if not low <= place < high:
            return None
        strides = tuple(s // start.itemsize for s in moved.strides)
        return cls(moved.shape, source, affine=((place - low) // start.itemsize, strides))

    @classmethod
    def broadcast(cls, source: Shape, shape: Shape) -> "IndexMap":
        """The map of NumPy's broadcasting from `source` to `shape`."""
        lead = len(shape) - len(source)
        strides = c_strides(source)
        steps = tuple(0 if source[k] == 1 else strides[k] for k in range(len(source)))
        return cls(shape, source, affine=(0, (0,) * lead + steps))

    @property
    def size(self) -> int:
        """The number of positions mapped."""
        return math.prod(self.shape)

    @property
    def flat(self) -> np.ndarray:
        """The positions as one flat array of `intp`."""
        if self._flat is None:
            make = self._make
            if self.affine is not None:
                self._flat = self._affine_positions()
            elif make is not None:  # else another thread has made them since the question above
                flat = np.ascontiguousarray(make(), np.intp).reshape(-1)
                self._flat, self.affine = flat, _linear_run(flat, self.shape)
                self._make = None
        assert self._flat is not None
        return self._flat

    def _affine_positions(self) -> np.ndarray:
        assert self.affine is not None
        offset, strides = self.affine
        out = np.full((1,) * len(self.shape), offset, np.intp)
        for axis, (n, step) in enumerate(zip(self.shape, strides, strict=True)):
            along = (1,) * axis + (n,) + (1,) * (len(self.shape) - axis - 1)
            out = out + (np.arange(n, dtype=np.intp) * step).reshape(along)
        return np.broadcast_to(out, self.shape).reshape(-1)

    @property
    def linear(self) -> tuple[int, int] | None:
        """`(offset, step)` if flat position k maps to `offset + step k`, else None."""
        if self._linear is None and self.affine is not None:
            runs = _runs(self.affine[1], self.shape)
            if len(runs) < 2:
                self._linear = self.affine[0], runs[0][1] if runs else 1
        return self._linear

    @property
    def boxes(self) -> list[Box] | None:
        """The pieces of even strides that the map consists of, where they are few and it is large; else None."""
        if self._boxes is None:
            few = None if self.affine is not None or self.size < LEAST else boxes(self.flat.reshape(self.shape))
            self._boxes = few or []
        return self._boxes or None

    @property
    def is_identity(self) -> bool:
        """Whether every position maps to the same flat position, all of the target covered."""
        return self.size == math.prod(self.target) and self.linear == (0, 1)

    @property
    def key(self) -> tuple:
        """A cheap fingerprint: maps equal as affine maps or as arrays have equal keys, others seldom."""
        if self._key is None:
            flat = self.flat if self.affine is None else None
            if self.affine is not None:  # perhaps only since the positions were made
                self._key = ("affine", self.size, self.affine[0], _runs(self.affine[1], self.shape))
            else:
                assert flat is not None
                self._key = ("array", self.size, flat[:: max(1, self.size // 64)].tobytes())
        return self._key

    def same(self, other: "IndexMap") -> bool:
        """Whether two maps are known to send every flat position to the same place."""
        if self is other:
            return True
        return self.key == other.key and (self.key[0] == "affine" or np.array_equal(self.flat, other.flat))

    def at(self, inner: "IndexMap") -> "IndexMap":
        """Compose: where `inner` maps into positions of this map, go on to this map's target."""
        affine = None if inner.affine is None else self._affine_at(*inner.affine, inner.shape)
        if affine is not None:
            return IndexMap(inner.shape, self.target, affine=affine)
        return IndexMap(inner.shape, self.target, make=lambda: self.flat[inner.flat])

    def _affine_at(self, offset: int, strides: Shape, shape: Shape) -> tuple[int, Shape] | None:
        """The composition with `offset + sum_k strides[k] i_k`, where it is affine again."""
        if self.linear is not None:
            start, step = self.linear
            return start + step * offset, tuple(step * s for s in strides)
        if self.affine is None or not math.prod(shape):
            return None
        start, steps = self.affine
        place = low = high = _digits(offset, self.shape)
        strides_at = []
        for stride, n in zip(strides, shape, strict=True):
            digits = _digits(stride if n > 1 else 0, self.shape)
            low = tuple(a + min(d, 0) * (n - 1) for a, d in zip(low, digits, strict=True))
            high = tuple(a + max(d, 0) * (n - 1) for a, d in zip(high, digits, strict=True))
            strides_at.append(sum(d * s for d, s in zip(digits, steps, strict=True)))
        if any(a < 0 for a in low) or any(a >= n for a, n in zip(high, self.shape, strict=True)):
            return None  # some sum of strides carries over from one axis to the next
        return start + sum(d * s for d, s in zip(place, steps, strict=True)), tuple(strides_at)

    def of(self, x: Any) -> Any:
        """Gather from one array, of as many elements as the target: of shape `shape`, a view where strides suffice."""
        linear = self.linear if type(x) is np.ndarray and self.size else None
        if linear is None or linear[1] < 1:
            return self.take(np.reshape(x, (1, *self.target)))[0]
        offset, step = linear
        seen = (x if x.ndim == 1 else x.reshape(-1))[offset : offset + step * (self.size - 1) + 1 : step]
        return seen if len(self.shape) == 1 else seen.reshape(self.shape)

    def take(self, block: Any) -> Any:
        """Gather: block of shape `(p,) + target` -> `(p,) + shape`."""
        p = block.shape[0]
        linear = self.linear
        if linear == (0, 1) and self.size == math.prod(self.target):
            return block if self.shape == self.target else np.reshape(block, (p, *self.shape))
        if self.affine is not None and type(block) is np.ndarray:
            return self._strided(block)
        if self._taken and type(block) is np.ndarray and self.boxes is not None:
            return self._in_boxes(block)
        self._taken = True  # pieces are looked for when a map turns out to be used more than once
        rows = np.reshape(block, (p, math.prod(self.target)))
        if linear is not None and linear[1] > 0 and self.size:
            offset, step = linear
            picked = rows[:, offset : offset + step * self.size : step]
        elif is_plain(rows):
            return rows.take(self.flat.reshape(self.shape), 1)
        else:
            picked = np.take(rows, self.flat, axis=1)
        return np.reshape(picked, (p, *self.shape))

    def _strided(self, block: np.ndarray) -> np.ndarray:
        """A view of a block by the affine map; it is written to only where nobody else has the block."""
        assert self.affine is not None
        p = block.shape[0]
        if not (self.size and p):
            return np.empty((p, *self.shape), block.dtype)
        rows = block.reshape(p, math.prod(self.target))
        if self.linear is not None and self.linear[1] > 0:
            offset, step = self.linear
            seen = rows[:, offset : offset + step * (self.size - 1) + 1 : step]
            return seen if len(self.shape) == 1 else seen.reshape(p, *self.shape)
        return _window(rows, self.shape, *self.affine)

    def _in_boxes(self, block: np.ndarray) -> np.ndarray:
        """Gather piece by piece."""
        p = block.shape[0]
        rows, out = block.reshape(p, math.prod(self.target)), np.empty((p, *self.shape), block.dtype)
        flat = out.reshape(p, self.size)
        for shape, place, source in self.boxes or ():
            _window(flat, shape, *place)[...] = _window(rows, shape, *source)
        return out

    def _add_boxes(self, block: np.ndarray) -> np.ndarray:
        """Scatter piece by piece."""
        p = block.shape[0]
        rows, out = block.reshape(p, self.size), np.zeros((p, *self.target), block.dtype)
        flat = out.reshape(p, math.prod(self.target))
        for shape, place, target in self.boxes or ():
            into = _window(flat, shape, *target)
            np.add(into, _window(rows, shape, *place), out=into)
        return out

    def add(self, block: Any) -> Any:
        """Scatter, summing what meets: block of shape `(p,) + shape` -> `(p,) + target`."""
        p, n = block.shape[0], math.prod(self.target)
        if self.is_identity:
            return block if self.shape == self.target else np.reshape(block, (p, *self.target))
        if not (n and self.size):
            return np.zeros((p, *self.target), block.dtype)
        if self.affine is not None:
            summed = tuple(k for k, s in enumerate(self.affine[1]) if s == 0 and self.shape[k] != 1)
            if summed:
                rest = self._without(summed)
                total = np.sum(block, axis=tuple(k + 1 for k in summed))
                return rest.add(np.reshape(total, (p, *rest.shape)))
            if type(block) is np.ndarray and _injective(self.affine[1], self.shape):
                out = np.zeros((p, *self.target), block.dtype)
                self._strided(out)[...] = block
                return out
        if not is_plain(block):
            return scattered(block, index=self)
        if self.boxes and all(_injective(steps, shape) for shape, _, (_, steps) in self.boxes):
            return self._add_boxes(block)
        return self.sums(block.reshape(p, self.size)).reshape(p, *self.target)

    @property
    def sums(self) -> Sums:
        """Scattering into all of the target, prepared."""
        if self._sums is None:
            self._sums = Sums(self.flat, math.prod(self.target))
        return self._sums

    def _without(self, axes: tuple[int, ...]) -> "IndexMap":
        assert self.affine is not None
        keep = [k for k in range(len(self.shape)) if k not in axes]
        strides = tuple(self.affine[1][k] for k in keep)
        return IndexMap(tuple(self.shape[k] for k in keep), self.target, affine=(self.affine[0], strides))


def _injective(strides: Shape, shape: Shape) -> bool:
    """Whether strides alone show that no two positions meet (sufficient, not necessary)."""
    reach = 1
    for stride, n in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride < reach:
            return False
        reach += stride * (n - 1)
    return True


def _window(rows: np.ndarray, shape: Shape, offset: int, strides: Shape) -> np.ndarray:
    """A view of each row of `(p, n)`; strides are counted in elements. Written to only where nobody else has rows."""
    down, along = rows.strides
    whole, steps = (len(rows), *shape), (down, *(s * along for s in strides))
    if rows.flags.c_contiguous:  # a tenth of the time
        return np.ndarray(whole, rows.dtype, rows, offset * along, steps)
    return as_strided(rows[:, offset:], whole, steps)


def _linear_run(flat: np.ndarray, shape: Shape) -> tuple[int, Shape] | None:
    """Offset and strides if the positions are `offset + step k`; the ends are asked first."""
    n = len(flat)
    if n == 0:
        return None
    step = int(flat[1] - flat[0]) if n > 1 else 1
    if flat[-1] - flat[0] != step * (n - 1) or not np.all(flat[1:] - flat[:-1] == step):
        return None
    return int(flat[0]), tuple(step * s for s in c_strides(shape))


def _runs(strides: Shape, shape: Shape) -> tuple[tuple[int, int], ...]:
    """Lengths and strides of a map's axes, those joined that flat positions walk through with one stride."""
    runs: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * stride:
            runs[-1] = runs[-1][0] * n, stride
        else:
            runs.append((n, stride))
    return tuple(runs)


def _digits(position: int, shape: Shape) -> tuple[int, ...]:
    """A flat position, or a stride of either sign, as one number for each axis."""
    sign, rest, digits = (-1 if position < 0 else 1), abs(position), []
    for step in c_strides(shape):
        digit, rest = divmod(rest, step) if step else (0, rest)
        digits.append(sign * digit)
    return tuple(digits)


@dispatched
def scattered(block: Any, *, index: IndexMap) -> Any:
    """`index.add(block)` as one operation, for blocks that are traced."""
    return index.add(block)
