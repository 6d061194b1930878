"""No derivative is lost without a word: every way that is known, and each is right or refused where it happens."""

from collections import Counter

import pytest

from tests.never_silent import (  # noqa: F401  (the table)
    buffers,
    conventions,
    conversions,
    outside,
    routes,
    state,
    types,
)
from tests.never_silent.table import CASES, check


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_right_or_refused(case):
    check(case)


def test_every_class_is_tried_in_at_least_five_ways():
    counted = Counter(case.group for case in CASES)
    assert {group: n for group, n in counted.items() if n < 5} == {}
    assert len(CASES) >= 150
