"""6. Two inputs need two derivative graphs: n inputs, n-fold cost. Counted here; timed by the benchmarks."""

import numpy as np
import pytest

import jacfwd as jf

SIZES = (1, 2, 8, 64, 256)
MILLION = 10**6


def loss(x):
    """A scalar function whose own cost is proportional to the number of its inputs."""
    return np.sum(np.sin(x) * np.exp(x))


def cost(n):
    return jf.trace(loss, np.linspace(0.0, 1.0, n)).cost()


def test_two_inputs_two_derivative_graphs():
    def f(x, y):
        p = x * y
        s = np.sin(p)
        return s

    x, y = 0.5, 3.0
    G = jf.trace(f, x, y)
    of_x, of_y = (G.derivatives(x, y, wrt=k) for k in range(2))
    # One value graph ...
    assert of_x.values == of_y.values
    # ... in which each derivative graph has its own input, and its own number at every node.
    assert list(of_x.nodes) == ["x", "p", "s"]
    assert list(of_y.nodes) == ["y", "p", "s"]
    slope = np.cos(x * y)
    assert list(of_x.nodes.values()) == pytest.approx([1, y, slope * y], rel=1e-14)
    assert list(of_y.nodes.values()) == pytest.approx([1, x, slope * x], rel=1e-14)
    with pytest.raises(ValueError, match="out of range"):
        G.derivatives(x, y, wrt=2)


def test_an_array_of_n_numbers_has_n_derivative_graphs():
    x = np.array([0.1, 0.2, 0.3])
    G = jf.trace(loss, x)
    slopes = [G.derivatives(x, wrt=k).nodes for k in range(3)]
    gradient = [list(nodes.values())[-1] for nodes in slopes]
    np.testing.assert_allclose(gradient, np.exp(x) * (np.sin(x) + np.cos(x)), rtol=1e-14)


@pytest.mark.parametrize("n", SIZES)
def test_forward_mode_costs_n_times_one_direction(n):
    """An element takes four multiplications in one direction: by cos, by exp, and two in the product."""
    found = cost(n)
    assert (found.n_inputs, found.n_outputs) == (n, 1)
    assert found.jvp.mul == 4 * n
    assert found.forward == found.jvp.times(n)
    assert found.reverse == found.jvp


def test_extrapolated_to_a_million_inputs():
    """In units of the function's own cost: forward mode grows as n, reverse mode stays what it is."""
    costs = [cost(n) for n in SIZES]
    forward = [c.forward.mul / c.value.mul for c in costs]
    reverse = [c.reverse.mul / c.value.mul for c in costs]
    slope, constant = np.polyfit(SIZES, forward, 1)
    assert slope * MILLION + constant == pytest.approx(4 / 3 * MILLION, rel=1e-9)
    slope, constant = np.polyfit(SIZES, reverse, 1)
    assert slope * MILLION + constant == pytest.approx(4 / 3, rel=1e-6)


def test_as_many_runs_of_the_recorded_function_as_seeds():
    """One direction after the other gives the Jacobian column by column."""
    x = np.linspace(0.0, 1.0, 8)
    columns = [jf.jvp(loss, x, seed)[1] for seed in np.eye(8)]
    np.testing.assert_array_equal(columns, jf.jacfwd(loss)(x))
