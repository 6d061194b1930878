"""Costs read off the formats: exact where the count is known by hand, ordered as theory says."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.cost import Count
from tests.awkward import FUNCTIONS, POINT


def cost(f, *args):
    return jf.trace(f, *args).cost()


def test_an_elementwise_product():
    found = cost(lambda x: x * x * x, np.ones(10))
    assert (found.value.mul, found.value.add) == (20, 0)
    assert found.n_inputs == found.n_outputs == 10 and found.n_colors == 1
    assert found.compress == found.jvp
    assert found.forward == found.jvp.times(10) == found.reverse


def test_sums_are_additions():
    found = cost(lambda x: np.sum(x) + x, np.ones(8))
    assert (found.value.mul, found.value.add) == (0, 16)
    assert found.jvp.mul == 0


def test_movement_is_free():
    found = cost(lambda x: np.roll(x[::-1].reshape(2, 4).T, 1), np.ones(8))
    assert found.value == Count(0, 0, 0)
    assert (found.jvp.mul, found.jvp.add) == (0, 0)


def test_contractions_cost_what_they_read():
    found = cost(lambda x: np.ones((3, 5)) @ x, np.ones(5))
    assert found.value.mul == found.jvp.mul == 15
    assert cost(lambda x: np.ones((3, 5)) @ np.ones(5) + x, np.ones(3)).value.mul == 0


def test_operations_that_no_derivative_reaches_cost_something_too():
    found = cost(lambda x: (np.floor(x), np.argsort(x), np.matmul(np.floor(x), np.ones(5))), np.ones(5))
    assert found.value.mul == 20 and found.jvp.mul == 0


def test_a_sum_of_two_tangents_is_an_addition():
    one, two = cost(lambda x: np.sin(x), np.ones(4)), cost(lambda x: np.sin(x) + x, np.ones(4))
    assert two.jvp.add - one.jvp.add == 4


@pytest.mark.parametrize("n", [10, 100])
def test_a_tridiagonal_jacobian_needs_three_colours(n):
    def f(x):
        out = x * x
        out[1:] += x[:-1]
        out[:-1] += x[1:]
        return out

    found = cost(f, np.ones(n))
    assert found.n_colors == 3
    assert found.compress == found.jvp.times(3)
    assert found.accumulate.mul < found.compress.mul <= found.forward.mul


def test_n_inputs_cost_n_times_as_much():
    small, large = (cost(lambda x: np.sum(np.sin(x) * x), np.ones(n)) for n in (10, 20))
    assert large.jvp.mul == 2 * small.jvp.mul
    assert large.forward.mul == 4 * small.forward.mul
    assert large.reverse.mul == large.jvp.mul


def test_counts_add_and_multiply():
    assert Count(1, 2, 3) + Count(10, 20, 30) == Count(11, 22, 33)
    assert Count(1, 2, 3).times(4) == Count(4, 8, 12)


def test_the_text_is_the_table():
    lines = str(cost(lambda x: x * x, np.ones(1000))).splitlines()
    assert lines[0].split() == ["seeds", "multiply", "add", "bytes"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert list(rows) == ["value", "jvp", "forward", "compress", "accumulate", "reverse"]
    assert rows["value"][0] == "1,000"
    assert rows["forward"][0] == rows["reverse"][0] == "1000" and rows["compress"][0] == rows["jvp"][0] == "1"
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_every_graph_has_a_cost(f):
    found = cost(f, POINT)
    assert str(found)
    assert found.forward == found.jvp.times(3) and found.reverse == found.jvp.times(found.n_outputs)
    assert 0 <= found.n_colors <= 3
    for name in ("value", "jvp", "accumulate"):
        count = getattr(found, name)
        assert min(count.mul, count.add, count.bytes) >= 0


def test_empty_graphs():
    found = cost(lambda x: x * 2, np.ones(0))
    assert found.n_colors == 0 and found.value.mul == 0
