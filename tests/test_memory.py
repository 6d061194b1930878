"""The memory budget: what is asked for, what there is, and what the refusal says."""

import builtins
import io
import os

import pytest

from jacfwd import memory
from jacfwd.errors import MemoryBudgetError


@pytest.fixture(autouse=True)
def _no_budget():
    yield
    memory.set_memory_budget(None)


def without_meminfo(monkeypatch, error=FileNotFoundError):
    def refuse(*args):
        raise error

    monkeypatch.setattr(builtins, "open", refuse)


def test_a_budget_that_was_set():
    memory.set_memory_budget(1000)
    assert memory.budget() == 1000
    memory.require(1000, "a thing", "do without")
    with pytest.raises(MemoryBudgetError, match="a thing needs .* MiB, the budget is .* MiB; do without"):
        memory.require(1001, "a thing", "do without")


@pytest.mark.parametrize("nbytes", [0, -1])
def test_budgets_are_positive(nbytes):
    with pytest.raises(ValueError, match=f"must be positive, got {nbytes}"):
        memory.set_memory_budget(nbytes)


def test_half_of_what_is_available(monkeypatch):
    text = "MemTotal: 9 kB\nMemAvailable:       2048 kB\n"
    monkeypatch.setattr(builtins, "open", lambda path: io.StringIO(text))
    assert memory.budget() == 1024 * 1024


def test_half_of_the_memory_where_the_system_does_not_say_what_is_free(monkeypatch):
    without_meminfo(monkeypatch)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert memory.budget() == 50 * 4096
    monkeypatch.setattr(builtins, "open", lambda path: io.StringIO("MemTotal: 9 kB\n"))
    assert memory.budget() == 50 * 4096


def test_two_gigabytes_where_it_says_nothing(monkeypatch):
    without_meminfo(monkeypatch)

    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert memory.budget() == 2 << 30


def test_small_results_do_not_ask(monkeypatch):
    monkeypatch.setattr(memory, "budget", lambda: pytest.fail("asked"))
    memory.require(memory.SMALL - 1, "a thing", "do without")


def test_it_is_a_memory_error():
    memory.set_memory_budget(1)
    with pytest.raises(MemoryError):
        memory.require(1 << 40, "a thing", "do without")
