"""Rules of scipy.special, keyed by name: nothing is imported for them."""

from typing import Any

import numpy as np

from jacfwd.primitive import Rule, elementwise

__all__ = ["RULES"]

RULES: dict[Any, Rule] = {
    "scipy.special:expit": elementwise(lambda out, x: out * (1 - out)),
    "scipy.special:logit": elementwise(lambda out, x: 1 / (x * (1 - x))),
    "scipy.special:log_expit": elementwise(lambda out, x: -np.expm1(out)),
    "scipy.special:erf": elementwise(lambda out, x: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "scipy.special:erfc": elementwise(lambda out, x: -2 / np.sqrt(np.pi) * np.exp(-x * x)),
}
