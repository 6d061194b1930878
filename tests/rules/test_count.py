"""What the counting command prints."""

from collections import Counter

from jacfwd.rules import TABLE, resolve
from tests.rules import count


def test_more_names_than_any_other_library_for_numpy():
    """advect 0.3 has derivatives for 312 names."""
    resolve()
    assert len({primitive.name for primitive in TABLE.values()}) > 500
    assert count.differentiable() > 312


def test_checks_are_counted():
    found = Counter()
    count.counted(found, "check_push", len)("ab")
    assert found == {"check_push": 1}
    assert sum(1 for _ in count.calls()) > 4000
