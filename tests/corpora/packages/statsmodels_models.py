"""statsmodels: link functions, robust norms, families and the likelihoods of discrete models."""

import inspect
import warnings
from typing import Any

import numpy as np
from statsmodels.discrete import discrete_model
from statsmodels.genmod import families
from statsmodels.genmod.families import links, varfuncs
from statsmodels.robust import norms

from tests.corpora.case import Case, Cases, numbers

__all__ = ["cases"]

NAME = "statsmodels"
LINK_METHODS = {"__call__": "deriv", "inverse": "inverse_deriv", "deriv": "deriv2", "inverse_deriv": "inverse_deriv2"}
NORM_METHODS = {"rho": "psi", "psi": "psi_deriv", "weights": None, "psi_deriv": None}
MODELS = ("Logit", "Probit", "Poisson", "NegativeBinomial", "NegativeBinomialP", "GeneralizedPoisson", "MNLogit")


def cases() -> Cases:
    """All of them."""
    yield from of_classes(links, links.Link, LINK_METHODS, numbers(0.21, 0.79, 6))
    yield from of_classes(norms, norms.RobustNorm, NORM_METHODS, numbers(-3.1, 3.3, 7))
    for name, cls in inspect.getmembers(varfuncs, inspect.isclass):
        yield Case(NAME, f"varfuncs.{name}", cls(), (numbers(0.2, 0.8, 5),), diagonal(getattr(cls(), "deriv", None)))
    yield from of_families()
    for name in MODELS:
        yield from of_model(name)


def of_classes(module: Any, base: Any, methods: dict[str, str | None], at: np.ndarray) -> Cases:
    """Methods of all classes in a module, whose derivatives are methods as well."""
    for name, cls in inspect.getmembers(module, inspect.isclass):
        if not issubclass(cls, base) or cls is base or name.islower():
            continue
        try:
            thing = cls()
        except TypeError:
            continue  # made of other norms
        for method, derivative in methods.items():
            if callable(getattr(thing, method, None)):
                own = diagonal(getattr(thing, derivative, None) if derivative else None)
                yield Case(
                    NAME, f"{module.__name__.rpartition('.')[2]}.{name}.{method}", getattr(thing, method), (at,), own
                )


def diagonal(derivative: Any) -> Any:
    """An elementwise derivative in a direction."""
    if derivative is None:
        return None
    return lambda x, v: np.asarray(derivative(x)) * v


def of_families() -> Cases:
    """Deviances, log-likelihoods and residuals with respect to observations and means."""
    y, mu = numbers(0.2, 0.8, 5), numbers(0.25, 0.7, 5)
    for name, cls in inspect.getmembers(families, inspect.isclass):
        if not issubclass(cls, families.Family) or cls is families.Family:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            family = cls()
        for method in ("deviance", "loglike_obs", "resid_dev", "resid_anscombe", "loglike"):
            yield Case(NAME, f"families.{name}.{method}", getattr(family, method), (y, mu))
        for method in ("fitted", "predict", "variance", "weights", "starting_mu"):
            yield Case(NAME, f"families.{name}.{method}", getattr(family, method), (mu,))


def of_model(name: str) -> Cases:
    """The log-likelihood against the score, the score against the Hessian."""
    X = np.stack([np.ones(12), numbers(-1, 1, 12), numbers(-1, 1, 12)[::-1] ** 2], axis=1)
    y = np.array([0, 1, 1, 0, 2, 1, 0, 1, 2, 0, 1, 1])
    if name in ("Logit", "Probit"):
        y = np.minimum(y, 1)
    model = getattr(discrete_model, name)(y, X)
    size = {"MNLogit": 6, "NegativeBinomial": 4, "NegativeBinomialP": 4, "GeneralizedPoisson": 4}.get(name, 3)
    at = numbers(0.1, 0.6, size)
    yield Case(NAME, f"{name}.loglike", model.loglike, (at,), lambda b, v: np.ravel(model.score(b)) @ np.ravel(v))
    yield Case(NAME, f"{name}.score", model.score, (at,), lambda b, v: np.asarray(model.hessian(b)) @ np.ravel(v))
    yield Case(NAME, f"{name}.loglikeobs", model.loglikeobs, (at,))
    if name != "MNLogit":
        yield Case(NAME, f"{name}.predict", lambda b: model.predict(b[:4] if size == 4 else b), (at,))
