"""The real and the imaginary part of complex arrays: views, as NumPy has them, of half of every cell."""

from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.layout import Place
from jacfwd.recording.storage import Storage
from jacfwd.rules import find

__all__ = ["IMAG", "REAL", "Part"]

REAL, IMAG = find(np.real), find(np.imag)


class Part:
    """Half of the cells of a complex storage, with a storage's interface for reading.

    Who writes to it writes the complex cells, of which the other half stays.
    """

    __slots__ = ("_seen", "dtype", "name", "primitive", "whole")

    def __init__(self, whole: Storage, name: str) -> None:
        self.whole, self.name = whole, name
        self.primitive: Any = REAL if name == "real" else IMAG
        self.dtype = getattr(np.empty(0, whole.dtype), name).dtype
        self._seen: dict[tuple[int, Place], Any] = {}

    @property
    def version(self) -> int:
        """Counts the writes to the cells."""
        return self.whole.version

    @property
    def twin(self) -> np.ndarray:
        """Memory in which the layouts of complex arrays can be looked up."""
        return self.whole.twin

    @property
    def constant(self) -> bool:
        """Whether no traced value has been written."""
        return self.whole.constant

    def of(self, value: Any) -> Any:
        """This part of a complex value."""
        return self.primitive.function(value) if is_tracer(value) else getattr(value, self.name)

    def look(self, place: Place) -> Any:
        """The value seen through a place."""
        return self.of(self.whole.look(place))

    def shape_view(self, place: Place) -> np.ndarray:
        """A plain array with the layout of the place."""
        return getattr(self.whole.shape_view(place), self.name)

    def read(self, place: Place) -> Any:
        """The node for what the place sees."""
        key = (self.version, place)
        if key not in self._seen:
            self._seen = {key: self._taken(self.whole.look(place), self.whole.read(place))}
        return self._seen[key]

    def gather(self, place: Place, key: Any) -> tuple[Any, Any]:
        """Value and node of what an advanced index takes from a place."""
        value, handle = self.whole.gather(place, key)
        return self.of(value), self._taken(value, handle)

    def lend(self, place: Place) -> np.ndarray:
        """A plain array that shares the memory of a constant storage."""
        return getattr(self.whole.lend(place), self.name)

    def _taken(self, value: Any, handle: Any) -> Any:
        if handle is None:
            return None
        rec = self.whole.rec
        self.whole.captured = self.whole.captured or rec.keeps
        return rec.emit(self.primitive, [handle], [value], {}, self.of(value))
