"""The benchmark problems P1 to P13: a function, a seeded point, and what is known of the Jacobian.

Every builder takes a size, so that one definition serves tests, benchmarks and documentation; `PROBLEMS`
holds a small instance of each.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import closed_forms, functions

__all__ = ["PROBLEMS", "Problem"]

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A function of one array and what is known of its Jacobian at a point.

    `m` is the number of outputs; `nnz` the number of entries that are nonzero at a generic point, and
    `colors` the least number of column colors, None where no formula is known. `jacobian(x)` is the closed
    form, (m, n), dense or sparse. `analytic` says whether `function` accepts complex arrays, as a complex
    step needs.
    """

    name: str
    title: str
    function: Callable[[Array], Array]
    point: Array
    m: int
    nnz: int | None = None
    colors: int | None = None
    jacobian: Callable[[Array], Any] | None = None
    analytic: bool = True

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.point.size


def brusselator(side: int, *, slices: bool = False) -> Problem:
    """P1 for side >= 3, with `np.roll` or slices: five entries per row, and one for the other species."""
    n = 2 * side**2
    return Problem(
        name="P1-slices" if slices else "P1",
        title=f"Brusselator, {side} x {side}, " + ("slices" if slices else "np.roll"),
        function=functions.brusselator_slices if slices else functions.brusselator,
        point=np.random.default_rng(1).uniform(0.5, 2, n),
        m=n,
        nnz=6 * n,
        jacobian=closed_forms.brusselator,
    )


def bratu(side: int, *, assigned: bool = False) -> Problem:
    """P2 with `np.pad`, or with `np.zeros` and assignment; five entries per row less those outside."""
    n = side**2
    return Problem(
        name="P2-assigned" if assigned else "P2",
        title=f"Bratu, {side} x {side}, " + ("slice assignment" if assigned else "np.pad"),
        function=functions.bratu_assigned if assigned else functions.bratu,
        point=np.random.default_rng(2).uniform(0, 1, n),
        m=n,
        nnz=5 * n - 4 * side,
        jacobian=closed_forms.bratu,
        analytic=not assigned,
    )


def burgers(side: int, *, upwind: bool = False) -> Problem:
    """P3 on a grid of side >= 3, with central or upwind differences."""
    n = 2 * side**2
    return Problem(
        name="P3-upwind" if upwind else "P3",
        title=f"Burgers, {side} x {side}, " + ("upwind" if upwind else "central") + " differences",
        function=functions.burgers_upwind if upwind else functions.burgers,
        point=np.random.default_rng(3).uniform(-1, 1, n),
        m=n,
        nnz=6 * n,
        jacobian=closed_forms.burgers_upwind if upwind else closed_forms.burgers,
        analytic=not upwind,
    )


def heat(n: int, *, loop: bool = True) -> Problem:
    """P4 for n >= 3, as a Python loop or vectorised; the first and the last row are empty."""
    return Problem(
        name="P4" if loop else "P4-vectorised",
        title=f"Heat equation, n = {n}, " + ("Python loop" if loop else "vectorised"),
        function=functions.heat_loop if loop else functions.heat,
        point=np.random.default_rng(4).uniform(-1, 1, n),
        m=n,
        nnz=3 * (n - 2),
        colors=min(n, 3),
        jacobian=closed_forms.heat,
        analytic=not loop,
    )


def broyden_tridiagonal(n: int) -> Problem:
    """P5, tridiagonal, n >= 2."""
    return Problem(
        name="P5-tridiagonal",
        title=f"Broyden tridiagonal, n = {n}",
        function=functions.broyden_tridiagonal,
        point=np.random.default_rng(5).uniform(-1.5, 0.5, n),
        m=n,
        nnz=3 * n - 2,
        colors=min(n, 3),
        jacobian=closed_forms.broyden_tridiagonal,
    )


def broyden_banded(n: int) -> Problem:
    """P5, banded, n >= 7: five entries below the diagonal and one above."""
    return Problem(
        name="P5-banded",
        title=f"Broyden banded, n = {n}",
        function=functions.broyden_banded,
        point=np.random.default_rng(5).uniform(-1.5, 0.5, n),
        m=n,
        nnz=7 * n - 16,
        colors=7,
        jacobian=closed_forms.broyden_banded,
    )


def arrowhead(n: int) -> Problem:
    """P6: the full first row makes every column need a color of its own."""
    return Problem(
        name="P6",
        title=f"Arrowhead, n = {n}",
        function=functions.arrowhead,
        point=np.random.default_rng(6).uniform(0.5, 1.5, n),
        m=n,
        nnz=3 * n - 2,
        colors=n,
        jacobian=closed_forms.arrowhead,
    )


def rosenbrock(n: int) -> Problem:
    """P7, Rosenbrock, n >= 2."""
    return Problem(
        name="P7-rosenbrock",
        title=f"Rosenbrock, n = {n}",
        function=functions.rosenbrock,
        point=np.random.default_rng(7).uniform(-2, 2, n),
        m=1,
        nnz=n,
        colors=n,
        jacobian=closed_forms.rosenbrock,
    )


def ackley(n: int) -> Problem:
    """P7, Ackley."""
    return Problem(
        name="P7-ackley",
        title=f"Ackley, n = {n}",
        function=functions.ackley,
        point=np.random.default_rng(7).uniform(-2, 2, n),
        m=1,
        nnz=n,
        colors=n,
        jacobian=closed_forms.ackley,
    )


def logistic_scalar() -> Problem:
    """P8, the scalar form, at (a, b, x) = (2, -1, 0.5)."""
    return Problem(
        name="P8-scalar",
        title="Logistic function of (a, b, x)",
        function=functions.logistic_scalar,
        point=np.array([2.0, -1.0, 0.75]),
        m=1,
        nnz=3,
        colors=3,
        jacobian=closed_forms.logistic_scalar_row,
    )


def logistic_regression(features: int, samples: int = 50) -> Problem:
    """P8 over a random data set, with respect to (w, b): `features + 1` inputs."""
    X, y = logistic_data(features, samples)
    return Problem(
        name="P8",
        title=f"Logistic regression, {features} features, {samples} samples",
        function=partial(functions.logistic_regression, X=X, y=y),
        point=np.random.default_rng(8).normal(size=features + 1),
        m=1,
        nnz=features + 1,
        colors=features + 1,
        jacobian=partial(closed_forms.logistic_regression, X=X, y=y),
        analytic=False,  # np.logaddexp takes no complex numbers
    )


def logistic_data(features: int, samples: int) -> tuple[Array, Array]:
    """Random features X (samples, features), rows of about unit length, and labels y (samples,) in {0, 1}."""
    rng = np.random.default_rng(80)
    X = rng.normal(size=(samples, features)) / np.sqrt(max(features, 1))
    return X, rng.integers(0, 2, samples).astype(float)


def bundle_adjustment(cameras: int, points: int, observations: int) -> Problem:
    """P9; the published size is (21, 11315, 36455). No more cameras or points than observations.

    A residual depends on ten of its camera's parameters (x0 has one coordinate for each residual), three
    of its point and its weight; a weight error on its weight.
    """
    rng = np.random.default_rng(9)
    # Small rotations and a centre far behind the points: no projection divides by about zero.
    middle, spread = np.zeros(11), np.array([0.2] * 3 + [0.5] * 6 + [0.1] * 2)
    middle[5], middle[6] = -6, 2
    camera = middle + spread * rng.uniform(-1, 1, (cameras, 11))
    camera_of = every_one_of(cameras, observations, rng)
    point_of = every_one_of(points, observations, rng)
    parts = [camera, rng.uniform(-1, 1, (points, 3)), rng.uniform(0.5, 1.5, observations)]
    measured = rng.normal(size=(observations, 2))
    return Problem(
        name="P9",
        title=f"Bundle adjustment, {cameras} cameras, {points} points, {observations} observations",
        function=partial(functions.bundle_adjustment, camera_of=camera_of, point_of=point_of, measured=measured),
        point=np.concatenate([part.ravel() for part in parts]),
        m=3 * observations,
        nnz=29 * observations,
        analytic=False,  # np.linalg.norm takes the absolute value of complex numbers
    )


def every_one_of(count: int, size: int, rng: np.random.Generator) -> Array:
    """Random integers of shape (size,) among which each of 0 ... count - 1 occurs."""
    return rng.permutation(np.concatenate([np.arange(count), rng.integers(0, count, size - count)]))


def gather_scatter(n: int, *, at: bool = False) -> Problem:
    """P10 with 5 n random pairs, by `np.bincount` or by `np.add.at`."""
    rng = np.random.default_rng(10)
    row, col = rng.integers(0, n, 5 * n), rng.integers(0, n, 5 * n)
    function = functions.gather_scatter_at if at else functions.gather_scatter
    return Problem(
        name="P10-at" if at else "P10",
        title=f"Gather and scatter, n = {n}, " + ("np.add.at" if at else "np.bincount"),
        function=partial(function, row=row, col=col),
        point=rng.uniform(0.5, 1.5, n),
        m=n,
        nnz=np.unique(row * n + col).size,
        jacobian=partial(closed_forms.gather_scatter, row=row, col=col),
        analytic=False,  # both scatter into an array of doubles
    )


def perceptron(n: int) -> Problem:
    """P11 with respect to the input: n inputs, n hidden units, n outputs."""
    data = perceptron_data(n)
    x = data.pop("x")
    return Problem(
        name="P11-input",
        title=f"Perceptron, n = {n}, with respect to the input",
        function=partial(functions.perceptron, **data),
        point=x,
        m=n,
        nnz=n * n,
        colors=n,
        jacobian=partial(closed_forms.perceptron, **data),
    )


def perceptron_of_weights(n: int) -> Problem:
    """P11 with respect to the first weights, shape (n, n); n outputs."""
    data = perceptron_data(n)
    weights = data.pop("W1")
    return Problem(
        name="P11-weights",
        title=f"Perceptron, {n} x {n} weights, with respect to the weights",
        function=partial(functions.perceptron_of_weights, **data),
        point=weights,
        m=n,
        nnz=n**3,
        colors=n * n,
        jacobian=partial(closed_forms.perceptron_of_weights, **data),
    )


def perceptron_data(n: int) -> dict[str, Array]:
    """Input, weights and biases of a square perceptron, scaled so that tanh does not saturate."""
    rng = np.random.default_rng(11)
    W1, W2 = rng.normal(size=(2, n, n)) / np.sqrt(n)
    x, b1, b2 = rng.normal(size=(3, n))
    return {"x": x, "W1": W1, "b1": b1, "W2": W2, "b2": b2}


def robertson() -> Problem:
    """P12, Robertson."""
    return Problem(
        name="P12-robertson",
        title="Robertson, 3 species",
        function=functions.robertson,
        point=np.array([0.9, 2e-5, 0.1]),
        m=3,
        nnz=7,
        colors=3,
        jacobian=closed_forms.robertson,
    )


def mass_action(species: int = 20, reactions: int = 25) -> Problem:
    """P12, a random network: every reaction turns two species (or one, twice) into two others."""
    rng = np.random.default_rng(12)
    used, made = np.zeros((2, reactions, species))
    for reaction in range(reactions):
        np.add.at(used[reaction], rng.integers(0, species, 2), 1)
        np.add.at(made[reaction], rng.integers(0, species, 2), 1)
    data = {"k": 10 ** rng.uniform(-2, 3, reactions), "orders": used, "stoichiometry": (made - used).T}
    return Problem(
        name="P12-network",
        title=f"Mass action, {species} species, {reactions} reactions",
        function=partial(functions.mass_action, **data),
        point=rng.uniform(0.5, 1.5, species),
        m=species,
        jacobian=partial(closed_forms.mass_action, **data),
    )


def elementwise_chain(n: int) -> Problem:
    """P13."""
    return Problem(
        name="P13",
        title=f"Elementwise chain, n = {n}",
        function=functions.elementwise_chain,
        point=np.random.default_rng(13).uniform(-2, 2, n),
        m=n,
        nnz=n,
        colors=1,
        jacobian=closed_forms.elementwise_chain,
    )


PROBLEMS = (
    brusselator(4),
    brusselator(4, slices=True),
    bratu(4),
    bratu(4, assigned=True),
    burgers(4),
    burgers(4, upwind=True),
    heat(10),
    heat(10, loop=False),
    broyden_tridiagonal(10),
    broyden_banded(12),
    arrowhead(8),
    rosenbrock(8),
    ackley(8),
    logistic_scalar(),
    logistic_regression(5, 20),
    bundle_adjustment(2, 3, 5),
    gather_scatter(9),
    gather_scatter(9, at=True),
    perceptron(6),
    perceptron_of_weights(4),
    robertson(),
    mass_action(),
    elementwise_chain(12),
)
