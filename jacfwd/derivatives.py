"""Derivatives as callables: a function with options, called like the function it was made of."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacfwd.arguments import FIRST, Selection, select
from jacfwd.callables import Derivative
from jacfwd.chain import Chain
from jacfwd.door import MISS
from jacfwd.formats.dispatch import is_tracer
from jacfwd.methods import Spread, check_choices, dense, require_blocks, require_single, sloped, written
from jacfwd.recorded import Recorded, record
from jacfwd.recording.interpose import running
from jacfwd.spread import Colored, Columns, Rows, Spreading, as_dask, check_chunk, check_executor

if TYPE_CHECKING:
    from jacfwd.estimates import Explanation
    from jacfwd.kept import Kept

__all__ = ["Gradient", "Hessian", "Jacobian", "Options"]


class Options(NamedTuple):
    """How a Jacobian is wanted."""

    argnums: Any = FIRST
    argnames: Any = None
    sparse: bool = False
    format: str = "csr"
    flat: bool = False
    method: str = "auto"
    has_aux: bool = False
    holomorphic: bool = False
    record: bool = False
    verify: Any = "auto"
    batch: bool = False
    chunk_size: int | None = None
    executor: Executor | None = None
    progress: Any = False
    value: bool = False

    @property
    def spreading(self) -> Spreading:
        """How the work is cut into blocks."""
        return Spreading(self.chunk_size, self.executor, self.progress)

    @property
    def spreads(self) -> bool:
        """Whether it is cut into blocks, or made at many points."""
        return self.batch or self.spreading != Spreading()

    def check(self) -> None:
        """Raise ValueError or TypeError for choices that do not exist, or not together."""
        check_choices(self.method, self.format)
        if self.format != "csr" and not self.sparse:
            raise ValueError(f"format={self.format!r} is a format of sparse matrices; pass sparse=True with it")
        check_chunk(self.chunk_size)
        check_executor(self.executor)
        if self.batch and self.has_aux:
            raise ValueError("batch=True has no place for aux, which is no array of points; drop has_aux")
        # Not by `in`: 1 equals True.
        if not any(self.verify == choice and type(self.verify) is type(choice) for choice in VERIFY):
            raise ValueError(f"verify must be one of {', '.join(map(repr, VERIFY))}, got {self.verify!r}")


# From so many nodes on it pays to look for operations that can be joined, for a single call too.
MANY = 1000
VERIFY = ("auto", True, False, "always")
BLOCKS: dict[str, Any] = {"forward": Columns, "reverse": Rows}


class Jacobian(Derivative):
    """`jacobian(f)`: called like f, it returns the Jacobian there."""

    public_name = "jacobian"
    # Whether a matrix is wanted, and whether it is known to be symmetric.
    whole, symmetric = True, False
    defaults = Options._field_defaults

    def __init__(self, f: Callable, **options: Any) -> None:
        super().__init__(f, **options)
        self.wanted = Options(**options)
        self.wanted.check()
        self._spreads = self.wanted.spreads
        self._kept = self._keeping() if self.wanted.record else None
        self._doors = None if self._kept is None else self._kept.doors

    def _keeping(self) -> "Kept":
        from jacfwd.kept import Kept

        return Kept(self)

    @property
    def function(self) -> Callable:
        """What is differentiated."""
        return self.f

    @property
    def method(self) -> str:
        """How the chain is multiplied."""
        return str(self.wanted.method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._doors and not kwargs:
            door = self._doors.get(tuple(map(type, args)))
            if door is not None:
                found = door(args)
                if found is not MISS:
                    return found
        kept = self._kept
        if self._spreads:
            return self.spread_out(args, kwargs)
        return self.unrecorded(self.select(args, kwargs)) if kept is None else kept(args, kwargs)

    def spread_out(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The derivative at many points, or in blocks."""
        options, selection = self.wanted, self.select(args, kwargs)
        if options.batch:
            from jacfwd.batch.call import over_points

            return over_points(self, self._kept, selection, options.spreading)
        found, leaves, wrt = self.recording(selection)

        def spread(chain: Chain, what: Any) -> Any:
            how = options.spreading
            if isinstance(what, str):
                return how.whole(BLOCKS[what](found.graph, leaves, wrt))
            return [block for _, block in how.blocks(Colored(found.graph, leaves, wrt, what))]

        J = self.matrix(found, Chain(found.graph, found.values, wrt), spread)
        return self.answer(found.outputs(), found.aux, J)

    def recording(self, selection: Selection) -> tuple[Recorded, list[Any], list[int]]:
        """A recording with its values at a call, its leaves there, and which of its inputs are differentiated."""
        if self._kept is not None:
            return self._kept.at(selection)
        found = record(selection, self.wanted.has_aux, self.wanted.verify in (True, "always"))
        return found, selection.leaves, found.graph.inputs

    def blocks(self, *args: Any, **kwargs: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """The dense Jacobian `(m, n)` block by block, for results that are larger than memory.

        `(columns, J[:, columns])`, each block of `chunk_size` columns, or of as many as the memory budget holds;
        with `method="reverse"` rows: `(rows, J[rows])`.
        """
        return self.wanted.spreading.blocks(self._blocks(args, kwargs))

    def dask(self, *args: Any, **kwargs: Any) -> Any:
        """The dense Jacobian `(m, n)` as a dask array of the same blocks, computed when they are asked for.

        Raises ImportError where dask is missing.
        """
        task = self._blocks(args, kwargs)
        return as_dask(task, self.wanted.spreading.size(task))

    def _blocks(self, args: tuple, kwargs: dict[str, Any]) -> Columns | Rows:
        found, leaves, wrt = self.recording(self.select(args, kwargs))
        method = "forward" if self.wanted.method == "auto" else self.wanted.method
        require_blocks(method, ("forward", "reverse"))
        return BLOCKS[method](found.graph, leaves, wrt)

    def explain(self, *args: Any, **kwargs: Any) -> "Explanation":
        """What each method would cost at these arguments, from sizes and structure alone, and the one that is taken.

        With `record=True` the costs are those of a call for which everything has been prepared.

        >>> import numpy as np
        >>> print(Jacobian(lambda x: x[1:] * x[:-1], sparse=True).explain(np.ones(1000)))  # doctest: +ELLIPSIS
        accumulate: 0 multiply-adds, chosen · compress: 2 seeds, ... · forward: 1,000 seeds · reverse: 999
        ...
        """
        from jacfwd.estimates import Estimator

        options, kept = self.wanted, self._kept
        found, _, wrt = self.recording(self.select(args, kwargs))
        chain = Chain(found.graph, found.values, wrt) if kept is not None else levelled(found).chain()
        estimator = Estimator(chain, options.sparse, kept is not None, symmetric=self.symmetric)
        notes = () if kept is None else tuple(str(kept).splitlines())
        return estimator.explain(options.method, notes)

    def in_no_hurry(self) -> "Jacobian":
        """This one, whose recordings are interpreted until programs would have paid, as where few calls may come."""
        if self._kept is not None:
            self._kept.rented = True
        return self

    def clear(self) -> None:
        """Forget what `record=True` has recorded."""
        if self._kept is not None:
            self._kept.clear()

    def select(self, args: tuple, kwargs: dict[str, Any]) -> Selection:
        """The call with its selected arguments, checked."""
        options = self.wanted
        if options.sparse and running() is not None:
            raise TypeError("a sparse Jacobian cannot be traced by an outer derivative; use sparse=False inside")
        return select(
            self.function, args, kwargs, options.argnums, argnames=options.argnames, holomorphic=options.holomorphic
        )

    def unrecorded(self, selection: Selection) -> Any:
        """The result by a run of f that is not kept."""
        found = record(selection, self.wanted.has_aux, self.wanted.verify in (True, "always"))
        joined = levelled(found)
        return self.answer(found.outputs(), found.aux, self.matrix(joined, joined.chain()))

    def answer(self, y: Any, aux: Any, J: Any) -> Any:
        """The result of a call, made of its parts."""
        options = self.wanted
        if options.value:
            return ((y, aux), J) if options.has_aux else (y, J)
        return (J, aux) if options.has_aux else J

    def matrix(self, found: Recorded, chain: Chain, spread: Spread | None = None) -> Any:
        """The Jacobian in the kind that was asked for; `spread` makes it of blocks."""
        options = self.wanted
        sparse_format = options.format if options.sparse else None
        return written(chain, found.nested, self.method, sparse_format, options.flat, spread)


def levelled(found: Recorded) -> Recorded:
    """A recording with small operations of one level joined, where it has very many, as of a loop over elements."""
    values = [found.values[at] for at in found.graph.inputs]
    if len(found.graph.nodes) < MANY or any(map(is_tracer, values)):
        return found
    from jacfwd.program.batches import batched

    graph = batched(found.graph)
    if graph is found.graph:
        return found
    with np.errstate(all="ignore"):
        return dataclasses.replace(found, graph=graph, values=graph.evaluate(values))


class Gradient(Jacobian):
    """`gradient(f)`: the Jacobian of a function with one output, in the shape of the input."""

    public_name = "gradient"
    whole = False

    def matrix(self, found: Recorded, chain: Chain, spread: Spread | None = None) -> Any:
        require_single(found.graph)
        return found.in_spec.unflatten(sloped(chain, dense(chain, self.wanted.method, spread)))


class Slope(Gradient):
    """What a Hessian is the Jacobian of: the gradient or, of several outputs, all of theirs."""

    def matrix(self, found: Recorded, chain: Chain, spread: Spread | None = None) -> Any:
        if chain.m == 1 and len(found.graph.outputs) == 1:
            return super().matrix(found, chain, spread)
        return written(chain, found.nested, "reverse" if chain.m <= chain.n else "forward")


class Hessian(Jacobian):
    """`hessian(f)`: the Jacobian of the gradient."""

    public_name = "hessian"
    symmetric = True

    @property
    def function(self) -> Callable:
        slope = Gradient if self.wanted.sparse else Slope
        return slope(self.f, argnums=self.wanted.argnums, method="reverse", verify=self._checks_inside)

    @property
    def method(self) -> str:
        """How the chain is multiplied; colors of a Hessian make use of its symmetry."""
        return "star" if self.wanted.method == "compress" else str(self.wanted.method)

    @property
    def _checks_inside(self) -> Any:
        """Whether each value of f is verified, which the gradient's value says little of."""
        return self.wanted.verify in (True, "always") or (self.wanted.record and self.wanted.verify == "auto")
