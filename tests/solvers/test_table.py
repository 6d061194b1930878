"""The table in the docs is what the solvers do."""

import pytest
import scipy.optimize

from tests.solvers import table


def test_the_table_is_not_stale():
    if not hasattr(scipy.optimize._minimize, "_minimize_cobyqa"):
        pytest.skip("this SciPy lacks a method of the table")
    text = table.PAGE.read_text(encoding="utf-8")
    assert table.page(table.table()) == text, "stale: run `python -m tests.solvers.table`"


def test_every_method_of_the_tables_is_tried():
    from jacfwd.solvers import fits, initial, minimum, roots

    tried = {name: {method.lower() for method in methods} for name, _, methods in table.CASES}
    assert tried["least_squares"] == set(fits.LEAST_SQUARES)
    assert tried["root"] == {*roots.ROOT, *roots.WITHOUT}
    assert tried["solve_ivp"] >= {name.lower() for name in initial.IMPLICIT}
    assert tried["minimize, jac="] == {*minimum.GRADIENTS, *minimum.WITHOUT}
    assert tried["minimize, hess="] >= set(minimum.HESSIANS)
