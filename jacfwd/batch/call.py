"""A call of a derivative whose selected arguments have a leading axis of points."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jacfwd.arguments import Selection
from jacfwd.batch.points import Points
from jacfwd.batch.stacked import Batch, Branch, Stretch, batched
from jacfwd.calls import Call
from jacfwd.formats.dispatch import is_tracer
from jacfwd.kept import Kept, Reads
from jacfwd.recorded import record
from jacfwd.spread import BLOCKS, Spreading, progress_of, spread

__all__ = ["at_point", "over_points", "points_of"]


def over_points(
    reads: Reads,
    kept: Kept | None,
    selection: Selection,
    spreading: Spreading,
) -> Any:
    """The derivative at all points: stacked arrays, or block-diagonal matrices.

    Raises ValueError where the selected arguments have no leading axis in common, or it is empty.
    """
    count = points_of(selection)
    run = runner(count, spreading)
    if kept is None:
        found = batched(selection.leaves, (), lambda k: recorded_at(reads, selection, k), run)
    else:
        found = by_recordings(reads, kept, selection, count, run)
    return reads.answer(found.values() if reads.wanted.value else None, None, matrices(reads, found))


def matrices(reads: Reads, found: Batch) -> Any:
    """The derivative in the kind that was asked for."""
    options = reads.wanted
    return found.sparse(options.format, options.flat) if options.sparse else found.dense()


def points_of(selection: Selection) -> int:
    """How many points there are."""
    shapes = {label: np.shape(leaf) for label, leaf in zip(selection.labels, selection.leaves, strict=True)}
    listed = ", ".join(f"{label} {shape}" for label, shape in shapes.items())
    if any(map(is_tracer, selection.leaves)):
        raise TypeError("batch=True takes plain arrays, and cannot be traced by an outer derivative")
    if any(not shape for shape in shapes.values()) or len({shape[0] for shape in shapes.values()}) != 1:
        raise ValueError(f"batch=True: expected a leading axis of points of one length in {listed}")
    count: int = next(iter(shapes.values()))[0]
    if not count:
        raise ValueError(f"batch=True: expected at least one point, got {listed}")
    return count


def at_point(selection: Selection, k: int) -> Selection:
    """The call at one of the points."""
    one = copy.copy(selection)
    for cached in ("sizes", "offsets"):
        one.__dict__.pop(cached, None)
    one.leaves = [leaf[k] for leaf in selection.leaves]
    chosen = one.unflatten(one.leaves)
    args, kwargs = list(selection.args), dict(selection.kwargs)
    for place, value in zip(selection.places, chosen, strict=True):
        if isinstance(place, int):
            args[place] = value
        else:
            kwargs[place] = value
    one.args, one.kwargs = tuple(args), kwargs
    return one


def recorded_at(reads: Reads, selection: Selection, k: int) -> Branch:
    """The branch of one point, by a recording of its own."""
    one = at_point(selection, k)
    found = record(one, verify=reads.wanted.verify in (True, "always"))
    return Branch(reads, found, one.leaves, found.graph.inputs)


def by_recordings(reads: Reads, kept: Kept, selection: Selection, count: int, run: Callable) -> Batch:
    """The batch by the recordings that are kept; new branches are kept too.

    There all floating arguments are inputs: those that are not differentiated are the same at all points.
    """
    first = Call(at_point(selection, 0))
    leaves: list[Any] = [np.broadcast_to(np.asarray(leaf), (count, *np.shape(leaf))) for leaf in first.leaves]
    for place, leaf in zip(first.wrt, selection.leaves, strict=True):
        leaves[place] = leaf

    def known() -> Iterator[Branch]:
        for own in kept.branches(first):
            if own.many is None:
                own.many = Branch(reads, own.found, own.point, own.wrt)
            yield own.many

    def branch_at(k: int) -> Branch:
        own = kept.recorded(Call(at_point(selection, k)))
        own.many = made = Branch(reads, own.found, own.point, own.wrt)
        return made

    return batched(leaves, known(), branch_at, run)


def runner(count: int, how: Spreading) -> Callable:
    """How a graph is evaluated at points: here, or in stretches by an executor."""
    progress = progress_of(how.progress, "point")
    size = how.chunk_size or (count if how.executor is None and progress is None else -(-count // BLOCKS))

    def run(points: Points, leaves: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
        total = len(leaves[0])
        if how.executor is None and total <= size:
            return points(leaves)
        task = Stretch(points, list(leaves))
        blocks = [found for _, found in spread(task, total, size, how.executor, progress, "points")]
        outs = [np.concatenate([found[0][k] for found in blocks]) for k in range(len(points.outputs))]
        return outs, np.concatenate([taken for _, taken in blocks])

    return run
