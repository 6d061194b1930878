"""Orders of multiplication, by estimates that are compared with counts by hand."""

import numpy as np
import pytest

from bench import further, problems
from jacfwd import bracketing as bracketings
from jacfwd.arguments import select
from jacfwd.bracketing import bracketing, elimination, promising, reversible
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
    assert found.multiply_adds == found.forward
    assert str(found) == "from the input side"


@pytest.mark.parametrize(("wide", "side"), [((5, 5, 200), "output"), ((200, 5, 5), "input")])
def test_many_inputs_or_many_outputs(wide, side):
    m, k, n = wide[0], wide[1], wide[2]
    A, B = np.ones((m, k)), np.ones((k, n))
    f = lambda x: np.tanh(A @ np.tanh(np.tanh(np.tanh(B @ np.tanh(x)))))  # noqa: E731
    found = bracketing(chain_of(f, np.ones(n)))
    assert (found.reverse < found.forward) == (side == "output")


def test_narrow_places_within_wide_ones():
    """Passages between waists are brought to their ends first, then the waists multiplied."""
    found = bracketing(chain_of(further.waists(200).function, np.linspace(0.2, 1, 200)))
    assert found.multiply_adds < min(found.forward, found.reverse) / 2
    first, last, inner = found.steps
    assert inner > first and inner > last
    assert str(found).startswith(f"{inner} of {first + last + inner} steps in between, ")


def test_one_number_that_depends_on_all_is_differentiated_backwards():
    """`x - sin(x) exp(-energy(x))`: the gradient of the energy alone, not the Jacobian of what it is made of."""
    found = bracketing(chain_of(further.feedback(200).function, np.linspace(0.2, 1, 200)))
    assert found.multiply_adds < found.forward / 20


def test_large_full_products_go_either_way():
    """Where formats keep low rank by themselves, nothing is gained by another order."""
    found = bracketing(chain_of(further.hourglass(200).function, np.linspace(0.2, 1, 200)))
    assert found.multiply_adds == found.forward < 200**3 / 4


def test_bundle_adjustment_is_multiplied_from_the_output_side():
    problem = problems.bundle_adjustment(21, 1131, 3645)
    chain = chain_of(problem.function, problem.point)
    found = bracketing(chain)
    assert found.multiply_adds < 0.5 * found.forward
    assert str(found) == "from the output side"
    # For one call of this size a look is not worth while, but it is for a program.
    assert elimination(chain) is None
    chain.plain = False
    assert elimination(chain) == found.order


@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_nothing_is_worse_than_from_the_input_side(problem):
    chain = chain_of(problem.function, problem.point)
    found, short = bracketing(chain), bracketing(chain, thorough=False)
    assert found.multiply_adds <= found.forward
    assert found.order == short.order and sorted(found.order) == [step.node for step in chain.steps]
    assert sum(found.steps) == len(chain.steps)


def test_sampling_sees_few_columns_with_many_entries():
    """21 x 11 camera parameters hold a third of the entries in a thirtieth of the columns."""
    small = problems.bundle_adjustment(21, 1131, 3645)
    chain = chain_of(small.function, small.point)
    ahead, _ = bracketings.from_inputs(chain)
    entries = sum(ahead[out.node] for out in chain.graph.outputs)
    assert entries == pytest.approx(small.nnz, rel=0.3)


@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_small_chains_are_counted_exactly(problem):
    chain = chain_of(problem.function, problem.point)
    if chain.n > bracketings.MOST_SEEDS or problem.nnz is None:
        return
    ahead, _ = bracketings.from_inputs(chain)
    behind = bracketings.from_outputs(chain)
    assert sum(ahead[out.node] for out in chain.graph.outputs) >= problem.nnz
    if chain.m <= bracketings.MOST_SEEDS:
        assert sum(behind[at] for at in chain.wrt) >= problem.nnz


def test_what_is_not_multiplied_from_the_output_side():
    z = chain_of(lambda z: np.abs(z) ** 2, np.array([1 + 2j, 3]))
    assert not reversible(z)
    found = bracketing(z)
    assert found.reverse is None and str(found) == "from the input side" and elimination(z) is None


def test_what_a_loop_has_gathered_stays_together():
    many = chain_of(lambda x: np.stack([x[k] * x[0] for k in range(100)]), np.ones(100))
    found = bracketing(many)
    assert found.reverse is not None and found.multiply_adds <= found.forward


def test_little_work_is_not_looked_at():
    small = chain_of(lambda x: np.sum(np.sin(x)), np.ones(10))
    assert elimination(small) is None
    assert bracketing(small, prepared=False).multiply_adds == bracketing(small).forward


def test_one_call_is_worth_a_look_where_much_can_be_gained():
    wide = np.linspace(0.2, 1, 400)
    for f, worth in ((further.waists(400).function, True), (lambda x: np.sin(x) * x[::-1], False)):
        chain = chain_of(f, wide)
        assert promising(chain) == worth
        assert (elimination(chain) is not None) == worth


def test_integers_alone_depend_on_a_step():
    def f(x):
        k = np.argmax(x * x)
        return x[k] * np.sum(x)

    found = bracketing(chain_of(f, np.arange(4.0)))
    assert found.reverse is not None
