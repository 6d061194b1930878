"""The benchmark functions P1 to P13: ordinary NumPy, written the way their users write them."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


# P1: the Brusselator on the unit square, periodic; Hairer and Wanner, Solving ODEs II, problem BRUSS.


def brusselator(x: Array) -> Array:
    """Right-hand side of u' = B + u^2 v - (A+1) u + alpha Lap u, v' = A u - u^2 v + alpha Lap v.

    `x` is u and v on an N x N grid, shape (2 N^2,); A = 3.4, B = 1, alpha = 10, spacing 1/N.
    """
    side = math.isqrt(x.size // 2)
    u, v = x.reshape(2, side, side)
    diffusion = 10.0 * side**2
    du = 1.0 + u**2 * v - 4.4 * u + diffusion * periodic_laplacian(u)
    dv = 3.4 * u - u**2 * v + diffusion * periodic_laplacian(v)
    return np.concatenate([du.ravel(), dv.ravel()])


def periodic_laplacian(u: Array) -> Array:
    """Sum of the four neighbours on a torus less four times the centre, with `np.roll`."""
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u


def brusselator_slices(x: Array) -> Array:
    """`brusselator` in its fastest plain form: sums into slices, no rolled copies."""
    side = math.isqrt(x.size // 2)
    u, v = x.reshape(2, side, side)
    diffusion = 10.0 * side**2
    uuv = u * u * v
    out = np.empty_like(x)
    du, dv = out.reshape(2, side, side)
    du[...] = 1.0 + uuv - 4.4 * u + diffusion * periodic_laplacian_slices(u)
    dv[...] = 3.4 * u - uuv + diffusion * periodic_laplacian_slices(v)
    return out


def periodic_laplacian_slices(u: Array) -> Array:
    """`periodic_laplacian` with slices."""
    out = -4 * u
    out[1:] += u[:-1]
    out[0] += u[-1]
    out[:-1] += u[1:]
    out[-1] += u[0]
    out[:, 1:] += u[:, :-1]
    out[:, 0] += u[:, -1]
    out[:, :-1] += u[:, 1:]
    out[:, -1] += u[:, 0]
    return out


# P2: Bratu's problem, solid fuel ignition; MINPACK-2 (Averick, Carter, More and Xue 1992).


def bratu(x: Array) -> Array:
    """4 u - neighbours - h^2 lambda exp(u) on an N x N grid, u = 0 outside, lambda = 6.80; shape (N^2,)."""
    side = math.isqrt(x.size)
    u = x.reshape(side, side)
    return bratu_residual(u, np.pad(u, 1)).ravel()


def bratu_assigned(x: Array) -> Array:
    """`bratu` with the frame of zeros made by assignment to a slice."""
    side = math.isqrt(x.size)
    u = x.reshape(side, side)
    framed = np.zeros((side + 2, side + 2))
    framed[1:-1, 1:-1] = u
    return bratu_residual(u, framed).ravel()


def bratu_residual(u: Array, framed: Array) -> Array:
    """The residual from u and from u in a frame of zeros."""
    h = 1 / (u.shape[0] + 1)
    neighbours = framed[2:, 1:-1] + framed[:-2, 1:-1] + framed[1:-1, 2:] + framed[1:-1, :-2]
    return 4 * u - neighbours - h**2 * 6.80 * np.exp(u)


# P3: Burgers' equation in two dimensions, periodic.

VISCOSITY = 0.01


def burgers(x: Array) -> Array:
    """-(u u_x + v u_y) + nu Lap u and -(u v_x + v v_y) + nu Lap v by central differences; shape (2 N^2,)."""
    side = math.isqrt(x.size // 2)
    u, v = x.reshape(2, side, side)
    diffusion = VISCOSITY * side**2
    du = -(u * slope(u, 0) + v * slope(u, 1)) + diffusion * periodic_laplacian(u)
    dv = -(u * slope(v, 0) + v * slope(v, 1)) + diffusion * periodic_laplacian(v)
    return np.stack([du, dv]).ravel()


def slope(w: Array, axis: int) -> Array:
    """Central difference along one axis of the unit torus."""
    return (np.roll(w, -1, axis) - np.roll(w, 1, axis)) * (w.shape[axis] / 2)


def burgers_upwind(x: Array) -> Array:
    """`burgers` with differences taken from where the flow comes."""
    side = math.isqrt(x.size // 2)
    u, v = x.reshape(2, side, side)
    diffusion = VISCOSITY * side**2
    du = -(u * upwind(u, u, 0) + v * upwind(u, v, 1)) + diffusion * periodic_laplacian(u)
    dv = -(u * upwind(v, u, 0) + v * upwind(v, v, 1)) + diffusion * periodic_laplacian(v)
    return np.stack([du, dv]).ravel()


def upwind(w: Array, speed: Array, axis: int) -> Array:
    """One-sided difference of w along one axis of the unit torus, against the sign of the speed."""
    return np.where(speed > 0, w - np.roll(w, 1, axis), np.roll(w, -1, axis) - w) * w.shape[axis]


# P4: the heat equation written as a loop.


def heat_loop(x: Array) -> Array:
    """out_i = k(x_i) (x_{i-1} - 2 x_i + x_{i+1}) with k(x) = 1 + x^2 and zero ends; shape (n,)."""
    n = x.size
    out = np.zeros(n)
    for i in range(1, n - 1):
        out[i] = conductivity(x[i]) * (x[i - 1] - 2 * x[i] + x[i + 1])
    return out


def conductivity(x: Array) -> Array:
    """1 + x^2."""
    return 1 + x**2


def heat(x: Array) -> Array:
    """`heat_loop` without the loop."""
    inner = conductivity(x[1:-1]) * (x[:-2] - 2 * x[1:-1] + x[2:])
    return np.concatenate([np.zeros(1), inner, np.zeros(1)])


# P5: Broyden's functions; More, Garbow and Hillstrom (1981), problems 30 and 31.


def broyden_tridiagonal(x: Array) -> Array:
    """(3 - 2 x_i) x_i - x_{i-1} - 2 x_{i+1} + 1, x being 0 outside; shape (n,)."""
    out = (3 - 2 * x) * x + 1
    out[1:] -= x[:-1]
    out[:-1] -= 2 * x[1:]
    return out


def broyden_banded(x: Array) -> Array:
    """x_i (2 + 5 x_i^2) + 1 - sum over j in [i-5, i+1], j != i, of x_j (1 + x_j); shape (n,)."""
    n = x.size
    framed = np.concatenate([np.zeros(5), x * (1 + x), np.zeros(1)])
    near = sum(framed[k : k + n] for k in range(7) if k != 5)
    return x * (2 + 5 * x**2) + 1 - near


# P6: the arrowhead.


def arrowhead(x: Array) -> Array:
    """f_1 = sum x_j^2, f_i = x_i^2 + x_1^2; shape (n,)."""
    out = x**2 + x[0] ** 2
    out[0] = np.sum(x**2)
    return out


# P7: test functions of optimisation.


def rosenbrock(x: Array) -> Array:
    """sum of 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2; a scalar."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def ackley(x: Array) -> Array:
    """-20 exp(-0.2 sqrt(sum x^2 / n)) - exp(sum cos(2 pi x) / n) + 20 + e; a scalar."""
    n = x.size
    distance = np.sqrt(np.sum(x**2) / n)
    return -20 * np.exp(-0.2 * distance) - np.exp(np.sum(np.cos(2 * np.pi * x)) / n) + 20 + np.e


# P8: logistic regression.


def logistic(a: Array | float, b: Array | float, x: Array) -> Array:
    """sigma(a x + b) = 1 / (1 + exp(-(a x + b)))."""
    return 1 / (1 + np.exp(-(a * x + b)))


def logistic_scalar(parameters: Array) -> Array:
    """`logistic` of the vector (a, b, x)."""
    a, b, x = parameters
    return logistic(a, b, x)


def logistic_loss(w: Array, b: Array, X: Array, y: Array) -> Array:
    """Mean of log(1 + e^z) - y z, z = X w + b: negative log-likelihood of labels y (m,) given X (m, n)."""
    z = X @ w + b
    return np.mean(np.logaddexp(0, z) - y * z)


def logistic_regression(parameters: Array, X: Array, y: Array) -> Array:
    """`logistic_loss` of the vector (w, b)."""
    return logistic_loss(parameters[:-1], parameters[-1], X, y)


# P9: bundle adjustment, as in ADBench (Srajer, Kukelova and Fitzgibbon 2018).


def rodrigues(r: Array, x: Array) -> Array:
    """Turn the points x (k, 3) by the rotation vectors r (k, 3), none of them zero."""
    angle = np.linalg.norm(r, axis=1, keepdims=True)
    axis = r / angle
    along = np.sum(axis * x, axis=1, keepdims=True)
    cos = np.cos(angle)
    return x * cos + np.cross(axis, x) * np.sin(angle) + axis * along * (1 - cos)


def distort(kappa: Array, u: Array) -> Array:
    """u (1 + k1 |u|^2 + k2 |u|^4) for image points u (k, 2)."""
    square = np.sum(u**2, axis=1, keepdims=True)
    return u * (1 + kappa[:, :1] * square + kappa[:, 1:] * square**2)


def project(camera: Array, point: Array) -> Array:
    """Image points (k, 2) of points (k, 3) by cameras (k, 11): rotation, centre, focal length, x0, kappa."""
    turned = rodrigues(camera[:, 0:3], point - camera[:, 3:6])
    seen = turned[:, :2] / turned[:, 2:]
    return distort(camera[:, 9:11], seen) * camera[:, 6:7] + camera[:, 7:9]


def bundle_adjustment(x: Array, camera_of: Array, point_of: Array, measured: Array) -> Array:
    """Residuals w (measured - project) and 1 - w^2 for all observations; shape (3 k,).

    `x` is cameras (c, 11), points (p, 3) and weights (k,), flat and in this order; `camera_of` and
    `point_of`, shape (k,), name every camera and point at least once.
    """
    end_of_cameras = 11 * (camera_of.max() + 1)
    end_of_points = end_of_cameras + 3 * (point_of.max() + 1)
    cameras = x[:end_of_cameras].reshape(-1, 11)
    points = x[end_of_cameras:end_of_points].reshape(-1, 3)
    weights = x[end_of_points:]
    errors = weights[:, None] * (measured - project(cameras[camera_of], points[point_of]))
    return np.concatenate([errors.ravel(), 1 - weights**2])


# P10: gather and scatter, as in the sparse speed tests of CppAD.


def gather_scatter(x: Array, row: Array, col: Array) -> Array:
    """f_i = sum over k with row_k = i of exp(x_{col_k}^2 / 2), by `np.bincount`; shape (n,)."""
    return np.bincount(row, weights=np.exp(x[col] ** 2 / 2), minlength=x.size)


def gather_scatter_at(x: Array, row: Array, col: Array) -> Array:
    """`gather_scatter` by `np.add.at`."""
    out = np.zeros(x.size)
    np.add.at(out, row, np.exp(x[col] ** 2 / 2))
    return out


# P11: a perceptron.


def perceptron(x: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """tanh(tanh(x W1 + b1) W2 + b2) for x (n,), W1 (n, h), W2 (h, m); shape (m,)."""
    return np.tanh(np.tanh(x @ W1 + b1) @ W2 + b2)


def perceptron_of_weights(W1: Array, x: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """`perceptron` as a function of W1 (n, h)."""
    return perceptron(x, W1, b1, W2, b2)


# P12: small stiff ODEs.


def robertson(y: Array) -> Array:
    """Robertson's three species; Hairer and Wanner, Solving ODEs II, eq. IV.1.4; shape (3,)."""
    a, b, c = y
    return np.array([-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2])


def mass_action(x: Array, k: Array, orders: Array, stoichiometry: Array) -> Array:
    """x' = S (k prod_j x_j^nu_j): rates k (r,), orders nu (r, s), stoichiometry S (s, r); shape (s,)."""
    return stoichiometry @ (k * np.prod(x**orders, axis=1))


# P13: a chain of elementwise operations.


def elementwise_chain(x: Array) -> Array:
    """y = sin(x) exp(-x^2), z = tanh(y) + x y / 2, z / (1 + z^2); shape of x."""
    y = np.sin(x) * np.exp(-(x**2))
    z = np.tanh(y) + x * y / 2
    return z / (1 + z**2)
