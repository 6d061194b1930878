"""Where products from both sides should meet, by estimates that are compared with counts by hand."""

import numpy as np
import pytest

from bench import problems
from jacfwd import bracketing as bracketings
from jacfwd.arguments import select
from jacfwd.bracketing import bracketing, meeting, reversible
from jacfwd.recorded import record


def chain_of(f, *args):
    return record(select(f, args, {}, None, holomorphic=True)).chain()


def test_a_chain_of_matrices():
    """A (m x k) B (k x n): sizes 4, 3, 2 with an elementwise step in the middle."""
    A, B = np.arange(1.0, 7).reshape(2, 3), np.arange(1.0, 13).reshape(3, 4)
    found = bracketing(chain_of(lambda x: A @ np.sin(B @ x), np.ones(4)))
    # The input's own Jacobian is made of ones; then 3 x 4 scaled by a diagonal; then 2 x 3 times 3 x 4.
    assert found.forward == 3 * 4 + 2 * 3 * 4
    # The outputs' own derivative is made of ones; then 2 x 3 scaled by a diagonal, and 2 x 3 times 3 x 4.
    assert found.reverse == 2 * 3 + 2 * 3 * 4
    assert found.multiply_adds <= min(found.forward, found.reverse) or found.meet == found.steps


@pytest.mark.parametrize(("wide", "side"), [((5, 5, 200), "output"), ((200, 5, 5), "input")])
def test_many_inputs_or_many_outputs(wide, side):
    m, k, n = wide[0], wide[1], wide[2]
    A, B = np.ones((m, k)), np.ones((k, n))
    f = lambda x: np.tanh(A @ np.tanh(np.tanh(np.tanh(B @ np.tanh(x)))))  # noqa: E731
    found = bracketing(chain_of(f, np.ones(n)))
    assert (found.reverse < found.forward) == (side == "output")


def test_both_sides_meet_at_a_narrow_place():
    """100 inputs, 100 outputs, and 2 numbers in the middle of long elementwise chains."""

    def f(x):
        for _ in range(5):
            x = np.sin(x) * np.cos(x)
        y = np.outer(np.stack([np.sum(x[:50]), np.sum(x[50:])]), np.ones(50)).reshape(-1)
        for _ in range(5):
            y = np.sin(y) * np.cos(y)
        return y

    found = bracketing(chain_of(f, np.linspace(0, 1, 100)))
    assert 0 < found.meet < found.steps
    assert found.multiply_adds < min(found.forward, found.reverse) / 2
    assert str(found) == f"{found.meet} of {found.steps} steps from the input side"


def test_bundle_adjustment_is_multiplied_from_the_output_side():
    problem = problems.bundle_adjustment(21, 1131, 3645)
    chain = chain_of(problem.function, problem.point)
    found = bracketing(chain)
    assert found.multiply_adds < 0.5 * found.forward
    assert found.meet < found.steps / 4
    # Looking is not worth while for one call of this size, but it is for a program.
    assert meeting(chain) == found.steps
    chain.plain = False
    assert meeting(chain) == found.meet


def test_sampling_sees_few_columns_with_many_entries():
    """21 x 11 camera parameters hold a third of the entries in a thirtieth of the columns."""
    small = problems.bundle_adjustment(21, 1131, 3645)
    chain = chain_of(small.function, small.point)
    sizes, _ = bracketings.from_inputs(chain)
    entries = sum(sizes[out.node].entries for out in chain.graph.outputs)
    assert entries == pytest.approx(small.nnz, rel=0.3)


@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_small_chains_are_counted_exactly(problem):
    chain = chain_of(problem.function, problem.point)
    if chain.n > bracketings.MOST_SEEDS or problem.nnz is None:
        return
    sizes, tallies = bracketings.from_inputs(chain)
    assert sum(sizes[out.node].entries for out in chain.graph.outputs) >= problem.nnz
    assert tallies[-1].count == bracketing(chain).forward


def test_what_is_not_multiplied_from_the_output_side():
    z = chain_of(lambda z: np.abs(z) ** 2, np.array([1 + 2j, 3]))
    assert not reversible(z)
    assert bracketing(z).reverse is None and bracketing(z).meet == len(z.steps)
    many = chain_of(lambda x: np.stack([x[k] * x[0] for k in range(100)]), np.ones(100))
    assert not reversible(many)
    assert str(bracketing(many)) == "from the input side"


def test_little_work_is_not_looked_at():
    chain = chain_of(lambda x: np.sum(np.sin(x)), np.ones(10))
    assert meeting(chain) == len(chain.steps)


def test_integers_alone_depend_on_a_step():
    def f(x):
        k = np.argmax(x * x)
        return x[k] * np.sum(x)

    found = bracketing(chain_of(f, np.arange(4.0)))
    assert found.reverse is not None
