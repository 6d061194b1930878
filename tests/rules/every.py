"""All sample calls of all families, for what is to hold of every rule."""

import importlib
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from scipy import special

from tests.rules import (
    samples_calling,
    samples_constant,
    samples_elementwise,
    samples_filters,
    samples_fourier,
    samples_grids,
    samples_linalg,
    samples_movement,
    samples_ordering,
    samples_padding,
    samples_polynomials,
    samples_reduction,
    samples_rewritten,
    samples_scipy,
    samples_scipy_linalg,
    samples_signals,
    samples_special,
)

__all__ = ["every_call"]

TABLES = (
    samples_elementwise.SAMPLES,
    samples_movement.SAMPLES,
    samples_padding.SAMPLES,
    samples_reduction.SAMPLES,
    samples_rewritten.SAMPLES,
    samples_ordering.ORDERING,
    samples_ordering.QUANTILES,
    samples_linalg.SAMPLES,
    samples_grids.SAMPLES,
    samples_polynomials.SAMPLES,
    samples_fourier.SAMPLES,
    samples_fourier.COSINES,
    samples_calling.SAMPLES,
    samples_constant.SAMPLES,
    samples_scipy.DISTANCES,
    samples_scipy.INTEGRALS,
    samples_scipy_linalg.SAMPLES,
    samples_filters.SAMPLES,
    samples_signals.SAMPLES,
)


def every_call() -> Iterator[tuple[Callable, tuple, dict]]:
    """Function, positional arguments, keywords."""
    for key, samples in itertools.chain.from_iterable(table.items() for table in TABLES):
        for sample in samples:
            args, kwargs = sample if isinstance(sample, tuple) else (sample.args, sample.kwargs)
            yield named(key), args, kwargs
    for name in filter(partial(hasattr, special), samples_special.SPECIAL):
        yield from special_function(name)


def special_function(name: str) -> Iterator[tuple[Callable, tuple, dict]]:
    """A function of `scipy.special`; operands that refuse a derivative are held, as numbers, within the function."""
    operands = samples_special.SPECIAL[name].operands
    held = {k: x for k, x in enumerate(operands) if not isinstance(x, tuple)}

    def function(*free: Any) -> Any:
        rest = iter(free)
        return getattr(special, name)(*(held[k] if k in held else next(rest) for k in range(len(operands))))

    function.__name__ = name
    called = function if held else getattr(special, name)
    for args in samples_special.special_calls(name):
        yield called, tuple(x for k, x in enumerate(args) if k not in held), {}


def named(key: Any) -> Callable:
    """The function of a key of the table."""
    if not isinstance(key, str):
        return key
    module, _, name = key.partition(":")
    return getattr(importlib.import_module(module), name)
