"""colour-science: every public function of arrays, called with numbers in the range of its kind of quantity."""

import inspect
import warnings
from typing import Any

import colour
import colour.adaptation
import colour.algebra
import colour.colorimetry
import colour.difference
import colour.models
import colour.phenomena
import colour.temperature
import numpy as np

from tests.corpora.case import Case, Cases
from tests.corpora.judge import leaves

__all__ = ["cases"]

NAME = "colour"
MODULES = ("models", "difference", "colorimetry", "temperature", "adaptation", "algebra", "phenomena")
# Values by what a parameter's name begins with or contains, the first that fits.
SAMPLES = [
    ("XYZ", [0.2065, 0.1219, 0.0514]),
    ("xyY", [0.5436, 0.3210, 0.1219]),
    ("xy", [0.3127, 0.3290]),
    ("uv", [0.2, 0.47]),
    ("Luv", [41.5, 96.8, 17.75]),
    ("L_star", 41.5),
    ("Lab", [41.5, 52.64, 26.92]),
    ("LCH", [41.5, 59.12, 27.08]),
    ("Jab", [0.3, 0.09, 0.05]),
    ("JCh", [41.7, 0.1, 219.0]),
    ("HSV", [0.99, 0.93, 0.46]),
    ("HSL", [0.99, 0.83, 0.24]),
    ("RGB", [0.4562, 0.3081, 0.0409]),
    ("CMY", [0.54, 0.69, 0.96]),
    ("YCbCr", [0.4, 0.45, 0.6]),
    ("CCT", 6504.4),
    ("wavelength", 555.3),
    ("temperature", 5000.7),
    ("Y", 0.1219),
    ("V", 4.08),
    ("W", 28.03),
]
DEFAULT = [0.4321, 0.2765, 0.1543]
ATTEMPTS = (None, DEFAULT, 0.4321, [0.4321, 0.2765])


def cases() -> Cases:
    """Functions whose required parameters can all be floats, and whose results are."""
    seen = set()
    for module in MODULES:
        for name in getattr(colour, module).__all__:
            function = getattr(getattr(colour, module), name, None)
            if inspect.isfunction(function) and name not in seen and not name.startswith(("plot", "load", "read")):
                seen.add(name)
                yield from of_function(f"{module}.{name}", function)


def of_function(name: str, function: Any) -> Cases:
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    if not required or any(p.kind in (p.VAR_POSITIONAL, p.KEYWORD_ONLY) for p in required):
        return
    for attempt in ATTEMPTS:
        # Arguments of one kind are not the same point: distances would be zero.
        values = [sample(p.name) if attempt is None else np.array(attempt)[()] for p in required]
        args = tuple(value * (1 - 0.07 * k) for k, value in enumerate(values))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                out = leaves(function(*args))
            except Exception:
                continue
        if out and all(np.isfinite(leaf).all() for leaf in out) and sum(leaf.size for leaf in out):
            yield Case(NAME, name, function, args)
            return


def sample(name: str) -> Any:
    for start, value in SAMPLES:
        if name.startswith(start) or start in name:
            return np.array(value, float)[()]
    return np.array(DEFAULT)
