"""The benchmark problems in the forms of other libraries: each derivative in the library's best form, ready to call.

What can be the same function is: a second copy of `bench.functions` runs on the other library's NumPy. Every form is
compared with the Jacobian that jacfwd found, and jacfwd's is confirmed apart from that.
"""

import importlib.util
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bench import functions, problems
from bench.problems import Problem

__all__ = ["asdex_sparse", "autograd_gradient", "casadi_dense", "casadi_sparse", "engine_sparse", "jax_dense"]

Array = npt.NDArray[Any]
Call = Callable[[], object]
# Objects whose memory a call works on live as long as the call: CasADi does not see to that.
KEPT: list[Any] = []


def functions_in(xp: Any) -> types.ModuleType:
    """The benchmark functions, with another module in the place of NumPy."""
    spec = importlib.util.spec_from_file_location(f"functions_in_{id(xp)}", str(functions.__file__))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["np"] = xp
    return module


def moved(problem: Problem, xp: Any, own: dict[str, Callable[..., Any]]) -> Callable[[Any], Any]:
    """The problem's function on another NumPy; `own` are forms for those that write into arrays."""
    whole = problem.function
    function, data = (whole.func, whole.keywords) if isinstance(whole, partial) else (whole, {})
    name = function.__name__
    return partial(own[name] if name in own else getattr(functions_in(xp), name), **data)


def agrees(found: Any, expected: Any, what: str) -> None:
    """Compare a Jacobian, dense or sparse, with the one that was confirmed."""
    if not sp.issparse(expected):
        np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-9 * np.abs(expected).max())
        return
    difference = abs(sp.csr_array(found) - expected)
    assert difference.max() <= 1e-9 * abs(expected).max(), what


# JAX and asdex


def jax_double() -> Any:
    """JAX in double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def jax_broyden_tridiagonal(x: Any) -> Any:
    """P5, tridiagonal, without assignments."""
    jnp = jax_double().numpy
    none = jnp.zeros(1)
    return (3 - 2 * x) * x + 1 - jnp.concatenate([none, x[:-1]]) - 2 * jnp.concatenate([x[1:], none])


def jax_arrowhead(x: Any) -> Any:
    """P6 without assignments."""
    jnp = jax_double().numpy
    return jnp.concatenate([jnp.sum(x**2)[None], x[1:] ** 2 + x[0] ** 2])


def jax_gather_scatter(x: Any, row: Array, col: Array) -> Any:
    """P10 as a sum over segments."""
    jax = jax_double()
    return jax.ops.segment_sum(jax.numpy.exp(x[col] ** 2 / 2), row, x.size)


JAX_OWN: dict[str, Callable[..., Any]] = {
    "broyden_tridiagonal": jax_broyden_tridiagonal,
    "arrowhead": jax_arrowhead,
    "gather_scatter": jax_gather_scatter,
}


def asdex_sparse(problem: Problem, expected: Any) -> Call:
    """asdex: coloured once, compiled by XLA."""
    import asdex

    jax = jax_double()
    J = jax.jit(asdex.jacobian(moved(problem, jax.numpy, JAX_OWN), problem.point))
    x = jax.numpy.asarray(problem.point)
    found = J(x)
    rows, cols = np.asarray(found.indices).T
    agrees(sp.coo_array((np.asarray(found.data), (rows, cols)), shape=expected.shape), expected, "asdex")
    return lambda: J(x).data.block_until_ready()


def jax_dense(problem: Problem, expected: Any, of: str = "jacfwd") -> Call:
    """`jax.jacfwd`, `jax.grad` or another transformation, compiled."""
    jax = jax_double()
    J = jax.jit(getattr(jax, of)(moved(problem, jax.numpy, JAX_OWN)))
    x = jax.numpy.asarray(problem.point)
    agrees(J(x), expected.toarray() if sp.issparse(expected) else expected, of)
    return lambda: J(x).block_until_ready()


def jax_jvp(problem: Problem, direction: Array, expected: Array) -> Call:
    """`jax.jvp`, compiled: value and derivative."""
    jax = jax_double()
    f = moved(problem, jax.numpy, JAX_OWN)
    own = jax.jit(lambda x, v: jax.jvp(f, (x,), (v,)))
    x, v = jax.numpy.asarray(problem.point), jax.numpy.asarray(direction)
    np.testing.assert_allclose(own(x, v)[1], expected, rtol=0, atol=1e-12)
    return lambda: jax.block_until_ready(own(x, v))


def autograd_gradient(problem: Problem, expected: Array) -> Call:
    """autograd, which interprets at each call."""
    import autograd

    g = autograd.grad(moved(problem, autograd.numpy, {}))
    agrees(g(problem.point), expected, "autograd")
    return partial(g, problem.point)


# CasADi


class Objects:
    """NumPy for arrays of CasADi's scalar expressions."""

    linalg = types.SimpleNamespace(
        norm=lambda a, axis, keepdims: np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdims)),
    )

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def zeros(self, shape: Any) -> Array:
        """Zeros into which expressions can be written."""
        return np.zeros(shape, object)

    def bincount(self, row: Array, weights: Array, minlength: int) -> Array:
        """Sums over segments."""
        out = self.zeros(minlength)
        np.add.at(out, row, weights)
        return out


def casadi_arrowhead(x: Array) -> Array:
    """P6; a sum of one expression and an array of them would be CasADi's own vector."""
    return np.array([np.sum(x**2), *(each**2 + x[0] ** 2 for each in x[1:])], object)


def casadi_sparse(problem: Problem, expected: Any, buffers: bool = True) -> Call:
    """CasADi: scalar expressions (SX), called through buffers or with arrays."""
    import casadi

    x = casadi.SX.sym("x", problem.n)
    elements = np.empty(problem.n, object)
    elements[:] = [x[k] for k in range(problem.n)]
    out = np.ravel(moved(problem, Objects(), {"arrowhead": casadi_arrowhead})(elements))
    J = casadi.Function("J", [x], [casadi.jacobian(casadi.vertcat(*out.tolist()), x)])
    return called(J, problem, expected, buffers)


def called(J: Any, problem: Problem, expected: Any, buffers: bool) -> Call:
    """A function of CasADi's as a call; it stores by columns."""
    if not buffers:
        agrees(J(problem.point).sparse() if sp.issparse(expected) else J(problem.point), expected, "casadi")
        return partial(J, problem.point)
    buffer, call = J.buffer()
    point, out = problem.point.copy(), np.zeros(J.nnz_out(0))
    buffer.set_arg(0, memoryview(point))
    buffer.set_res(0, memoryview(out))
    call()
    rows, cols = J.sparsity_out(0).get_triplet()
    found = sp.coo_array((out, (rows, cols)), shape=(expected.shape))
    agrees(found if sp.issparse(expected) else found.toarray(), expected, "casadi")
    KEPT.append((J, buffer, point, out))
    return call


def casadi_dense(n: int, problem: Problem, expected: Any) -> Call:
    """CasADi: matrix expressions (MX) of P11."""
    import casadi

    data = problems.perceptron_data(n)
    x = casadi.MX.sym("x", n)
    W1, b1, W2, b2 = (casadi.DM(data[name]) for name in ("W1", "b1", "W2", "b2"))
    out = casadi.tanh(casadi.mtimes(W2.T, casadi.tanh(casadi.mtimes(W1.T, x) + b1)) + b2)
    return called(casadi.Function("J", [x], [casadi.jacobian(out, x)]), problem, expected, True)


# sparsediffpy: expressions of atoms, such as sparse matrix times expression


class Atom:
    """An expression of sparsediffpy's, with the operators that the problems need."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def __add__(self, other: "Atom") -> "Atom":
        return Atom(engine().make_add(self.node, other.node))

    def __mul__(self, other: "Atom") -> "Atom":
        return Atom(engine().make_multiply(self.node, other.node))

    def __pow__(self, exponent: float) -> "Atom":
        return Atom(engine().make_power(self.node, float(exponent)))

    def __rmatmul__(self, matrix: Any) -> "Atom":
        A = sp.csr_array(matrix)
        parts = A.data.astype(float), A.indices.astype(np.int32), A.indptr.astype(np.int32)
        return Atom(engine().make_left_matmul(None, self.node, "sparse", *parts, *A.shape))

    def part(self, start: int, stop: int) -> "Atom":
        """Some of the elements."""
        where = np.arange(start, stop, dtype=np.int32)
        return Atom(engine().make_index(self.node, stop - start, 1, where))

    __array_ufunc__ = None


def engine() -> Any:
    """The compiled module of sparsediffpy."""
    from sparsediffpy import _sparsediffengine

    return _sparsediffengine


def periodic(side: int) -> tuple[Any, Any, Any]:
    """Difference to the next and the previous along both axes of a torus, and the sum over the four neighbours."""
    forward = sp.csr_array(np.roll(np.eye(side), 1, axis=1))
    one = sp.eye_array(side)
    down, right = sp.kron(forward, one), sp.kron(one, forward)
    return down - down.T, right - right.T, down + down.T + right + right.T - 4 * sp.eye_array(side**2)


def engine_brusselator(x: Atom, n: int) -> list[Atom]:
    """P1, but for its constants, which have no derivative."""
    half = n // 2
    side = round(half**0.5)
    u, v, one = x.part(0, half), x.part(half, n), sp.eye_array(half)
    diffusion = 10.0 * side**2 * periodic(side)[2]
    reaction = u**2 * v
    return [reaction + (diffusion - 4.4 * one) @ u, (-one) @ reaction + (3.4 * one) @ u + diffusion @ v]


def engine_burgers(x: Atom, n: int) -> list[Atom]:
    """P3."""
    half = n // 2
    side = round(half**0.5)
    u, v = x.part(0, half), x.part(half, n)
    down, right, laplacian = periodic(side)
    viscous = functions.VISCOSITY * side**2 * laplacian
    across, along = (-side / 2) * down, (-side / 2) * right
    return [u * (across @ w) + v * (along @ w) + viscous @ w for w in (u, v)]


def engine_bratu(x: Atom, n: int) -> list[Atom]:
    """P2."""
    side = round(n**0.5)
    band = sp.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1])
    one = sp.eye_array(side)
    linear = 4 * sp.eye_array(n) - sp.kron(band, one) - sp.kron(one, band)
    growing = Atom(engine().make_exp(x.node))
    return [linear @ x + (-6.80 / (side + 1) ** 2 * sp.eye_array(n)) @ growing]


def engine_broyden_tridiagonal(x: Atom, n: int) -> list[Atom]:
    """P5, tridiagonal."""
    linear = sp.diags_array([-np.ones(n - 1), 3 * np.ones(n), -2 * np.ones(n - 1)], offsets=[-1, 0, 1])
    return [linear @ x + (-2 * sp.eye_array(n)) @ x**2]


def engine_broyden_banded(x: Atom, n: int) -> list[Atom]:
    """P5, banded."""
    near = sp.diags_array([-np.ones(n - abs(k)) for k in (-5, -4, -3, -2, -1, 1)], offsets=[-5, -4, -3, -2, -1, 1])
    one = sp.eye_array(n)
    return [(5 * one) @ x**3 + (near + 2 * one) @ x + near @ x**2]


ENGINE: dict[str, Callable[[Atom, int], list[Atom]]] = {
    "P1": engine_brusselator,
    "P2": engine_bratu,
    "P3": engine_burgers,
    "P5-tridiagonal": engine_broyden_tridiagonal,
    "P5-banded": engine_broyden_banded,
}


def engine_sparse(problem: Problem, expected: Any) -> Call:
    """sparsediffpy: atoms with sparse matrices; the derivative needs the value at the point before it."""
    own, n = engine(), problem.n
    x = Atom(own.make_variable(n, 1, 0, n))
    outputs = [each.node for each in ENGINE[problem.name](x, n)]
    whole = own.make_problem(own.make_sum(x.node, -1), outputs, False)
    own.problem_init_jacobian(whole)
    own.problem_constraint_forward(whole, problem.point)
    data, indices, indptr, shape = own.problem_jacobian(whole)
    agrees(sp.csr_array((data, indices, indptr), shape=shape), expected, "sparsediffpy")

    def call() -> object:
        own.problem_constraint_forward(whole, problem.point)
        return own.problem_eval_jacobian_vals(whole)

    return call
