"""Programs of every rule in the table: value, tangent and transposed product as interpretation gives them."""

import itertools

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import BranchChangedError, JacfwdError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.methods import dense
from jacfwd.program import reading
from tests.rules.every import every_call
from tests.rules.recorded import flat_function

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
FUNCTIONS = [
    (function, [(args, kwargs) for _, args, kwargs in group])
    for function, group in itertools.groupby(every_call(), key=lambda call: call[0])
]
# Tangents and transposed products of so many samples of a function are run; values of all.
SOME = 3


def close(found, wanted):
    wanted = np.asarray(wanted)
    size = np.abs(wanted[np.isfinite(wanted)]).max(initial=1) if wanted.dtype.kind in "fc" else 1
    rounding = 256 * np.finfo(wanted.dtype).eps * size if wanted.dtype.kind in "fc" else 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rounding)
    assert np.shape(found) == wanted.shape and np.asarray(found).dtype == wanted.dtype


def agree(made, leaves, extra=()):
    """A program, careful and not, and its interpretation."""
    try:
        expected = made.interpreted(leaves, extra)
    except BranchChangedError:
        with pytest.raises(BranchChangedError):
            made(leaves, extra)
        return
    runs = [made(leaves, extra)]
    whole = made.run.program(True)([*leaves, *extra], None)
    runs.append((whole[: made.n_values], whole[made.n_values :]))
    for run in runs:
        for found, wanted in zip([*run[0], *run[1]], [*expected[0], *expected[1]], strict=True):
            close(found, wanted)


@pytest.mark.parametrize(("function", "samples"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_rule(function, samples):
    for k, (args, kwargs) in enumerate(samples):
        f, primals = flat_function(function, args, kwargs)
        try:
            G = jf.trace(f, *primals)
        except (JacfwdError, TypeError):
            continue  # what is refused, and what is no array, is told elsewhere
        point = G._leaves
        with np.errstate(all="ignore"):
            agree(reading.value(G.data, point), point)
            floats = all(leaf.dtype.kind in "fc" for leaf in point)
            if k >= SOME or not floats or any(map(is_tracer, point)):
                continue
            tangents = [np.cos(np.arange(leaf.size)).reshape(leaf.shape).astype(leaf.dtype)[()] for leaf in point]
            agree(reading.pushed(G.data, point, tangents), point, tangents)
            if all(leaf.dtype.kind == "f" for leaf in point) and all(out.dtype.kind == "f" for out in G.data.outputs):
                pulled = reading.Reading(G.data, point, G.data.inputs, lambda chain: [dense(chain, "reverse")])
                agree(pulled, point)
