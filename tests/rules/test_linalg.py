"""Products, norms, linear algebra and interpolation: against differences, through recordings, at conventions."""

import pytest

from jacfwd.rules import factorizations, interpolation, linalg, norms, products
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded
from tests.rules.samples_linalg import SAMPLES

TABLES = (products.RULES, norms.RULES, linalg.RULES, factorizations.RULES, interpolation.RULES)
CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {function for table in TABLES for function in table}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)
