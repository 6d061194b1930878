"""Jacobians of the benchmark functions derived by hand: oracles, of shape (m, n), sparse where that pays."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from bench.functions import VISCOSITY, logistic, logistic_scalar

Array = npt.NDArray[Any]


def shift(n: int, offset: int) -> sparse.csr_array:
    """The periodic shift, (S w)_i = w_{i + offset mod n}."""
    i = np.arange(n)
    return sparse.csr_array((np.ones(n), (i, (i + offset) % n)), shape=(n, n))


def along_axes(matrix: sparse.csr_array) -> tuple[sparse.csr_array, sparse.csr_array]:
    """A matrix for one dimension, applied along axis 0 and along axis 1 of a square grid."""
    eye = sparse.eye_array(matrix.shape[0])
    return sparse.kron(matrix, eye).tocsr(), sparse.kron(eye, matrix).tocsr()


def periodic_laplacian(side: int) -> sparse.csr_array:
    """The matrix of `bench.functions.periodic_laplacian`."""
    second = shift(side, 1) + shift(side, -1) - 2 * sparse.eye_array(side)
    return sum(along_axes(second))


def brusselator(x: Array) -> sparse.csr_array:
    """Reaction terms on four diagonals, diffusion on two blocks."""
    u, v = x.reshape(2, -1)
    side = math.isqrt(u.size)
    diffusion = 10.0 * side**2 * periodic_laplacian(side)
    rate, square = sparse.diags_array(2 * u * v), sparse.diags_array(u**2)
    eye = sparse.eye_array(u.size)
    blocks = [[rate - 4.4 * eye + diffusion, square], [3.4 * eye - rate, diffusion - square]]
    return sparse.block_array(blocks, format="csr")


def bratu(x: Array) -> sparse.csr_array:
    """The five-point matrix less h^2 lambda exp(u) on the diagonal."""
    side = math.isqrt(x.size)
    second = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    return sum(along_axes(second)) - sparse.diags_array(6.80 / (side + 1) ** 2 * np.exp(x))


def burgers(x: Array) -> sparse.csr_array:
    """The product rule for u w_x + v w_y, with central differences."""
    side = math.isqrt(x.size // 2)
    central = (shift(side, 1) - shift(side, -1)) * (side / 2)
    return transport(x, *along_axes(central))


def burgers_upwind(x: Array) -> sparse.csr_array:
    """The same with one-sided differences, chosen in every row by the sign of the speed there."""
    side = math.isqrt(x.size // 2)
    backward = along_axes((sparse.eye_array(side) - shift(side, -1)) * side)
    forward = along_axes((shift(side, 1) - sparse.eye_array(side)) * side)
    slopes = [
        sparse.diags_array((speed > 0) * 1.0) @ behind + sparse.diags_array((speed <= 0) * 1.0) @ ahead
        for speed, behind, ahead in zip(x.reshape(2, -1), backward, forward, strict=True)
    ]
    return transport(x, *slopes)


def transport(x: Array, slope_x: sparse.csr_array, slope_y: sparse.csr_array) -> sparse.csr_array:
    """Jacobian of -(u w_x + v w_y) + nu Lap w for w = u and w = v."""
    u, v = x.reshape(2, -1)
    side = math.isqrt(u.size)
    diffusion = VISCOSITY * side**2 * periodic_laplacian(side)
    both = diffusion - sparse.diags_array(u) @ slope_x - sparse.diags_array(v) @ slope_y
    u_x, u_y, v_x, v_y = (sparse.diags_array(s @ w) for w in (u, v) for s in (slope_x, slope_y))
    return sparse.block_array([[both - u_x, -u_y], [-v_x, both - v_y]], format="csr")


def heat(x: Array) -> sparse.csr_array:
    """k(x_i) (1, -2, 1) + k'(x_i) (second difference) on the diagonal; empty first and last row."""
    n = x.size
    k = np.zeros(n)
    k[1:-1] = 1 + x[1:-1] ** 2
    second = np.zeros(n)
    second[1:-1] = x[:-2] - 2 * x[1:-1] + x[2:]
    diagonals = [k[1:], 2 * x * second - 2 * k, k[:-1]]
    matrix = sparse.diags_array(diagonals, offsets=[-1, 0, 1], shape=(n, n)).tocsr()
    matrix.eliminate_zeros()
    return matrix


def broyden_tridiagonal(x: Array) -> sparse.csr_array:
    """(-1, 3 - 4 x_i, -2)."""
    n = x.size
    diagonals = [-np.ones(n - 1), 3 - 4 * x, -2 * np.ones(n - 1)]
    return sparse.diags_array(diagonals, offsets=[-1, 0, 1], shape=(n, n)).tocsr()


def broyden_banded(x: Array) -> sparse.csr_array:
    """2 + 15 x_i^2 on the diagonal, -(1 + 2 x_j) beside it."""
    n = x.size
    offsets = range(-5, 2)
    beside = -(1 + 2 * x)
    # diags_array takes a diagonal without the part that would lie outside.
    diagonals = [2 + 15 * x**2 if k == 0 else beside[max(0, k) : n + min(0, k)] for k in offsets]
    return sparse.diags_array(diagonals, offsets=list(offsets), shape=(n, n)).tocsr()


def arrowhead(x: Array) -> sparse.csr_array:
    """2 x_j in the first row, 2 x_1 in the first column, 2 x_i on the diagonal."""
    n = x.size
    i = np.arange(n)
    rows = np.concatenate([np.zeros(n, dtype=int), i[1:], i[1:]])
    cols = np.concatenate([i, i[1:], np.zeros(n - 1, dtype=int)])
    values = 2 * np.concatenate([x, x[1:], np.full(n - 1, x[0])])
    return sparse.csr_array((values, (rows, cols)), shape=(n, n))


def rosenbrock(x: Array) -> Array:
    """Each term touches x_i and x_{i+1}."""
    gradient = np.zeros_like(x)
    valley = x[1:] - x[:-1] ** 2
    gradient[1:] += 200 * valley
    gradient[:-1] += -400 * x[:-1] * valley - 2 * (1 - x[:-1])
    return gradient[None]


def ackley(x: Array) -> Array:
    """4 exp(-0.2 d) x / (n d) + exp(mean cos(2 pi x)) 2 pi sin(2 pi x) / n, d the root mean square."""
    n = x.size
    distance = np.sqrt(np.mean(x**2))
    waves = np.exp(np.mean(np.cos(2 * np.pi * x))) * 2 * np.pi * np.sin(2 * np.pi * x)
    return (4 * np.exp(-0.2 * distance) * x / distance + waves)[None] / n


def logistic_scalar_row(parameters: Array) -> Array:
    """sigma' (x, 1, a) with sigma' = sigma (1 - sigma)."""
    a, _, x = parameters
    sigma = logistic_scalar(parameters)
    return (sigma * (1 - sigma) * np.array([x, 1, a]))[None]


def logistic_regression(parameters: Array, X: Array, y: Array) -> Array:
    """X^T (sigma(X w + b) - y) / m, and the mean of sigma - y for b."""
    error = logistic(1, parameters[-1], X @ parameters[:-1]) - y
    return np.append(X.T @ error, error.sum())[None] / y.size


def gather_scatter(x: Array, row: Array, col: Array) -> sparse.csr_array:
    """x_j exp(x_j^2 / 2) at every (row_k, col_k), repeated pairs added up."""
    values = x[col] * np.exp(x[col] ** 2 / 2)
    return sparse.coo_array((values, (row, col)), shape=(x.size, x.size)).tocsr()


def perceptron(x: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """diag(1 - y^2) W2^T diag(1 - h^2) W1^T."""
    hidden = np.tanh(x @ W1 + b1)
    out = np.tanh(hidden @ W2 + b2)
    return (1 - out**2)[:, None] * (W2.T * (1 - hidden**2)) @ W1.T


def perceptron_of_weights(W1: Array, x: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """(1 - y_k^2) W2_jk (1 - h_j^2) x_i for output k and weight (i, j)."""
    hidden = np.tanh(x @ W1 + b1)
    out = np.tanh(hidden @ W2 + b2)
    of_hidden = (1 - out**2)[:, None] * (W2.T * (1 - hidden**2))
    return np.einsum("kj,i->kij", of_hidden, x).reshape(out.size, -1)


def robertson(y: Array) -> Array:
    """Seven entries."""
    _, b, c = y
    return np.array(
        [
            [-0.04, 1e4 * c, 1e4 * b],
            [0.04, -1e4 * c - 6e7 * b, -1e4 * b],
            [0.0, 6e7 * b, 0.0],
        ]
    )


def mass_action(x: Array, k: Array, orders: Array, stoichiometry: Array) -> Array:
    """S diag(rates) nu diag(1 / x)."""
    rates = k * np.exp(orders @ np.log(x))
    return stoichiometry @ (rates[:, None] * orders / x)


def elementwise_chain(x: Array) -> sparse.dia_array:
    """A diagonal, by the chain rule."""
    y = np.sin(x) * np.exp(-(x**2))
    dy = np.exp(-(x**2)) * (np.cos(x) - 2 * x * np.sin(x))
    z = np.tanh(y) + x * y / 2
    dz = dy / np.cosh(y) ** 2 + (y + x * dy) / 2
    return sparse.diags_array(dz * (1 - z**2) / (1 + z**2) ** 2)
