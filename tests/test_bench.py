"""The tools that the benchmarks rest on."""

import json

import numpy as np
import pytest

import jacfwd as jf
from bench import choice, irregular, solvers, sparse
from bench.measure import Timings, direction_of, growth, interleaved, peak_memory, verify
from bench.problems import brusselator, elementwise_chain, logistic_regression
from bench.replay import Measure, best, confirmed, regressions
from bench.report import Section, markdown, markdown_table, merged, shown, write

SECTION = Section("Title", "About.", [{"problem": "P1", "n": 10, "jvp / f": 2.0}], "Result.")


def test_ratios_are_taken_within_each_round():
    timings = Timings({"f": np.array([1.0, 10.0, 2.0]), "jvp": np.array([2.0, 20.0, 4.0])})
    assert timings.ratio("jvp", "f") == 2
    assert timings.seconds("jvp") == 4


def test_every_contender_is_timed_once_per_round():
    calls = {"short": lambda: sum(range(10)), "long": lambda: sum(range(10_000))}
    timings = interleaved(calls, rounds=3, at_least=1e-3)
    assert {name: times.shape for name, times in timings.samples.items()} == {"short": (3,), "long": (3,)}
    assert timings.ratio("long", "short") > 1


def test_peak_memory_counts_what_is_freed_again():
    assert 8e6 <= peak_memory(lambda: np.ones(10**6).sum()) < 9e6


def test_growth_is_the_exponent():
    assert growth([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)


@pytest.mark.parametrize("problem", [elementwise_chain(20), logistic_regression(3)], ids=["analytic", "not"])
def test_verify_accepts_the_derivative_and_nothing_else(problem):
    direction = direction_of(problem)
    derivative = np.reshape(problem.jacobian(problem.point) @ direction, np.shape(problem.function(problem.point)))
    verify(problem, direction, derivative)
    with pytest.raises(AssertionError, match=problem.title.split()[0]):
        verify(problem, direction, derivative * (1 + 1e-6))


def test_tables_align_and_pages_hold_their_setting(tmp_path):
    assert markdown_table(SECTION.rows) == "\n".join(
        ["| problem |  n | jvp / f |", "| ------- | -: | ------: |", "| P1      | 10 |       2 |"]
    )
    assert [shown(value) for value in (None, 0.12345, 12345.6, 7, "P1")] == ["", "0.123", "12346", "7", "P1"]
    assert f"numpy {np.__version__}" in markdown([SECTION])
    page, data = write([SECTION], tmp_path)
    assert page.read_text(encoding="utf-8") == markdown([SECTION])
    assert json.loads(data.read_text())["sections"][0]["rows"] == SECTION.rows


def replayed(measured, unit="x f", n=10):
    return {"problem": "P1", "measure": "Jacobian", "n": n, "measured": measured, "unit": unit}


def test_regressions_are_of_ratios_only():
    before = [replayed(1.0), replayed(1.0, "s", 20)]
    assert regressions([replayed(1.4), replayed(9.0, "s", 20), replayed(9.0, n=30)], before) == []
    assert regressions([replayed(1.6)], before) == ["P1, Jacobian, n = 10: 1.6 x f, was 1"]


def test_the_least_time_is_taken_and_misses_are_told():
    times = best({"short": lambda: sum(range(10)), "long": lambda: sum(range(10_000))}, 0.01)
    assert times["long"] > times["short"]
    assert Measure("P1", "Jacobian", 2048, 0.5, 0.3).missed and not Measure("P1", "Jacobian", 2048, 0.5).missed
    assert str(Measure("P1", "Jacobian", 2048, 0.5, 0.3)) == "MISS P1, Jacobian, n = 2,048: 0.5 x f (target 0.3)"


def test_wrong_jacobians_are_not_timed():
    problem = elementwise_chain(20)
    confirmed(problem, problem.jacobian(problem.point))
    with pytest.raises(AssertionError, match="wrong by"):
        confirmed(problem, problem.jacobian(problem.point) * (1 + 1e-9))


def test_parts_are_measured_alone_and_the_others_kept(tmp_path):
    first, second = SECTION, Section("Other", "About.", [{"n": 1}], "Old.")
    write([first, second], tmp_path)
    again, new = Section("Other", "About.", [{"n": 2}], "New."), Section("Third", "About.", [{"n": 3}], "New.")
    assert [section.title for section in merged([new, again], tmp_path)] == ["Title", "Other", "Third"]
    assert merged([again], tmp_path)[1] == again
    content = json.loads((tmp_path / "benchmarks.json").read_text())
    content["setting"]["numpy"] = "0.1"
    (tmp_path / "benchmarks.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="another numpy"):
        merged([again], tmp_path)


def test_the_tables_of_solvers_are_made():
    titles = [section.title for section in solvers.sections(quick=True)]
    assert len(titles) == len(set(titles)) == 7


# Methods


@pytest.mark.parametrize("name", choice.QUICK)
def test_what_auto_takes_is_among_what_is_timed(name):
    found = list(choice.cases([name], seconds=0.003))
    assert {(each.sparse, each.prepared) for each in found} == {(s, p) for s in (False, True) for p in (False, True)}
    for each in found:
        assert each.chosen in each.seconds and each.ratio >= 1
        assert each.row()["auto"] == each.chosen


def test_the_pattern_that_is_colored_is_that_of_the_brusselator():
    assert sparse.brusselator_pattern(5) == jf.sparsity(brusselator(5).function, brusselator(5).point)
    assert sparse.QUICK[0] in sparse.measures


@pytest.mark.parametrize("name", irregular.KINDS)
def test_irregular_functions_are_confirmed_by_those_by_hand(name):
    kind = irregular.KINDS[name](100)
    rows = irregular.derivatives(kind, seconds=0.0)
    assert [row["derivative"] for row in rows] == ["Jacobian", "value and tangent", "gradient of the square"]
    wrong = irregular.Kind(
        name, kind.function, kind.point, lambda x: 1.001 * kind.jacobian(x), kind.tangent, kind.pullback
    )
    with pytest.raises(AssertionError, match="wrong Jacobian"):
        irregular.derivatives(wrong, seconds=0.0)


@pytest.mark.parametrize("in_order", [False, True])
def test_irregular_sums_are_compared_with_every_other_way(in_order):
    row = irregular.sums(100, np.float64, in_order, seconds=0.0)
    assert (row["reduceat [us]"] is not None) == in_order and row["ours [us]"] > 0
