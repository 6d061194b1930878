"""First and second derivatives of functions with one value, as minimisers need them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.api import hessian, value_and_gradient
from jacfwd.derivatives import Jacobian
from jacfwd.solvers.calls import taking
from jacfwd.solvers.exact import Exact

__all__ = ["Scalar", "Second", "weighted"]


class Scalar(Exact):
    """A function with one value: its gradient, and products with its Hessian."""

    def derivative(self, sparse: bool) -> Jacobian:
        """The gradient in place of the Jacobian."""
        return value_and_gradient(self._traced, record=True)

    def hessian_product(self, x: Any, v: Any, *_: Any) -> np.ndarray:
        """`H v` by forward over reverse products, whatever the number of variables."""
        direction = np.asarray(v, float)
        return self.on_graph((x,), lambda graph, at: graph.hvp(at, (direction,)))


class Second(Exact):
    """The Hessian of a function with one value with respect to its first argument."""

    def derivative(self, sparse: bool) -> Jacobian:
        """The Hessian in place of the Jacobian."""
        # What is recorded here was verified when the gradient was; once more it would be run on stand-ins again.
        return hessian(self._traced, 0, sparse=sparse, record=True, verify=False)

    def read(self, answer: Any) -> tuple[Any, Any]:
        """A Hessian comes without a value."""
        return None, answer

    def rows(self, inputs: tuple[Any, ...]) -> int:
        """As many as columns."""
        return np.size(inputs[0])


def weighted(fun: Callable) -> Callable:
    """`v^T c(x)` as a function of x and the multipliers v."""
    return taking("x v", lambda x, v: np.sum(np.reshape(fun(x), (-1,)) * v), fun)
