"""Estimates of cost: what they count, what is chosen, what the explanation says."""

import numpy as np
import pytest

import jacfwd as jf
from bench import problems
from jacfwd.arguments import select
from jacfwd.estimates import Estimator, amount, choice
from jacfwd.methods import METHODS
from jacfwd.recorded import record


def chain_of(f, *args):
    return record(select(f, args, {}, None, holomorphic=True)).chain()


def product(x):
    return x[1:] * x[:-1]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_the_explanation_names_what_is_taken(problem, sparse, prepared):
    chain = chain_of(problem.function, problem.point)
    found = Estimator(chain, sparse, prepared).explain()
    chain.plain = not prepared
    assert choice(chain, sparse)[0] == found.chosen
    assert list(found.estimates) == ["accumulate", "compress", "forward", "reverse"]
    assert found.estimates["forward"].seeds == problem.n and found.estimates["reverse"].seeds == problem.m
    assert found.nnz >= (problem.nnz or 0) and found.shape == (problem.m, problem.n)
    assert str(found).startswith(f"{found.chosen}: ") and ", chosen · " in str(found)


def test_the_line_and_the_figures():
    problem = problems.brusselator(100)
    found = jf.jacobian(problem.function, sparse=True).explain(problem.point)
    assert found.chosen == "accumulate"
    line, *figures = str(found).splitlines()
    assert line.startswith("accumulate: 0.12 M multiply-adds, chosen · compress: 12 seeds, ")
    assert line.endswith(" M · forward: 20,000 seeds · reverse: 20,000")
    assert figures[0].split() == ["seeds", "multiply-adds", "bytes"]
    assert "20,000 x 20,000, 120,000 entries" in str(found) and "Entries" in found.formats
    assert repr(found) == str(found)


def test_seeds_are_counted_as_products_with_the_chain():
    chain = chain_of(lambda x: np.sin(x) * x, np.ones(5))
    found = Estimator(chain, True, False).explain().estimates
    one = sum(sum(fmt.work()) for step in chain.steps for _, fmt in step.groups)
    assert found["forward"].multiply_adds == found["reverse"].multiply_adds == 5 * one
    assert found["compress"].multiply_adds == one and found["compress"].seeds == 1


def test_a_gradient_goes_by_reverse_without_being_told():
    for record_it in (False, True):
        assert jf.gradient(lambda x: np.sum(np.sin(x)), record=record_it).explain(np.ones(10**6)).chosen == "reverse"
    g = jf.gradient(lambda x: np.sum(np.sin(x)))(np.zeros(10**6))
    np.testing.assert_array_equal(g, np.ones(10**6))


def test_a_method_that_is_given_is_explained_as_chosen():
    for method in METHODS[1:]:
        found = jf.jacobian(product, method=method).explain(np.ones(5))
        assert found.chosen == method and str(found).startswith(method)


def test_symmetry_is_made_use_of():
    f = lambda x: np.sum(x**3) + x[0] * np.sum(x**2)  # noqa: E731
    found = jf.hessian(f, sparse=True).explain(np.ones(9))
    assert found.estimates["compress"].seeds == 2


def test_recordings_are_told_of():
    J = jf.jacobian(product, sparse=True, record=True)
    x = np.ones(5)
    assert "product" in str(J.explain(x)) and J.explain(x).prepared
    J(x)
    assert "1 recordings" in str(J.explain(x))


def test_amounts():
    assert [amount(n) for n in (0, 85, 9999, 12_345, 3_400_000, 123_456_789)] == [
        "0",
        "85",
        "9,999",
        "0.012 M",
        "3.4 M",
        "123 M",
    ]
