"""Loops over blocks, on one thread or on several."""

import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jacfwd.program.places import Layout

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["in_blocks", "set_threads", "starts", "threads"]

# Blocks that are worth another thread.
WORTH = 4


class Pool:
    """The threads that share blocks, started when first needed, and anew in a forked process."""

    def __init__(self) -> None:
        self.count = 1
        self._made: tuple[int, int, ThreadPoolExecutor] | None = None
        self._lock = threading.Lock()

    def executor(self) -> "ThreadPoolExecutor":
        """Threads for this process."""
        from concurrent.futures import ThreadPoolExecutor

        wanted = (os.getpid(), self.count)
        with self._lock:
            if self._made is None or self._made[:2] != wanted:
                self._made = (*wanted, ThreadPoolExecutor(self.count - 1, "jacfwd"))
            return self._made[2]


POOL = Pool()


def set_threads(n: int) -> None:
    """Let recorded functions use n threads where arrays are large; 1 by default.

    Results are the same bits for any number.

    Raises
    ------
    ValueError
        If n is no positive integer.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"expected a positive number of threads, got {n!r}")
    POOL.count = n


def threads() -> int:
    """How many threads may be used."""
    return POOL.count


def starts(size: int, block: int, again: int = 0) -> list[int]:
    """Where blocks begin, each with so many elements of the one before again; the last one ends with the array."""
    return [*range(0, size - block, block - again), size - block]


def in_blocks(region: Callable, size: int, block: int, layout: Layout, again: int = 0) -> None:
    """Run a region over all blocks of so many elements."""
    every = starts(size, block, again)
    shares = min(POOL.count, max(1, len(every) // WORTH))
    if shares == 1:
        _run(region, every, layout)
        return
    bounds = [len(every) * k // shares for k in range(shares + 1)]
    executor = POOL.executor()
    # Each share in a copy of this context, in which NumPy keeps what it does about floating-point errors.
    waiting = [
        executor.submit(contextvars.copy_context().run, _run, region, every[bounds[k] : bounds[k + 1]], layout)
        for k in range(1, shares)
    ]
    try:
        _run(region, every[: bounds[1]], layout)
    finally:
        failures = [future.exception() for future in waiting]
    for failure in failures:
        if failure is not None:
            raise failure


def _run(region: Callable, some: Sequence[int], layout: Layout) -> None:
    buffers = layout.take()
    try:
        region(some, *buffers)
    finally:
        layout.give(buffers)
