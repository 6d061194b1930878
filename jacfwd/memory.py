"""The memory budget: large results are refused before they are tried."""

import os

from jacfwd.errors import MemoryBudgetError

__all__ = ["budget", "require", "require_chunk", "set_memory_budget"]

# Below this many bytes nobody asks the system how much there is.
SMALL = 1 << 26
_limit: int | None = None


def set_memory_budget(nbytes: int | None) -> None:
    """Set how many bytes one result may take; None: half of the memory that is free at the call.

    Blocks of seeds are made to fit it, and what cannot fit is refused before it is tried.

    Raises ValueError for a budget that is not positive.

    >>> set_memory_budget(2**30)
    >>> set_memory_budget(None)
    """
    global _limit
    if nbytes is not None and nbytes <= 0:
        raise ValueError(f"the memory budget must be positive, got {nbytes}")
    _limit = nbytes


def budget() -> int:
    """The number of bytes that one result may take now."""
    if _limit is not None:
        return _limit
    try:
        with open("/proc/meminfo") as info:
            for line in info:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 512
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 1 << 31


def require(nbytes: int, what: str, instead: str) -> None:
    """Raise MemoryBudgetError if a result of this size is out of the question."""
    if nbytes < SMALL and _limit is None:
        return
    limit = budget()
    if nbytes > limit:
        raise MemoryBudgetError(
            f"{what} needs {nbytes / 2**20:,.0f} MiB, the budget is {limit / 2**20:,.0f} MiB; {instead}"
        )


def require_chunk(count: int, each: int) -> None:
    """Raise MemoryBudgetError if so many seeds of so many bytes each cannot be held, with the number that can."""
    if count * each < SMALL and _limit is None:
        return
    limit = budget()
    if count * each > limit:
        raise MemoryBudgetError(
            f"{count} seeds at a time need {count * each / 2**20:,.0f} MiB, the budget is {limit / 2**20:,.0f} MiB; "
            f"pass chunk_size={max(1, limit // (2 * each))}"
        )
