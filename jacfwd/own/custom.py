"""Functions whose derivative is given as a tangent function: `custom_jvp`, as in JAX."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jacfwd.accumulate import accumulate
from jacfwd.chain import Chain
from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.compose import compose
from jacfwd.formats.dispatch import is_plain, is_tracer
from jacfwd.formats.entries import nothing, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator, real_linear
from jacfwd.own.base import defined
from jacfwd.own.calls import Layout, Structured
from jacfwd.primitive import Call, Rule
from jacfwd.recording.interpose import suspended
from jacfwd.recording.record import Record

__all__ = ["custom_jvp"]


class custom_jvp(Structured):
    """A function with a tangent function of the user's own, as in JAX.

    `defjvp(jvp)` sets `jvp(primals, tangents) -> (out, tangent_out)`, both arguments tuples with one entry for each
    argument of the function. The value is the function's own; `tangent_out` must be linear in `tangents`, and is run
    on stand-in arrays, which gives the local Jacobian with its structure: sparse, transposable and differentiable.
    Arguments that are not differentiated have tangents zero.

    Parameters
    ----------
    function : of arrays, or tuples, dicts and dataclasses of arrays, and returns such; called with plain arrays
    nondiff_argnums : positions of arguments that are no arrays; `jvp` gets them first, before `primals`

    Raises
    ------
    NotDifferentiableError
        If a tangent function is not linear (checked at the point where it is used).
    UnsupportedFunctionError
        If a derivative is asked for and no tangent function was set.

    >>> import jacfwd as jf
    >>> @jf.custom_jvp
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.defjvp
    ... def _(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t / (1 + np.exp(-x))
    >>> jf.gradient(log1pexp)(0.0)
    np.float64(0.5)
    """

    def __init__(self, function: Callable, nondiff_argnums: Sequence[int] = ()) -> None:
        if isinstance(nondiff_argnums, int):
            nondiff_argnums = (nondiff_argnums,)
        self.nondiff = tuple(nondiff_argnums)
        if not all(isinstance(k, int) for k in self.nondiff):
            raise TypeError(f"nondiff_argnums must be positions of arguments, got {nondiff_argnums!r}")
        self.jvp: Callable | None = None
        super().__init__(function, Rule("custom", lambda call, k: self._map(call, (k,)), joint=self._map))

    def defjvp(self, jvp: Callable) -> Callable:
        """Set the tangent function and return it, so that this serves as a decorator."""
        self.jvp = jvp
        return jvp

    def defjvps(self, *partials: Callable | None) -> None:
        """Set one function `partial(tangent, out, *primals)` for each argument, whose results are added; None: zero."""

        def jvp(*args: Any) -> tuple[Any, Any]:
            *static, primals, tangents = args
            if len(partials) != len(primals):
                raise TypeError(
                    f"{self.short}: defjvps was given {len(partials)} functions for {len(primals)} arguments"
                )
            out = self(*_merged(self.nondiff, static, primals))
            pairs = zip(partials, tangents, strict=True)
            terms = [partial(t, out, *static, *primals) for partial, t in pairs if partial is not None]
            return out, sum(terms[1:], terms[0]) if terms else np.zeros(np.shape(out))

        self.jvp = jvp

    def static_places(self, args: Sequence[Any]) -> Iterable[int]:
        if any(not -len(args) <= k < len(args) for k in self.nondiff):
            raise TypeError(f"{self.short} needs the arguments that nondiff_argnums={self.nondiff} names")
        return [k % len(args) for k in self.nondiff]

    def _map(self, call: Call, wanted: tuple[int, ...]) -> Format:
        """The local Jacobian of the wanted operands: the tangent function's own, which is linear."""
        layout: Layout = call.params["layout"]
        if self.jvp is None:
            raise UnsupportedFunctionError(f"{self.short} has no derivative yet: give it one with {self.short}.defjvp")
        jvp = self.jvp
        static = [layout.static[k] for k in sorted(layout.static)]
        zeros = [_zero(x) for x in call.operands]

        def tangent(moving: Sequence[Any]) -> Any:
            tangents = list(zeros)
            for k, t in zip(wanted, moving, strict=True):
                tangents[k] = t
            primals = layout.spec.unflatten([_copy(x) for x in call.operands])
            found = jvp(*static, primals, layout.spec.unflatten(tangents), **layout.keywords)
            if not (isinstance(found, tuple) and len(found) == 2):
                raise TypeError(
                    f"{self.short}: the function given to defjvp must return (out, tangent_out), {defined(jvp)}"
                )
            return layout.packed_tangent(found[1])

        return linear_format(tangent, jvp, [call.operands[k] for k in wanted], call.out_shape, self.short)


def _merged(places: Sequence[int], static: Sequence[Any], primals: Sequence[Any]) -> list[Any]:
    """All positional arguments in their order."""
    n = len(static) + len(primals)
    given = dict(zip(sorted(k % n for k in places), static, strict=True))
    rest = iter(primals)
    return [given[k] if k in given else next(rest) for k in range(n)]


def _zero(x: Any) -> Any:
    """The tangent of what is held constant."""
    dtype = np.result_type(x)
    return np.zeros(np.shape(x), dtype if dtype.kind in "fc" else np.float64)[()]


def _copy(x: Any) -> Any:
    """A primal that the tangent function may do with as it likes."""
    return np.copy(x) if is_tracer(x) or isinstance(x, np.ndarray) else x


def linear_format(
    function: Callable[[Sequence[Any]], Any], owner: Callable, points: Sequence[Any], out_shape: Shape, name: str
) -> Format:
    """The format of a linear function of several arrays like `points`, flattened and joined, by recording it.

    Raises NotDifferentiableError if it is not linear.
    """
    seeds = [_probe(np.shape(x), np.result_type(x)) for x in points]
    rec = Record()
    tracers = [rec.input(seed, f"tangent{k}") for k, seed in enumerate(seeds)]

    def plain(scale: float = 1.0) -> tuple[list[Any]]:
        with suspended():
            return ([function([seed * scale for seed in seeds])],)

    ((leaf,),) = rec.run(owner, lambda: ([rec.leaf(function(tracers))],), plain)
    graph = rec.graph([leaf])
    chain = Chain(graph, rec.values, graph.inputs)
    shape = (chain.n,) if len(seeds) > 1 else np.shape(seeds[0])
    if any(np.iscomplexobj(seed) for seed in seeds):
        fmt: Format = _pushed_through(chain, shape, out_shape)
    else:
        found = accumulate(chain)[0] or nothing((chain.n,), out_shape)
        fmt = compose(found, selection(IndexMap((chain.n,), shape, affine=(0, (1,)))))
    _require_linear(fmt, seeds, graph.results(rec.values)[0], owner, name)
    return fmt


def _pushed_through(chain: Chain, in_shape: Shape, out_shape: Shape) -> Format:
    """A map between complex arrays, which may conjugate, by its products."""

    def there(block: Any) -> Any:
        return np.reshape(chain.push(np.reshape(block, (-1, chain.n))), (-1, *out_shape))

    def back(block: Any) -> Any:
        return np.reshape(chain.pull(np.reshape(block, (-1, chain.m))), (-1, *in_shape))

    axes = tuple(range(len(in_shape))), tuple(range(len(out_shape)))
    return real_linear(Operator(in_shape, out_shape, there, back, axes))


def _probe(shape: Shape, dtype: np.dtype) -> Any:
    """A direction without any regularity, in which a function that is not linear shows."""
    values = 0.5 + np.mod(0.6180339887 * np.arange(1, math.prod(shape) + 1), 1)
    if dtype.kind == "c":
        values = values + 1j * (0.5 + np.mod(values * 7.3, 1))
    return values.astype(dtype).reshape(shape)[()]


def _require_linear(fmt: Format, seeds: Sequence[Any], out: Any, owner: Callable, name: str) -> None:
    """Raise unless the recorded tangent is the recorded map times the direction that it was recorded in."""
    block = np.concatenate([np.reshape(seed, (1, -1)) for seed in seeds], axis=1)
    with np.errstate(all="ignore"):
        pushed = np.reshape(fmt.push(np.reshape(block, (1, *fmt.in_shape)))[0], np.shape(out))
    if not is_plain(out, pushed):
        return
    scale = np.abs(out[np.isfinite(out)] if np.ndim(out) else out).max(initial=0) if np.size(out) else 0.0
    eps = max(float(np.finfo(np.result_type(x, np.float16)).eps) for x in (out, *seeds))
    if not np.allclose(pushed, out, rtol=0, atol=max(1e-9, 1e3 * eps) * scale, equal_nan=True):
        raise NotDifferentiableError(
            f"{name}: the tangent function given to defjvp is not linear in the tangents, {defined(owner)}; each of "
            "its terms must be something times a tangent"
        )
