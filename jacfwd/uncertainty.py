"""Linear propagation of uncertainties: `C_y = J C_x J^T`."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from jacfwd.arguments import Selection, select
from jacfwd.chain import Chain
from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.dispatch import strong_matmul, strong_product
from jacfwd.memory import require
from jacfwd.methods import dense, sparse
from jacfwd.recorded import record
from jacfwd.structure import Spec, nest, step
from jacfwd.tangents import argument_list

__all__ = ["propagate"]

# Jacobians of more entries than this are multiplied as sparse matrices.
LARGE = 1 << 20
# How far from symmetric a covariance may be, relative to its largest entry.
SYMMETRY = 1e-8


def propagate(f: Callable, x: Any, C_x: Any) -> tuple[Any, Any]:
    """The value of f and its covariance, to first order: `C_y = J C_x J^T` with `J = df/dx`.

    Exact for linear f; else the error is of second order in the uncertainties (JCGM 102:2011, section 6.2).

    Parameters
    ----------
    f : function of NumPy arrays
    x : where; a tuple is the argument list, of which the float arguments are uncertain
    C_x : covariance of the n inputs, flattened and joined in their order: `(n, n)`, dense or sparse; `(n,)`
        variances of uncorrelated inputs; a number, the variance of each. Or one of these for each argument, in a
        tuple (None: known exactly), and for each entry of a dict or another structure: then what stands in
        different entries is uncorrelated

    Returns
    -------
    y : `f(x)`
    C_y : shape `y.shape + y.shape`, a number for a number; for structured outputs `C_y[a][b]`, the covariance of
        outputs a and b; `scipy.sparse` arrays `(a.size, b.size)` where C_x is sparse. For complex y,
        `J C_x J^H`

    Raises
    ------
    ValueError : C_x has another shape, is not symmetric, or has a negative variance
    NotDifferentiableError : an input is complex

    >>> import numpy as np
    >>> y, C = propagate(lambda x: np.array([x[0] * x[1], x[0] + x[1]]), np.array([2.0, 3.0]), [0.01, 0.04])
    >>> C
    array([[0.25, 0.11],
           [0.11, 0.05]])
    >>> y, variance = propagate(lambda a, b: a / b, (6.0, 2.0), (0.04, 0.01))
    >>> float(y), float(variance)
    (3.0, 0.0325)
    """
    selection = select(f, argument_list(x), {}, None, holomorphic=True)
    if any(leaf.dtype.kind == "c" for leaf in selection.leaves):
        raise NotDifferentiableError(
            "propagate takes real inputs: pass real and imaginary parts as inputs of their own"
        )
    covariance = _covariance(selection, C_x)
    found = record(selection)
    chain = found.chain()
    joint = _carried(chain, covariance)
    bounds, outs = chain.out_offsets, found.graph.outputs

    def block(a: int, b: int) -> Any:
        part = joint[bounds[a] : bounds[a + 1], bounds[b] : bounds[b + 1]]
        return part if sp.issparse(part) else np.array(np.reshape(part, outs[a].shape + outs[b].shape))[()]

    return found.outputs(), nest(found.out_spec, found.out_spec, block)


def _carried(chain: Chain, covariance: Any) -> Any:
    """`J C J^H` over all outputs; C is a sparse matrix, a dense one, or a vector of variances."""
    if sp.issparse(covariance):
        J = sparse(chain, "auto")
        return (J @ covariance @ J.conj().T).tocsr()
    require(8 * chain.m**2, f"a covariance of shape ({chain.m}, {chain.m})", "pass C_x as a scipy.sparse matrix")
    if chain.m * chain.n > LARGE and covariance.ndim == 1:
        J = sparse(chain, "auto")
        return (J * covariance @ J.conj().T).toarray()
    J = dense(chain, "auto")
    with np.errstate(all="ignore"):
        half = strong_product(J, covariance) if covariance.ndim == 1 else strong_matmul(J, covariance)
        product = strong_matmul(half, np.conj(J).T)
    return (product + np.conj(product).T) / 2


def _covariance(selection: Selection, given: Any) -> Any:
    """The covariance of all flat inputs: a vector if they are uncorrelated, else a matrix, sparse if a part is."""
    sizes = iter(selection.sizes)
    if type(given) is not tuple:
        if len(selection.specs) == 1:
            return _joined(_parts(selection.specs[0], given, sizes, "C_x"))
        return _checked(given, selection.offsets[-1], "C_x")
    count = len(selection.args)
    if len(given) != count:
        raise ValueError(f"C_x is a tuple of {len(given)}, but there are {count} arguments: one entry for each")
    for k, part in enumerate(given):
        if k not in selection.places and part is not None:
            raise ValueError(f"C_x[{k}] belongs to an argument without a derivative: pass None")
    pairs = zip(selection.specs, selection.places, strict=True)
    return _joined([part for spec, k in pairs for part in _parts(spec, given[int(k)], sizes, f"C_x[{k}]")])


def _parts(spec: Spec, given: Any, sizes: Iterator[int], label: str) -> list[Any]:
    """Covariances of the leaves of one argument, which are one if it is given for all of them together."""
    if spec.container is None or type(given) is not spec.container:
        return [_checked(given, sum(itertools.islice(sizes, spec.n_leaves)), label)]
    by_key = isinstance(given, dict) or spec.container is tuple
    keys = given.keys() if isinstance(given, dict) else range(len(given)) if by_key else spec.keys
    if set(keys) != set(spec.keys):
        raise ValueError(
            f"{label} has entries {sorted(keys)}, its argument {list(spec.keys)}; None is for what is exact"
        )
    found = []
    for key, child in zip(spec.keys, spec.children, strict=True):
        entry = given[key] if by_key else getattr(given, key)
        found += _parts(child, entry, sizes, label + step(spec.container, key))
    return found


def _checked(given: Any, n: int, label: str) -> Any:
    """The covariance of n inputs: a vector of variances, a symmetric matrix, or a sparse one."""
    if given is None:
        return np.zeros(n)
    matrix = given.tocsr() if sp.issparse(given) else np.asarray(given)
    if matrix.dtype.kind not in "fiu":
        raise ValueError(f"{label} must hold real numbers, got {matrix.dtype}")
    if matrix.ndim == 0:
        matrix = np.full(n, matrix)
    if matrix.shape not in ((n,), (n, n)):
        raise ValueError(f"{label} must be a number or of shape ({n},) or ({n}, {n}), got {matrix.shape}")
    variances = matrix if matrix.ndim == 1 else matrix.diagonal()
    if (variances < 0).any():
        raise ValueError(f"{label} has a negative variance, {variances.min()}")
    if matrix.ndim == 2 and abs(matrix - matrix.T).max() > SYMMETRY * abs(matrix).max():
        raise ValueError(f"{label} is not symmetric, so no covariance")
    return matrix.astype(float)


def _joined(parts: list[Any]) -> Any:
    """Uncorrelated parts as one covariance."""
    if len(parts) == 1:
        return parts[0]
    if all(part.ndim == 1 for part in parts):
        return np.concatenate(parts)
    if any(map(sp.issparse, parts)):
        return sp.block_diag([sp.diags(part) if part.ndim == 1 else part for part in parts], format="csr")
    return scipy.linalg.block_diag(*(np.diag(part) if part.ndim == 1 else part for part in parts))
