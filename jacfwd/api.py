"""The public functions: argument handling only; all work is done below."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import numpy as np

from jacfwd.arguments import FIRST, has_floats, select
from jacfwd.derivatives import Gradient, Hessian, Jacobian
from jacfwd.errors import JacobianMismatchError
from jacfwd.linear import LinearMap, flat_rows
from jacfwd.methods import dense
from jacfwd.pattern import Pattern
from jacfwd.recorded import pushed_forward, record
from jacfwd.recording.record import Record
from jacfwd.recording.tracer import Tracer
from jacfwd.structure import flatten
from jacfwd.tangents import match_tangents, select_primals

if TYPE_CHECKING:
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
    found = record(select(f, args, kwargs, argnums, holomorphic=True), has_aux)
    J = found.linear_map(found.chain())
    return (found.outputs(), J, found.aux) if has_aux else (found.outputs(), J)


def jacobian(
    f: Callable,
    argnums: Any = FIRST,
    *,
    argnames: Any = None,
    sparse: bool = False,
    format: str = "csr",
    flat: bool = False,
    method: str = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
    record: bool = False,
    verify: Any = "auto",
    batch: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: Any = False,
) -> Jacobian:
    """The Jacobian of f as a function: `J[i, j] = d f_i / d x_j`.

    Parameters
    ----------
    f : function of NumPy arrays
    argnums : which arguments are differentiated, an int or a tuple (then the result is a tuple); default 0
    argnames : keyword arguments that are differentiated
    sparse : return a two-dimensional `scipy.sparse` array `(out.size, in.size)` instead of a dense array
        of shape `out.shape + in.shape`
    format : "csr", "csc", "coo" or "bsr"; index arrays are read-only, since other results share them
    flat : one matrix over all outputs and inputs instead of one per pair
    method : "forward" (one seed per input), "compress" (one seed per color of the pattern), "accumulate" (sparse
        products), "reverse" (one seed per output) or "auto"
    has_aux : f returns `(out, aux)`; the result is then `(J, aux)`
    holomorphic : the inputs are complex and f is complex differentiable
    record : keep recordings, and run f only where none is good for a call: for arguments of other shapes, dtypes or
        structure, other integers, strings and objects, another branch, other globals or closure cells of f. All
        float and complex arguments are inputs. In-place changes of captured arrays are not seen; `.clear()` forgets
    verify : compare the recorded value with a plain call of f: True at each recording, False never, "always" at each
        call, also where nothing is recorded; "auto": at recordings that are kept
    batch : the leading axis of the selected arguments is an axis of points, and so is that of the result: arrays of
        shape `(points,) + out.shape + in.shape`, or block-diagonal matrices, as BSR with one block for each point.
        One vectorised pass for each branch that points take
    chunk_size : how many columns (forward), rows (reverse) or points go together; by default as many as the memory
        budget holds
    executor : a `concurrent.futures.Executor` that computes these blocks, in threads, processes or on a cluster; the
        user's function does not travel
    progress : True for a progress bar (needs tqdm), or a function of (done, total)

    Raises
    ------
    NotDifferentiableError : a selected argument is an integer, boolean or object
    TracerConversionError : a derivative would be lost, or the verified value is another one
    ValueError : argnums repeated, empty or out of range

    >>> import numpy as np
    >>> J = jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.array([1.0, 2.0, 3.0]))
    >>> J.toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    options = {"argnums": argnums, "argnames": argnames, "sparse": sparse, "format": format, "flat": flat,
               "method": method, "has_aux": has_aux, "holomorphic": holomorphic, "record": record,
               "verify": verify, "batch": batch, "chunk_size": chunk_size, "executor": executor,
               "progress": progress}  # fmt: skip
    return Jacobian(f, **options)


def value_and_jacobian(
    f: Callable,
    argnums: Any = FIRST,
    *,
    argnames: Any = None,
    sparse: bool = False,
    format: str = "csr",
    flat: bool = False,
    method: str = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
    record: bool = False,
    verify: Any = "auto",
    batch: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: Any = False,
) -> Jacobian:
    """Value and Jacobian from one evaluation of f; parameters as for `jacobian`.

    >>> y, J = value_and_jacobian(lambda x: x**2)(3.0)
    >>> float(y), float(J)
    (9.0, 6.0)
    """
    options = {"argnums": argnums, "argnames": argnames, "sparse": sparse, "format": format, "flat": flat,
               "method": method, "has_aux": has_aux, "holomorphic": holomorphic, "record": record, "verify": verify,
               "batch": batch, "chunk_size": chunk_size, "executor": executor, "progress": progress,
               "value": True}  # fmt: skip
    return Jacobian(f, **options)


def jacfwd(f: Callable, argnums: Any = FIRST, *, has_aux: bool = False) -> Jacobian:
    """The dense Jacobian by plain forward mode: n inputs, n seeds, n times the work of one.

    >>> import numpy as np
    >>> jacfwd(np.square)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return Jacobian(f, argnums=argnums, method="forward", has_aux=has_aux)


def gradient(
    f: Callable,
    argnums: Any = FIRST,
    *,
    method: str = "auto",
    has_aux: bool = False,
    record: bool = False,
    verify: Any = "auto",
    batch: bool = False,
) -> Gradient:
    """The gradient of a function with one output, in the shape of its input; parameters as for `jacobian`.

    Raises ValueError where the output has another size than 1.

    >>> import numpy as np
    >>> gradient(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Gradient(f, argnums=argnums, method=method, has_aux=has_aux, record=record, verify=verify, batch=batch)


def value_and_gradient(
    f: Callable,
    argnums: Any = FIRST,
    *,
    method: str = "auto",
    has_aux: bool = False,
    record: bool = False,
    verify: Any = "auto",
    batch: bool = False,
) -> Gradient:
    """Value and gradient from one evaluation of f.

    >>> y, g = value_and_gradient(lambda x: x**3)(2.0)
    >>> float(y), float(g)
    (8.0, 12.0)
    """
    options = {"argnums": argnums, "method": method, "has_aux": has_aux, "record": record, "verify": verify}
    return Gradient(f, **options, batch=batch, value=True)


def hessian(
    f: Callable,
    argnums: Any = FIRST,
    *,
    sparse: bool = False,
    method: str = "auto",
    record: bool = False,
    verify: Any = "auto",
    batch: bool = False,
) -> Hessian:
    """The matrix of second derivatives, by differentiating the gradient; parameters as for `jacobian`.

    Of shape `in.shape + in.shape`; for outputs of another size than 1 `out.shape + in.shape + in.shape`, dense only.

    Raises ValueError where `sparse=True` and the output has another size than 1.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Hessian(f, argnums=argnums, sparse=sparse, method=method, record=record, verify=verify, batch=batch)


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


def trace(f: Callable, *args: Any, **kwargs: Any) -> "Graph":
    """Record f at a point and return its graph.

    >>> G = trace(lambda x: (3 * x) ** 2, 4.0)
    >>> float(G(5.0))
    225.0
    """
    from jacfwd.traced import Graph

    return Graph.record(f, args, kwargs)


def sparsity(f: Callable, *args: Any, argnums: Any = None, **kwargs: Any) -> Pattern:
    """The structure of the Jacobian over all selected inputs and outputs, without values.

    >>> import numpy as np
    >>> sparsity(lambda x: x[1:] * x[:-1], np.ones(3)).nnz
    4
    """
    found = record(select(f, args, kwargs, argnums, holomorphic=True))
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
    from jacfwd.differences import difference_jacobian

    selection = select(f, args, kwargs, argnums, holomorphic=True)
    found = record(selection)
    chain = found.chain()
    J = dense(chain, "auto")
    expected = difference_jacobian(_Flat(selection), flat_rows(selection.leaves))
    with np.errstate(invalid="ignore"):  # inf - inf
        bound = rtol * np.maximum(np.abs(expected).max(axis=1, initial=0), 1e-3)[:, None]
        same = (expected == J) | (np.isnan(J) & np.isnan(expected))
        wrong = ~(same | (np.abs(J - expected) <= bound))
    if wrong.any():
        raise JacobianMismatchError(_mismatch(J, expected, wrong))


class _Flat:
    """f as a function from one flat vector to another."""

    def __init__(self, selection: Any) -> None:
        self.selection = selection

    def __call__(self, x: np.ndarray) -> np.ndarray:
        leaves = []
        for leaf, part in zip(self.selection.leaves, np.split(x, self.selection.offsets[1:-1]), strict=True):
            # Complex where other inputs are; the steps themselves are real.
            part = part if leaf.dtype.kind == "c" else np.real(part)
            leaves.append(np.reshape(part, np.shape(leaf))[()])
        outs, _ = flatten(self.selection.call(leaves))
        return flat_rows([np.asarray(out) for out in outs])


def _mismatch(J: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    with np.errstate(invalid="ignore"):
        gap = np.where(wrong, np.abs(J - expected), -1)
    gap = np.where(np.isnan(gap), np.inf, gap)
    worst = np.argsort(gap, axis=None)[::-1][: min(5, int(wrong.sum()))]
    lines = [
        f"  d out[{i}] / d in[{j}]: {J[i, j]:.10g}, differences give {expected[i, j]:.10g}"
        for i, j in zip(*np.unravel_index(worst, J.shape), strict=True)
    ]
    return f"{int(wrong.sum())} of {J.size} entries of the Jacobian disagree; the worst:\n" + "\n".join(lines)
