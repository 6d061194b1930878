"""Independent blocks of work, here or on any executor: column blocks of seeds, rows of cotangents, stretches of points.

A task is a callable `task(start, stop)`. It is sent to an executor as bytes that a worker opens once, and without
the user's function: what it needs is a graph and numbers.
"""

import functools
import itertools
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

import numpy as np

from jacfwd.accumulate import accumulate
from jacfwd.chain import Chain
from jacfwd.formats.base import Format
from jacfwd.formats.entries import Entries, nothing
from jacfwd.formats.index import IndexMap
from jacfwd.graph import Graph
from jacfwd.linear import transposed
from jacfwd.memory import budget, require_chunk

__all__ = [
    "Colored",
    "Columns",
    "Progress",
    "Rows",
    "Spreading",
    "as_dask",
    "check_chunk",
    "check_executor",
    "chunk_of",
    "progress_of",
    "spread",
]

Task = Callable[[int, int], Any]
Progress = Callable[[int, int], Any]
# Blocks that wait at an executor at a time: enough to keep many workers busy, few enough to be held.
WAITING = 64
# Blocks into which work is cut for an executor, unless `chunk_size` says how large they are.
BLOCKS = 16


class Seeds:
    """Products of a graph's chain at a point with unit seeds; it pickles as the graph and the point."""

    unit = "seed"

    def __init__(self, graph: Graph, leaves: Sequence[Any], wrt: Sequence[int]) -> None:
        self.graph, self.leaves, self.wrt = graph, list(leaves), list(wrt)

    def __getstate__(self) -> dict[str, Any]:
        return {"graph": self.graph, "leaves": self.leaves, "wrt": self.wrt}

    @functools.cached_property
    def chain(self) -> Chain:
        """The local Jacobians at the point."""
        return Chain(self.graph, self.graph.evaluate(self.leaves), self.wrt)

    @property
    def count(self) -> int:
        """How many seeds there are."""
        raise NotImplementedError

    @property
    def each(self) -> int:
        """Bytes that one seed needs on its way."""
        return self.chain.seed_bytes

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """One block."""
        raise NotImplementedError

    def units(self, start: int, stop: int) -> np.ndarray:
        """The unit seeds of a block."""
        seeds = np.zeros((stop - start, self.count), np.result_type(self.chain.dtype, np.float16))
        seeds[np.arange(stop - start), np.arange(start, stop)] = 1
        return seeds


class Columns(Seeds):
    """Columns of the Jacobian, forward: `(m, stop - start)`."""

    unit = "column"

    @property
    def count(self) -> int:
        """One seed for each input."""
        return self.chain.n

    @functools.cached_property
    def each(self) -> int:
        """Structured products hold what a column reaches: as much as three of them do, or the column itself."""
        chain = self.chain
        some = np.zeros((3, chain.n), bool)
        if chain.n:
            some[range(3), [0, chain.n // 2, chain.n - 1]] = True
        reached = max(
            (int(block.sum(axis=tuple(range(1, block.ndim))).max()) for block in reach(chain, some)), default=0
        )
        return 8 * max(reached, chain.m, 1) * np.dtype(chain.dtype).itemsize

    def __call__(self, start: int, stop: int) -> np.ndarray:
        chain = self.chain
        parts = accumulate(chain, columns=some_columns(chain, start, stop))
        rows = [
            np.zeros((size, stop - start)) if part is None else part.todense()
            for part, size in zip(parts, chain.out_sizes, strict=True)
        ]
        return np.concatenate([np.zeros((0, stop - start), chain.dtype), *rows]).astype(chain.dtype, copy=False)


class Colored(Seeds):
    """Values of a sparse Jacobian by the seeds of a coloring, block after block."""

    def __init__(self, graph: Graph, leaves: Sequence[Any], wrt: Sequence[int], seeding: Any) -> None:
        super().__init__(graph, leaves, wrt)
        self.seeding = seeding

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "seeding": self.seeding}

    @property
    def count(self) -> int:
        """One seed for each color."""
        count: int = self.seeding.count
        return count

    def __call__(self, start: int, stop: int) -> np.ndarray:
        found: np.ndarray = self.seeding.block(self.chain, start, stop)
        return found


def reach(chain: Chain, seeds: np.ndarray) -> Iterator[np.ndarray]:
    """Which elements of each node boolean seeds `(p, n)` reach, `(p,) + node.shape`."""
    held = {
        at: seeds[:, a:b].reshape(len(seeds), *chain.graph.nodes[at].shape)
        for at, a, b in zip(chain.wrt, chain.offsets[:-1], chain.offsets[1:], strict=True)
    }
    last = chain.last_use
    for step in chain.steps:
        total: Any = False
        for parents, fmt in step.groups:
            block = held[parents[0]] if len(parents) == 1 else beside([held[q] for q in parents])
            total = total | fmt.reach(block)
        for gone in last.get(step.node, ()):
            held.pop(gone, None)
        held[step.node] = total
        yield total


def beside(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Blocks of joined parents, flattened and side by side."""
    return np.concatenate([block.reshape(len(block), -1) for block in blocks], axis=1)


def some_columns(chain: Chain, start: int, stop: int) -> dict[int, Format]:
    """The Jacobians of the inputs with respect to a stretch of the n columns only."""
    found: dict[int, Format] = {}
    for k, at in enumerate(chain.wrt):
        first, last = max(start, chain.offsets[k]), min(stop, chain.offsets[k + 1])
        shape = chain.graph.nodes[at].shape
        if first >= last:
            found[at] = nothing((stop - start,), shape)
            continue
        rows = IndexMap((last - first,), shape, affine=(first - chain.offsets[k], (1,)))
        cols = IndexMap((last - first,), (stop - start,), affine=(first - start, (1,)))
        found[at] = Entries((stop - start,), shape, rows, cols)
    return found


class Rows(Seeds):
    """Rows of the Jacobian, from the output side: `(stop - start, n)`."""

    unit = "row"

    @property
    def count(self) -> int:
        """One seed for each output."""
        return self.chain.m

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return np.ascontiguousarray(transposed(self.chain, self.units(start, stop)))


def check_chunk(chunk_size: Any) -> None:
    """Raise ValueError for a size that is no positive integer."""
    if chunk_size is None:
        return
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int | np.integer) or chunk_size < 1:
        raise ValueError(f"chunk_size must be a positive integer, got {chunk_size!r}")


def check_executor(executor: Any) -> None:
    """Raise TypeError for what cannot be handed any work."""
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {type(executor).__name__}")


def chunk_of(each: int, count: int, chunk_size: int | None) -> int:
    """How many seeds, of so many bytes each, go together: as asked for, or as many as the budget holds.

    Raises MemoryBudgetError for a size that cannot fit.
    """
    if chunk_size is None:
        return max(1, min(count, budget() // (2 * each)))
    require_chunk(min(chunk_size, count), each)
    return chunk_size


def spread(
    task: Task,
    count: int,
    size: int,
    executor: Executor | None = None,
    progress: Progress | None = None,
    what: str = "columns",
) -> Iterator[tuple[slice, Any]]:
    """Blocks `(start:stop, task(start, stop))` in order, computed here or by an executor; `size` items in each.

    What a worker raises is raised here, with the range of its block as a note; blocks that wait are then cancelled.
    """
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    done = here(task, bounds) if executor is None else there(task, bounds, executor, what)
    if progress is not None:
        progress(0, count)
    for (start, stop), block in zip(bounds, done, strict=True):
        if progress is not None:
            progress(stop, count)
        yield slice(start, stop), block


def here(task: Task, bounds: Sequence[tuple[int, int]]) -> Iterator[Any]:
    """One block after the other."""
    return itertools.starmap(task, bounds)


def there(task: Task, bounds: Sequence[tuple[int, int]], executor: Executor, what: str) -> Iterator[Any]:
    """Blocks by an executor, a limited number at a time."""
    sent = pickle.dumps(task)
    left = deque(bounds)
    waiting: deque[tuple[tuple[int, int], Future]] = deque()
    try:
        while left or waiting:
            while left and len(waiting) < WAITING:
                start, stop = left.popleft()
                waiting.append(((start, stop), executor.submit(run_sent, sent, start, stop)))
            (start, stop), future = waiting.popleft()
            try:
                yield future.result()
            except Exception as error:
                error.add_note(f"while {what} {start}:{stop} of {bounds[-1][1]} were computed by the executor")
                raise
    finally:
        for _, future in waiting:
            future.cancel()


def run_sent(sent: bytes, start: int, stop: int) -> Any:
    """One block, where it was sent to."""
    return opened(sent)(start, stop)


@functools.lru_cache(maxsize=4)
def opened(sent: bytes) -> Task:
    """A task as it arrived; blocks of the same one share what it computes once."""
    task: Task = pickle.loads(sent)
    return task


def progress_of(progress: Any, unit: str) -> Progress | None:
    """What `progress=` stands for: nothing, a bar of tqdm, or a function of (done, total) as it is.

    Raises ImportError where tqdm is missing, TypeError for anything else.
    """
    if progress is False or progress is None:
        return None
    if progress is True:
        return bar(unit)
    if not callable(progress):
        raise TypeError(f"progress must be True, False or a function of (done, total), got {progress!r}")
    return progress


def bar(unit: str) -> Progress:
    """A progress bar that closes when all is done."""
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'jacfwd[scale]', or pass a function") from error
    made = tqdm(unit=unit)

    def show(done: int, total: int) -> None:
        made.total = total
        made.update(done - made.n)
        if done >= total:
            made.close()

    return show


class Spreading(NamedTuple):
    """How a Jacobian is made of blocks: of which size, by which executor, with which progress told."""

    chunk_size: int | None = None
    executor: Executor | None = None
    progress: Any = False

    def size(self, task: Seeds) -> int:
        """How many seeds make a block."""
        size = chunk_of(task.each, task.count, self.chunk_size)
        if self.executor is not None and self.chunk_size is None:
            size = min(size, -(-task.count // BLOCKS)) or 1
        return size

    def blocks(self, task: Seeds) -> Iterator[tuple[slice, np.ndarray]]:
        """The blocks in order."""
        count, size = task.count, self.size(task)
        return spread(task, count, size, self.executor, progress_of(self.progress, task.unit), f"{task.unit}s")

    def whole(self, task: Seeds) -> np.ndarray:
        """The blocks put together: `(m, n)`."""
        chain, by_rows = task.chain, task.unit == "row"
        out = np.empty((chain.m, chain.n), chain.dtype)
        for part, block in self.blocks(task):
            out[part if by_rows else (slice(None), part)] = block
        return out


def as_dask(task: Seeds, size: int) -> Any:
    """The Jacobian `(m, n)` as a dask array of blocks, each computed when it is asked for."""
    try:
        import dask.array as da
        from dask.delayed import delayed
    except ImportError as error:
        raise ImportError("a dask array needs dask: pip install 'jacfwd[scale]'") from error
    made: Any = da
    chain, axis, count = task.chain, 0 if task.unit == "row" else 1, task.count
    sent, compute = pickle.dumps(task), delayed(run_sent)
    parts = []
    for start in range(0, count, size):
        stop = min(start + size, count)
        shape = (stop - start, chain.n) if axis == 0 else (chain.m, stop - start)
        parts.append(made.from_delayed(compute(sent, start, stop), shape, chain.dtype))
    return made.concatenate(parts, axis=axis) if parts else made.zeros((chain.m, chain.n), chain.dtype)
