"""Reductions, running sums and averages: against differences, recorded, and at their conventions."""

import pytest

from jacfwd.rules import averages, reduction, running
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded
from tests.rules.samples_reduction import SAMPLES

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {**reduction.RULES, **running.RULES, **averages.RULES}.keys()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)
