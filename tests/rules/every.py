"""All sample calls of all families, for what is to hold of every rule."""

import importlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from tests.rules import (
    samples_calling,
    samples_elementwise,
    samples_fourier,
    samples_grids,
    samples_linalg,
    samples_movement,
    samples_ordering,
    samples_padding,
    samples_polynomials,
    samples_reduction,
    samples_rewritten,
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
    samples_calling.SAMPLES,
)


def every_call() -> Iterator[tuple[Callable, tuple, dict]]:
    """Function, positional arguments, keywords."""
    for key, samples in itertools.chain.from_iterable(table.items() for table in TABLES):
        for sample in samples:
            args, kwargs = sample if isinstance(sample, tuple) else (sample.args, sample.kwargs)
            yield named(key), args, kwargs


def named(key: Any) -> Callable:
    """The function of a key of the table."""
    if not isinstance(key, str):
        return key
    module, _, name = key.partition(":")
    return getattr(importlib.import_module(module), name)
