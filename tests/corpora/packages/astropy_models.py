"""astropy.modeling: `evaluate` of every model of the functional models, power laws and polynomials."""

from typing import Any

import numpy as np
from astropy.modeling import functional_models, polynomial, powerlaws

from tests.corpora.case import Case, Cases, near, numbers

__all__ = ["cases"]

NAME = "astropy"
# What makes models that do nothing without arguments.
MADE = {
    "Chebyshev2D": (2, 2), "Hermite2D": (2, 2), "Legendre2D": (2, 2), "Polynomial2D": (3,), "Chebyshev1D": (4,),
    "Hermite1D": (4,), "Legendre1D": (4,), "Polynomial1D": (4,),
}  # fmt: skip
ABSTRACT = ("OrthoPolynomialBase", "PolynomialModel", "InverseSIP")
POSITIVE = ("King", "Logarithmic", "PowerLaw", "Schechter", "Parabola", "Sersic", "Exponential")


def cases() -> Cases:
    """The value of every model, with respect to coordinates and parameters."""
    for module in (functional_models, powerlaws, polynomial):
        for name in module.__all__:
            if name not in ABSTRACT:
                yield from of_model(module, name)


def of_model(module: Any, name: str) -> Cases:
    model = polynomial.SIP([1.1, 0.9], 2, 2) if name == "SIP" else getattr(module, name)(*MADE.get(name, ()))
    low = 0.4 if any(word in name for word in POSITIVE) else -0.8
    inputs = [numbers(low, 1.7, 7), numbers(low + 0.05, 1.3, 7)][: model.n_inputs]
    if name.startswith("Arc"):
        inputs = [numbers(-0.4, 0.4, 7)]
    parameters = [near(value, k) for k, value in enumerate(model.parameters)]
    if name in MADE:
        parameters = list(numbers(-1, 1, len(parameters)))
    if name == "SIP":
        yield Case(NAME, "SIP.evaluate", model.evaluate, tuple(inputs))
        return
    yield Case(NAME, f"{name}.evaluate", model.evaluate, (*inputs, *map(float, parameters)), own(model))


def own(model: Any) -> Any:
    """`fit_deriv`: partial derivatives with respect to parameters, and so only for tangents of these."""
    derivative = getattr(model, "fit_deriv", None)
    if derivative is None:
        return None

    def along(*both: Any) -> np.ndarray:
        args, tangents = both[: len(both) // 2], both[len(both) // 2 :]
        n = model.n_inputs
        columns = derivative(*args)
        columns = columns if model.col_fit_deriv else np.moveaxis(np.asarray(columns), -1, 0)
        return sum(np.asarray(c) * t for c, t in zip(columns, tangents[n:], strict=True)), n

    return along
