"""The recorded graph as users meet it: a function that can be called, differentiated and looked at."""

import copy
import dataclasses
import functools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.arguments import Selection, select
from jacfwd.batch.call import at_point, points_of
from jacfwd.batch.graph import GraphAtPoints
from jacfwd.chain import Chain, Sides
from jacfwd.cost import Cost, cost_of
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import is_tracer
from jacfwd.graph import Graph as Data
from jacfwd.graph import names_of, to_text
from jacfwd.layers import layers, local_derivative
from jacfwd.linear import LinearMap
from jacfwd.methods import check_choices, cut, dense, require_single, shaped, sloped, written
from jacfwd.paths import Path, count_matrix, paths_between
from jacfwd.pattern import Pattern
from jacfwd.program.jacobian import SparseJacobian
from jacfwd.program.programs import Programs
from jacfwd.recorded import Recorded, combined_spec, fresh, record
from jacfwd.structure import LEAF
from jacfwd.tangents import argument_list, match_tangents

__all__ = ["Derivatives", "Graph"]


@dataclasses.dataclass(frozen=True)
class Derivatives:
    """One derivative graph: everything differentiated with respect to one input.

    `nodes` maps names to forward derivatives in level order, the input (derivative 1) first; `edges` maps
    (parent, child) to local derivatives: numbers between scalars, sparse matrices else; `values` maps names to
    values. Where a complex number is conjugated, as by `abs`, no number is the derivative: there the edge is the
    matrix on real parts and then imaginary parts.
    """

    nodes: dict[str, Any]
    edges: dict[tuple[str, str], Any]
    values: dict[str, Any]


class Graph:
    """A function recorded at a point. Other inputs of the same shapes and dtypes replay it.

    Raises BranchChangedError at points where the function would have taken another branch.

    >>> G = Graph.record(lambda x: (3 * x) ** 2, (4.0,), {})
    >>> float(G(4.0)), G.derivatives(4.0, wrt=0).nodes["t1"].item()
    (144.0, 3.0)
    """

    def __init__(self, found: Recorded, selection: Selection) -> None:
        self.data: Data = found.graph
        self._in_spec, self._out_spec = found.in_spec, found.out_spec
        self._leaves = [np.array(leaf)[()] for leaf in selection.leaves]
        self._places, self._single = selection.places, selection.single
        self._rest = {place: _held(value) for place, value in _unselected(selection).items()}

    @classmethod
    def record(cls, f: Callable, args: tuple, kwargs: dict[str, Any]) -> "Graph":
        """Run f at these arguments and keep what it did; its value is verified by a plain call."""
        selection = select(f, args, kwargs, None, holomorphic=True)
        return cls(record(selection, verify=True), selection)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in CACHED}

    @functools.cached_property
    def _programs(self) -> Programs:
        return Programs(self.data, self._leaves)

    @property
    def source(self) -> str:
        """The NumPy source of the value, and of what else has been asked of this graph so far."""
        return self._programs.text

    # Replay

    @functools.cached_property
    def _plain(self) -> list[tuple[Any, Any]] | None:
        """Shape and dtype of each argument where these are arrays and nothing else: then few checks will do."""
        plain = self._places == tuple(range(len(self._leaves))) and not self._rest
        flat = all(spec is LEAF for spec in ([self._in_spec] if self._single else self._in_spec.children))
        if not (plain and flat):
            return None
        return [(self.data.nodes[at].shape, self.data.nodes[at].dtype) for at in self.data.inputs]

    def _opened(self, args: tuple, kwargs: dict[str, Any]) -> tuple[Sequence[Any], bool]:
        """The leaves of new arguments, checked, and whether none of them is traced."""
        plain = self._plain
        if plain is not None and not kwargs and len(args) == len(plain):
            for arg, (shape, dtype) in zip(args, plain, strict=True):
                if type(arg) is not np.ndarray or arg.shape != shape or arg.dtype != dtype:
                    break
            else:
                return args, True
        leaves = self._selection(args, kwargs).leaves
        return leaves, not any(map(is_tracer, leaves))

    def _selection(self, args: tuple, kwargs: dict[str, Any]) -> Selection:
        """New arguments, checked against the recorded ones."""
        needed = 1 + max((place for place in self._places if isinstance(place, int)), default=-1)
        if len(args) < needed:
            raise ValueError(f"the graph was recorded with {needed} positional arguments, got {len(args)}")
        selection = Selection(_recorded, args, kwargs, self._places, self._single)
        given = [(np.shape(leaf), leaf.dtype) for leaf in selection.leaves]
        expected = [(self.data.nodes[at].shape, self.data.nodes[at].dtype) for at in self.data.inputs]
        structure = combined_spec(selection)
        if not self._in_spec.matches(structure):
            raise ValueError(f"the graph was recorded for {self._in_spec}, got {structure}")
        if given != expected:
            raise ValueError(f"the graph was recorded for inputs {_kinds(expected)}, got {_kinds(given)}")
        self._check_rest(_unselected(selection))
        return selection

    def _check_rest(self, rest: dict[Any, Any]) -> None:
        """What is not differentiated is part of the graph: it must be what it was."""
        for place in {**rest, **self._rest}:
            then, now = self._rest.get(place, MISSING), rest.get(place, MISSING)
            if not _same(then, now):
                label = f"argument {place}" if isinstance(place, int) else f"{place}="
                raise ValueError(
                    f"{label} was {_brief(then)} when the graph was recorded, got {_brief(now)}; record it again"
                )

    def _replay(self, args: tuple, kwargs: dict[str, Any]) -> Recorded:
        """The graph at these arguments, of which it keeps copies."""
        return self._at([own(leaf) for leaf in self._selection(args, kwargs).leaves])

    def _at(self, leaves: list[Any]) -> Recorded:
        return Recorded(self.data, self.data.evaluate(leaves), self._in_spec, self._out_spec)

    def at(self, *args: Any, **kwargs: Any) -> Recorded:
        """The recording at a point, with the values of all nodes; at the recorded one if no arguments are given."""
        return self._replay(args, kwargs) if args or kwargs else self._at(self._leaves)

    def _chain(self, args: tuple, kwargs: dict[str, Any]) -> Chain:
        """The chain at a point; at the recorded one if no arguments are given."""
        return self.at(*args, **kwargs).chain()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value at other inputs."""
        leaves, plain = self._opened(args, kwargs)
        program = self._programs.value() if plain else None
        if program is None:
            return self._at(list(map(own, leaves))).outputs()
        return self._out_spec.unflatten(program(leaves)[0])

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        """Value and derivative in one direction; a tuple of primals is the argument list."""
        leaves, seeds, plain = self._moving(primals, tangents)
        program = self._programs.pushed(seeds) if plain else None
        if program is not None:
            values, pushed = program(leaves, [v for v in seeds if v is not None])
            return self._out_spec.unflatten(values), self._out_spec.unflatten(pushed)
        found = self._at(list(map(own, leaves)))
        held = found.chain().tangents([None if v is None else np.reshape(v, (1, *np.shape(v))) for v in seeds])
        moved = [
            fresh(held[out.node][0] if out.node in held else np.zeros(out.shape, out.dtype))
            for out in self.data.outputs
        ]
        return found.outputs(), self._out_spec.unflatten(moved)

    def _moving(self, primals: Any, tangents: Any) -> tuple[Sequence[Any], Sequence[Any], bool]:
        """Leaves and their tangents, checked, and whether none of all these is traced."""
        args, given = argument_list(primals), argument_list(tangents)
        if self._plain is not None and len(args) == len(given) == len(self._plain):
            pairs = zip((*args, *given), [*self._plain, *self._plain], strict=True)
            if all(type(x) is np.ndarray and (x.shape, x.dtype) == kind for x, kind in pairs):
                return args, given, True
        selection = self._selection(args, {})
        seeds = match_tangents(selection, primals, tangents)
        return selection.leaves, seeds, not any(map(is_tracer, (*selection.leaves, *seeds)))

    def push(self, primals: Any, seeds: Any) -> Any:
        """Many directions at once: seeds `(p, n)`, flat, to their tangents `(p, m)`, flat.

        Raises ValueError where the seeds have another shape.
        """
        leaves, plain = self._opened(argument_list(primals), {})
        sides = self._sides
        if np.ndim(seeds) != 2 or np.shape(seeds)[1] != sides.n:
            raise ValueError(f"expected seeds of shape (p, {sides.n}), got {np.shape(seeds)}")
        if plain and self._real and not is_tracer(seeds):
            seeds = np.asarray(seeds, sides.dtype)
            alone = sides.n >= LARGE and len(seeds) > 0
            program = self._programs.block(sides.wrt, seeds[:1] if alone else seeds)
            if program is not None and alone:
                moved = np.empty((len(seeds), sides.m), sides.dtype)
                for k in range(len(seeds)):
                    moved[k] = program(leaves, [seeds[k : k + 1]])[1][0][0]
                return moved
            if program is not None:
                return program(leaves, [seeds])[1][0]
        return self._at(list(map(own, leaves))).chain().push(seeds)

    def gradient(self, *args: Any, method: str = "auto", **kwargs: Any) -> Any:
        """The gradient of a graph with one output of size 1, in the structure of the inputs.

        Raises BranchChangedError at points of another branch, ValueError where the output has another size.
        """
        require_single(self.data)
        check_choices(method)
        leaves, plain = self._opened(args, kwargs)
        program = self._programs.gradient(self.data.inputs, method) if plain and self._real else None
        if program is not None:
            return self._in_spec.unflatten(program(leaves)[1])
        chain = self._at(list(map(own, leaves))).chain()
        return self._in_spec.unflatten(sloped(chain, dense(chain, method)))

    def hvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        """Value of a graph with one output of size 1, and the derivative of its gradient in one direction."""
        require_single(self.data)
        leaves, seeds, plain = self._moving(primals, tangents)
        whole = all(v is not None for v in seeds)
        program = self._programs.hessian_product(seeds) if plain and whole and self._real else None
        if program is None:
            return self(*argument_list(primals)), self._slope.jvp(primals, tangents)[1]
        values, moved = program(leaves, seeds)
        return self._out_spec.unflatten(values), self._in_spec.unflatten(moved)

    def hessian(self, *args: Any, sparse: bool = False, method: str = "auto", **kwargs: Any) -> Any:
        """Second derivatives of a graph with one output of size 1: the Jacobian of its gradient, `H[input][input]`.

        Parameters as for `jacobian`.
        """
        require_single(self.data)
        check_choices(method)
        star = "star" if method == "compress" else method  # symmetry saves colors
        return self._slope._jacobian(args, kwargs, sparse, method=star)

    @functools.cached_property
    def _slope(self) -> "Graph":
        """The gradient as a graph."""
        data = self._programs.slope(self.data.inputs) if self._real else None
        args = [self._leaves] if self._single else self._leaves
        if data is None:
            return Graph.record(self.gradient, tuple(args), {})
        slope = copy.copy(self)
        slope.data, slope._out_spec = data, self._in_spec
        return slope

    def batch(self, *args: Any, **kwargs: Any) -> GraphAtPoints:
        """The graph at many points, which are the leading axis of its inputs.

        The result has `value`, `jvp(tangents)`, `jacobian(...)` and `gradient()`, each with that axis.

        >>> G = Graph.record(lambda x: np.sum(x**2), (np.ones(2),), {})
        >>> G.batch(np.array([[1.0, 2.0], [3.0, 4.0]])).gradient()
        array([[2., 4.],
               [6., 8.]])
        """
        selection = Selection(_recorded, args, kwargs, self._places, self._single)
        points_of(selection)
        first = at_point(selection, 0)
        self._selection(first.args, first.kwargs)
        return GraphAtPoints(Recorded(self.data, [], self._in_spec, self._out_spec), self._leaves, selection)

    def linearize(self, *args: Any, **kwargs: Any) -> tuple[Any, LinearMap]:
        """Value and derivative as one object."""
        found = self._replay(args, kwargs)
        return found.outputs(), found.linear_map(found.chain())

    def jacobian(
        self,
        *args: Any,
        sparse: bool = False,
        format: str = "csr",
        flat: bool = False,
        method: str = "auto",
        out: sp.csr_array | np.ndarray | None = None,
        **kwargs: Any,
    ) -> Any:
        """The Jacobian `J[output][input]`, as `jf.jacobian` returns it.

        The structure of a sparse one is made at the first call. Each call shares its index arrays, which are
        read-only; `out`, the CSR matrix or the array of an earlier call, is filled again and returned.

        Raises BranchChangedError at points of another branch, ValueError where `out` does not fit.
        """
        check_choices(method, format)
        return self._jacobian(args, kwargs, sparse, format, flat, method, out)

    def _jacobian(
        self,
        args: tuple,
        kwargs: dict[str, Any],
        sparse: bool,
        format: str = "csr",
        flat: bool = False,
        method: str = "auto",
        out: Any = None,
    ) -> Any:
        leaves, plain = self._opened(args, kwargs)
        plain = plain and self._real
        if sparse and plain:
            program = self._programs.sparse(self.data.inputs, method=method)
            if program is not None:
                return self._refilled(program, leaves, format, flat, out)
        sides = self._sides
        if out is not None:
            if sparse or not plain:
                raise ValueError("out= is for points that are plain real arrays")
            _require_fit(out, sides, flat)
        if plain and not sparse:
            compiled = self._programs.dense(self.data.inputs, method)
            if compiled is not None:
                apart = out is not None and not any(np.may_share_memory(out, leaf) for leaf in leaves)
                if apart and out.flags.c_contiguous:
                    compiled(leaves, out)
                    return out
                matrix = compiled(leaves)[1]
                return _written(matrix if flat else self._nested(sides, matrix, shaped), out)
        found = self._at(list(map(own, leaves)))
        return _written(written(found.chain(), found.nested, method, format if sparse else None, flat), out)

    def _refilled(self, program: SparseJacobian, leaves: Sequence[Any], format: str, flat: bool, out: Any) -> Any:
        """The sparse Jacobian by the program for it."""
        whole = format == "csr" and (flat or len(self.data.inputs) == len(self.data.outputs) == 1)
        if out is not None and not whole:
            raise ValueError("out= is for format='csr' and one matrix: pass flat=True")
        matrix = program(leaves, out)[1]
        return matrix if whole else cut(self._sides, self._nested, matrix, format, flat)

    @functools.cached_property
    def _sides(self) -> Sides:
        return Sides(self.data, self.data.inputs)

    @functools.cached_property
    def _real(self) -> bool:
        """Whether no input is complex: then every Jacobian is a matrix."""
        return all(self.data.nodes[at].dtype.kind != "c" for at in self.data.inputs)

    def _nested(self, sides: Sides, matrix: Any, finish: Callable) -> Any:
        return Recorded(self.data, [], self._in_spec, self._out_spec).nested(sides, matrix, finish)

    def layers(self, *args: Any, **kwargs: Any) -> list[sp.csr_array]:
        """The chain's factors as sparse matrices, nearest the input first."""
        return [layer.matrix for layer in layers(self._chain(args, kwargs))]

    # Looking

    def derivatives(self, *args: Any, wrt: int = 0, **kwargs: Any) -> Derivatives:
        """The derivative graph of flat input `wrt`: forward derivatives of nodes, local derivatives of edges.

        It is taken at a point, the recorded one by default.
        """
        found = self.at(*args, **kwargs)
        chain = found.chain()
        if not 0 <= wrt < chain.n:
            raise ValueError(f"wrt={wrt} is out of range for {chain.n} flat inputs")
        seeds = np.zeros((1, chain.n), np.result_type(chain.dtype, np.float16))
        seeds[0, wrt] = 1
        split = chain.split(seeds)
        source = next(k for k, size in enumerate(chain.offsets[1:]) if wrt < size)
        only = [block if k == source else None for k, block in enumerate(split)]
        held = chain.tangents(only, keep=True)
        names, level = names_of(self.data), chain.levels()
        order = sorted(held, key=lambda at: (level[at], at))
        nodes = {names[at]: held[at][0] for at in order}
        parallel: dict[tuple[int, int], list[Format]] = {}
        for parent, child, fmt in chain.edges():
            if parent in held:
                parallel.setdefault((parent, child), []).append(fmt)
        edges = {
            (names[parent], names[child]): local_derivative(fmts, self.data.nodes[child].dtype.kind == "c")
            for (parent, child), fmts in parallel.items()
        }
        return Derivatives(nodes, edges, self._values(found.values, names))

    def _values(self, values: list[Any], names: list[str]) -> dict[str, Any]:
        return dict(zip(names, values, strict=True))

    def paths(self, i: int = 0, j: int = 0, *args: Any, **kwargs: Any) -> Iterator[Path]:
        """Paths from flat input j to flat output i with their products, at a point (the recorded one by default).

        The sum of the products is `J[i, j]`.
        """
        return paths_between(self._chain(args, kwargs), i, j)

    def count_paths(self, i: int | None = None, j: int | None = None) -> Any:
        """Numbers of paths: the matrix of exact integers (outputs x inputs), or one of them."""
        counts = count_matrix(self._chain((), {}))
        if i is None and j is None:
            return counts
        return counts[i or 0, j or 0]

    def cost(self) -> Cost:
        """Multiplications, additions and bytes of value and derivatives by each method."""
        return cost_of(self._chain((), {}))

    @property
    def pattern(self) -> Pattern:
        """The Jacobian's structure, outputs x inputs."""
        found = self._at(self._leaves)
        return found.linear_map(found.chain()).pattern

    def draw(self, *args: Any, wrt: int = 0, fold: str | None = "auto", **kwargs: Any) -> Any:
        """The derivative graph of flat input `wrt` as a picture: `.svg`, `.save(path)`, shown by notebooks.

        It is drawn at a point, the recorded one by default. Boxes are variables with value, operation and forward
        derivative, arrows local derivatives; levels are columns. More than 60 nodes are folded by the user's line,
        function or level; `fold` chooses one of `"line"`, `"function"`, `"level"`, and None draws every node.
        """
        from jacfwd.draw.boxes import draw

        return draw(self.at(*args, **kwargs), wrt, fold)

    def _repr_svg_(self) -> str | None:
        """What notebooks show: the derivative graph of the first input, if there is one."""
        return str(self.draw().svg) if any(math.prod(self.data.nodes[at].shape) for at in self.data.inputs) else None

    def to_html(self, path: str | os.PathLike[str] | None = None, *args: Any, **kwargs: Any) -> str:
        """A page to play with, as text, written to `path` if that is given: one file that needs no network.

        It steps through the forward sweep layer by layer, for each input; it shows local derivatives, paths and their
        sums, the matrix of each layer, and what all this costs. The point is the recorded one unless arguments follow.
        """
        from jacfwd.draw.page import to_html

        return to_html(self.at(*args, **kwargs), path)

    def to_dot(self, *args: Any, wrt: int = 0, **kwargs: Any) -> str:
        """The derivative graph of flat input `wrt` in Graphviz's language."""
        from jacfwd.draw.export import to_dot

        return to_dot(self.at(*args, **kwargs), wrt)

    def to_networkx(self, *args: Any, wrt: int = 0, **kwargs: Any) -> Any:
        """The derivative graph of flat input `wrt` as a `networkx.DiGraph`.

        Raises ImportError, with advice, where networkx is not installed.
        """
        from jacfwd.draw.export import to_networkx

        return to_networkx(self.at(*args, **kwargs), wrt)

    @property
    def nodes(self) -> dict[str, Any]:
        """The recorded nodes by name."""
        return dict(zip(names_of(self.data), self.data.nodes, strict=True))

    @property
    def guards(self) -> list[Any]:
        """The values that the recording relied on."""
        return self.data.guards

    def __str__(self) -> str:
        return to_text(self.data)

    def __repr__(self) -> str:
        ins, outs = len(self.data.inputs), len(self.data.outputs)
        return f"<Graph of {len(self.data.nodes)} nodes, {ins} inputs, {outs} outputs, {len(self.data.guards)} guards>"


MISSING = object()
# Inputs from which on directions are pushed one after the other: a block of them would leave the processor's cache.
LARGE = 1 << 12
# What a graph makes of itself when it is needed.
CACHED = ("_programs", "_plain", "_slope", "_real")


def own(leaf: Any) -> Any:
    """A leaf that its owner may change without the graph's values following."""
    return leaf.frozen() if is_tracer(leaf) else fresh(leaf)


def _require_fit(out: Any, sides: Sides, flat: bool) -> None:
    """Raise ValueError unless `out` is an array in which the dense Jacobian can be written."""
    if not flat and not len(sides.wrt) == len(sides.graph.outputs) == 1:
        raise ValueError("out= is for one array: pass flat=True")
    nodes, outputs = sides.graph.nodes, sides.graph.outputs
    shape = (sides.m, sides.n) if flat else (*outputs[0].shape, *nodes[sides.wrt[0]].shape)
    if not isinstance(out, np.ndarray) or not out.flags.writeable or out.shape != shape or out.dtype != sides.dtype:
        found = f"shape {out.shape}, {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out= is for a writeable array of shape {shape}, {sides.dtype}, got {found}")


def _written(J: Any, out: Any) -> Any:
    """A Jacobian, or the array that was given for it."""
    if out is None:
        return J
    out[...] = J
    return out


def _unselected(selection: Selection) -> dict[Any, Any]:
    """Arguments that are passed as they are, by position or name."""
    every: dict[Any, Any] = {**dict(enumerate(selection.args)), **selection.kwargs}
    return {place: value for place, value in every.items() if place not in selection.places}


def _held(value: Any) -> Any:
    """An argument as the graph keeps it: containers and arrays by content, so that later changes are seen."""
    return copy.deepcopy(value) if isinstance(value, np.ndarray | list | tuple | dict | set) else value


def _same(then: Any, now: Any) -> bool:
    """Whether an argument is what it was: arrays and containers by content, numbers with their type."""
    if then is now:
        return True
    if type(then) is not type(now):
        return False
    if isinstance(then, np.ndarray):
        return then.dtype == now.dtype and np.array_equal(then, now, equal_nan=then.dtype.kind in "fc")
    if isinstance(then, list | tuple):
        return len(then) == len(now) and all(map(_same, then, now))
    if isinstance(then, dict):
        return then.keys() == now.keys() and all(_same(then[key], now[key]) for key in then)
    return bool(then == now) or bool(then != then)


def _brief(value: Any) -> str:
    return "not given" if value is MISSING else repr(value)[:60]


def _recorded(*args: Any) -> None:
    """Stands in for the user's function, which a graph does not keep."""


def _kinds(kinds: list) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in kinds) or "none"
