"""The public functions: argument handling only; all work is done below."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.arguments import FIRST, has_floats, select
from jacfwd.callables import Derivative
from jacfwd.chain import Chain
from jacfwd.differences import difference_jacobian
from jacfwd.errors import JacobianMismatchError, NotDifferentiableError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.linear import LinearMap, flat_rows
from jacfwd.methods import METHODS, choose, dense, sparse as sparse_matrix
from jacfwd.pattern import Pattern
from jacfwd.recorded import Recorded, pushed_forward, record
from jacfwd.recording.interpose import running
from jacfwd.recording.record import Record
from jacfwd.recording.tracer import Tracer
from jacfwd.tangents import match_tangents, select_primals
from jacfwd.traced import Graph

__all__ = [
    "check_jacobian",
    "gradient",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jvp",
    "linearize",
    "name",
    "sparsity",
    "trace",
    "value_and_gradient",
    "value_and_jacobian",
]


def jvp(f: Callable, primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple:
    """Value and derivative of f at a point in one direction, in one sweep without a tape.

    `y = f(x)`, `dy = J(x) v`: the limit of `(f(x + h v) - f(x)) / h`.

    Parameters
    ----------
    f : function of NumPy arrays
    primals : the point; a tuple is the argument list, anything else the one argument
    tangents : the direction, of the same structure, shapes and dtypes; None holds an argument constant
    has_aux : f returns `(out, aux)`; the result is then `(y, dy, aux)`

    Returns
    -------
    y, dy : of the same structure, shapes and dtypes

    Raises
    ------
    ValueError : shapes of tangents and primals differ
    NotDifferentiableError : a tangent for an integer, boolean or object argument

    Forward mode: Griewank and Walther, Evaluating Derivatives (2008), section 3.1.

    >>> import numpy as np
    >>> y, dy = jvp(lambda x: (3 * x) ** 2, 4.0, 1.0)
    >>> float(y), float(dy)
    (144.0, 72.0)
    """
    selection = select_primals(f, primals, tangents)
    y, dy, aux = pushed_forward(selection, match_tangents(selection, primals, tangents), has_aux)
    return (y, dy, aux) if has_aux else (y, dy)


def linearize(
    f: Callable, *args: Any, argnums: Any = None, has_aux: bool = False, **kwargs: Any
) -> tuple[Any, LinearMap] | tuple[Any, LinearMap, Any]:
    """Value and derivative of f at a point, the derivative as one object.

    The object is a function of tangents, a `scipy.sparse.linalg.LinearOperator` and the chain of sparse layers:
    `J = L_K ... L_2 L_1`.

    Parameters
    ----------
    f : function of NumPy arrays
    *args, **kwargs : its arguments
    argnums : which of them are differentiated; by default every positional float or complex one
    has_aux : f returns `(out, aux)`; the result is then `(y, J, aux)`

    >>> import numpy as np
    >>> y, J = linearize(lambda x: np.sin(x) * x, np.array([0.0, 1.0]))
    >>> J.shape, len(J.layers)
    ((2, 2), 2)
    """
    found = record(select(f, args, kwargs, argnums), has_aux)
    J = found.linear_map(found.chain())
    return (found.outputs(), J, found.aux) if has_aux else (found.outputs(), J)


@dataclasses.dataclass(frozen=True)
class Options:
    """How a Jacobian is wanted."""

    argnums: Any = FIRST
    argnames: Any = None
    sparse: bool = False
    format: str = "csr"
    flat: bool = False
    method: str = "auto"
    has_aux: bool = False
    holomorphic: bool = False
    value: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, got {self.method!r}")


class Jacobian(Derivative):
    """`jacobian(f)`: called like f, it returns the Jacobian there."""

    public_name = "jacobian"
    defaults = {field.name: field.default for field in dataclasses.fields(Options)}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        options = self.wanted
        if options.sparse and running() is not None:
            raise TypeError("a sparse Jacobian cannot be traced by an outer derivative; use sparse=False inside")
        selection = select(
            self.f, args, kwargs, options.argnums, argnames=options.argnames, holomorphic=options.holomorphic
        )
        found = record(selection, options.has_aux)
        chain = found.chain()
        self.check(found, chain)
        J = self.matrix(found, chain)
        if options.value:
            y = found.outputs()
            return ((y, found.aux), J) if options.has_aux else (y, J)
        return (J, found.aux) if options.has_aux else J

    @property
    def wanted(self) -> Options:
        """The options as an object."""
        return Options(**self.options)

    def check(self, found: Recorded, chain: Chain) -> None:
        """Refuse what has no Jacobian of this kind."""
        if self.wanted.holomorphic:
            check_holomorphic(chain)

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        """The Jacobian in the kind that was asked for."""
        options = self.wanted
        if not options.sparse:
            matrix = dense(chain, options.method)
            return matrix if options.flat else found.nested(chain, matrix, shaped=True)
        matrix = sparse_matrix(chain, options.method)
        if not options.flat and (len(chain.wrt) > 1 or len(found.graph.outputs) > 1 or _is_nested(found)):
            matrix = found.nested(chain, matrix, shaped=False)
            return _formatted(matrix, options.format)
        return _formatted(matrix, options.format)


def _is_nested(found: Recorded) -> bool:
    return found.in_spec.container is not None or found.out_spec.container is not None


def _formatted(matrix: Any, format: str) -> Any:  # noqa: A002  (as SciPy names it)
    """Every matrix of a structure in one scipy.sparse format."""
    if hasattr(matrix, "asformat"):
        return matrix if format == "csr" else matrix.asformat(format)
    if isinstance(matrix, dict):
        return {key: _formatted(part, format) for key, part in matrix.items()}
    if dataclasses.is_dataclass(matrix) and not isinstance(matrix, type):
        for field in dataclasses.fields(matrix):
            object.__setattr__(matrix, field.name, _formatted(getattr(matrix, field.name), format))
        return matrix
    parts = [_formatted(part, format) for part in matrix]
    return type(matrix)(*parts) if hasattr(matrix, "_fields") else type(matrix)(parts)


def check_holomorphic(chain: Chain) -> None:
    """Raise NotDifferentiableError unless `J (i v) = i J v` in one random direction of the complex inputs."""
    if chain.real_inputs or not chain.plain:
        return
    rng = np.random.default_rng(0)
    v = rng.standard_normal((1, chain.n)) + 1j * rng.standard_normal((1, chain.n))
    along, across = chain.push(v), chain.push(1j * v)
    scale = np.abs(along).max(initial=0) + np.abs(across).max(initial=0)
    if np.abs(across - 1j * along).max(initial=0) > 1e-8 * scale:
        raise NotDifferentiableError(
            "holomorphic=True, but the function is not complex differentiable here (it uses abs, conj, real or "
            "imag); differentiate with respect to real and imaginary parts instead"
        )


class Gradient(Jacobian):
    """`gradient(f)`: the Jacobian of a function with one output, in the shape of the input."""

    public_name = "gradient"

    def check(self, found: Recorded, chain: Chain) -> None:
        if chain.m != 1 or len(found.graph.outputs) != 1:
            shapes = [out.shape for out in found.graph.outputs]
            raise ValueError(f"gradient needs an output of size 1, got shape {shapes}; use jacobian")

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        row = dense(chain, self.wanted.method)
        leaves = []
        for k, at in enumerate(chain.wrt):
            part = np.reshape(row[0, chain.offsets[k] : chain.offsets[k + 1]], found.graph.nodes[at].shape)
            part = _cast(part, found, at)
            leaves.append(part[()] if part.ndim == 0 and not is_tracer(part) else part)
        return found.in_spec.unflatten(leaves)


def _cast(part: Any, found: Recorded, at: int) -> Any:
    dtype = np.result_type(found.graph.outputs[0].dtype, found.graph.nodes[at].dtype)
    return part if part.dtype == dtype else part.astype(dtype)


def jacobian(
    f: Callable,
    argnums: Any = FIRST,
    *,
    argnames: Any = None,
    sparse: bool = False,
    format: str = "csr",  # noqa: A002  (as SciPy names it)
    flat: bool = False,
    method: str = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Jacobian:
    """The Jacobian of f as a function: `J[i, j] = d f_i / d x_j`.

    Parameters
    ----------
    f : function of NumPy arrays
    argnums : which arguments are differentiated, an int or a tuple (then the result is a tuple); default 0
    argnames : keyword arguments that are differentiated
    sparse : return a two-dimensional `scipy.sparse` array `(out.size, in.size)` instead of a dense array
        of shape `out.shape + in.shape`
    format : "csr", "csc", "coo" or "bsr"
    flat : one matrix over all outputs and inputs instead of one per pair
    method : "forward" (one seed per input), "accumulate" (sparse products), "reverse" (one seed per output)
        or "auto"
    has_aux : f returns `(out, aux)`; the result is then `(J, aux)`
    holomorphic : the inputs are complex and f is complex differentiable

    Raises
    ------
    NotDifferentiableError : a selected argument is an integer, boolean or object
    ValueError : argnums repeated, empty or out of range

    >>> import numpy as np
    >>> J = jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.array([1.0, 2.0, 3.0]))
    >>> J.toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    options = {"argnums": argnums, "argnames": argnames, "sparse": sparse, "format": format, "flat": flat,
               "method": method, "has_aux": has_aux, "holomorphic": holomorphic}  # fmt: skip
    return Jacobian(f, **options)


def value_and_jacobian(
    f: Callable,
    argnums: Any = FIRST,
    *,
    argnames: Any = None,
    sparse: bool = False,
    format: str = "csr",  # noqa: A002  (as SciPy names it)
    flat: bool = False,
    method: str = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Jacobian:
    """Value and Jacobian from one evaluation of f; parameters as for `jacobian`.

    >>> y, J = value_and_jacobian(lambda x: x**2)(3.0)
    >>> float(y), float(J)
    (9.0, 6.0)
    """
    options = {"argnums": argnums, "argnames": argnames, "sparse": sparse, "format": format, "flat": flat,
               "method": method, "has_aux": has_aux, "holomorphic": holomorphic, "value": True}  # fmt: skip
    return Jacobian(f, **options)


def jacfwd(f: Callable, argnums: Any = FIRST, *, has_aux: bool = False) -> Jacobian:
    """The dense Jacobian by plain forward mode: n inputs, n seeds, n times the work of one.

    >>> import numpy as np
    >>> jacfwd(np.sin)(np.array([0.0, np.pi]))
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    return Jacobian(f, argnums=argnums, method="forward", has_aux=has_aux)


def gradient(f: Callable, argnums: Any = FIRST, *, method: str = "auto", has_aux: bool = False) -> Gradient:
    """The gradient of a function with one output, in the shape of its input.

    Raises ValueError where the output has another size than 1.

    >>> import numpy as np
    >>> gradient(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Gradient(f, argnums=argnums, method=method, has_aux=has_aux)


def value_and_gradient(f: Callable, argnums: Any = FIRST, *, method: str = "auto", has_aux: bool = False) -> Gradient:
    """Value and gradient from one evaluation of f.

    >>> y, g = value_and_gradient(lambda x: x**3)(2.0)
    >>> float(y), float(g)
    (8.0, 12.0)
    """
    return Gradient(f, argnums=argnums, method=method, has_aux=has_aux, value=True)


def hessian(f: Callable, argnums: Any = FIRST, *, sparse: bool = False, method: str = "auto") -> Jacobian:
    """The matrix of second derivatives, by differentiating the gradient.

    Raises ValueError where the output has another size than 1.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Jacobian(Gradient(f, argnums=argnums, method="reverse"), argnums=argnums, sparse=sparse, method=method)


def hvp(f: Callable, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Value and Hessian-vector product: the derivative of the gradient in one direction, whatever the size.

    Forward over reverse: Griewank and Walther (2008), section 3.2; cost independent of the number of inputs.

    >>> import numpy as np
    >>> y, Hv = hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    >>> Hv
    array([6., 0.])
    """
    argnums: Any = 0
    if type(primals) is tuple:
        argnums = tuple(k for k, primal in enumerate(primals) if has_floats(primal))
    (y, _), (_, Hv) = jvp(Gradient(f, argnums=argnums, method="reverse", value=True), primals, tangents)
    return y, Hv


def trace(f: Callable, *args: Any, **kwargs: Any) -> Graph:
    """Record f at a point and return its graph.

    >>> G = trace(lambda x: (3 * x) ** 2, 4.0)
    >>> float(G(5.0))
    225.0
    """
    return Graph.record(f, args, kwargs)


def sparsity(f: Callable, *args: Any, argnums: Any = None, **kwargs: Any) -> Pattern:
    """The structure of the Jacobian over all selected inputs and outputs, without values.

    >>> import numpy as np
    >>> sparsity(lambda x: x[1:] * x[:-1], np.ones(3)).nnz
    4
    """
    found = record(select(f, args, kwargs, argnums))
    return found.linear_map(found.chain()).pattern


def name(label: str, value: Any) -> Any:
    """Name the node that `value` stands for; outside a recording, and for plain values, the identity.

    >>> name("g", 3.0)
    3.0
    """
    if not isinstance(label, str):
        raise TypeError(f"name(label, value): the label must be a string, got {type(label).__name__}")
    if type(value) is Tracer and isinstance(value._rec, Record) and value.handle is not None:
        node = value._rec.nodes[value.handle]
        if node.primitive is not None:
            node.name = label
    return value


def check_jacobian(f: Callable, *args: Any, argnums: Any = None, rtol: float = 1e-6, **kwargs: Any) -> None:
    """Compare the Jacobian with extrapolated differences of f itself.

    Raises JacobianMismatchError with the worst entries where they disagree by more than `rtol` of the largest
    entry of the row.

    >>> import numpy as np
    >>> check_jacobian(np.sin, np.array([0.5, 1.0]))
    """
    selection = select(f, args, kwargs, argnums)
    found = record(selection)
    chain = found.chain()
    J = dense(chain, choose(chain, "auto", False))
    expected = difference_jacobian(_Flat(selection), flat_rows(selection.leaves))
    bound = rtol * np.maximum(np.abs(expected).max(axis=1, initial=0), 1e-3)[:, None]
    wrong = ~(np.abs(J - expected) <= bound) & ~(np.isnan(J) & np.isnan(expected))
    if wrong.any():
        raise JacobianMismatchError(_mismatch(J, expected, wrong))


class _Flat:
    """f as a function from one flat vector to another."""

    def __init__(self, selection: Any) -> None:
        self.selection = selection

    def __call__(self, x: np.ndarray) -> np.ndarray:
        from jacfwd.structure import flatten

        leaves, start = [], 0
        for leaf in self.selection.leaves:
            size = np.size(leaf)
            leaves.append(np.reshape(x[start : start + size], np.shape(leaf))[()])
            start += size
        outs, _ = flatten(self.selection.call(leaves))
        return flat_rows([np.asarray(out) for out in outs])


def _mismatch(J: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    gap = np.where(wrong, np.abs(J - expected), -1)
    gap = np.where(np.isnan(gap), np.inf, gap)
    worst = np.argsort(gap, axis=None)[::-1][: min(5, int(wrong.sum()))]
    lines = [
        f"  d out[{i}] / d in[{j}]: {J[i, j]:.10g}, differences give {expected[i, j]:.10g}"
        for i, j in zip(*np.unravel_index(worst, J.shape), strict=True)
    ]
    return f"{int(wrong.sum())} of {J.size} entries of the Jacobian disagree; the worst:\n" + "\n".join(lines)
