"""How many rules there are, of how many functions, and how many checks. `python -m tests.rules.count` prints it.

Every sample call goes through `check_rule`; a check is one comparison of arrays: a value, the tangents of all unit
directions or of two random ones, transposed against pushed, listed entries against pushed, for each operand.
"""

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jacfwd.testing as testing
from jacfwd.rules import TABLE, resolve
from tests import support
from tests.rules import samples_constant, samples_scipy_linalg, test_special
from tests.rules.every import every_call, named

READINGS = ("check_value", "check_push", "check_transpose", "check_entries")


def calls() -> Iterator[tuple[Callable, tuple, dict]]:
    """All sample calls that `check_rule` takes as they are."""
    yield from every_call()
    for table in (samples_constant.SAMPLES, samples_scipy_linalg.SAMPLES):
        for key, samples in table.items():
            yield from ((named(key), args, kwargs) for args, kwargs in samples)
    for name, args in test_special.CALLS:
        yield getattr(test_special.special, name), args, {}


def counted(found: Counter, name: str, check: Callable) -> Callable:
    """A check that counts itself."""

    @functools.wraps(check)
    def call(*args: Any, **kwargs: Any) -> Any:
        found[name] += 1
        return check(*args, **kwargs)

    return call


def count() -> Counter:
    """Run every call and count."""
    found: Counter = Counter()
    originals = {name: getattr(testing, name) for name in READINGS}
    for name, check in originals.items():
        setattr(testing, name, counted(found, name, check))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for function, args, kwargs in calls():
                found["calls"] += 1
                try:
                    testing.check_rule(function, *args, **kwargs)
                except testing.UnsupportedFunctionError:
                    found["refused"] += 1
                except testing.JacobianMismatchError as error:
                    # Such as eigenvectors whose sign LAPACK turns within a step; their own tests judge them.
                    found["unjudged"] += 1
                    print(f"  differences do not judge {str(error).splitlines()[0]}")
    finally:
        for name, check in originals.items():
            setattr(testing, name, check)
    return found


def differentiable() -> int:
    """Public functions with a derivative, by the support table, and by rules of further modules."""
    listed = sum(row.status == "differentiable" for module in support.MODULES for row in support.rows(module))
    keys = {
        p.name
        for f, p in TABLE.items()
        if p.name.partition(":")[0].startswith(("numpy.", "scipy.")) and p.differentiable
    }
    others = {name for name in keys if name.partition(":")[0] not in support.MODULES}
    return listed + len({name.rpartition(":")[2] for name in others})


if __name__ == "__main__":
    resolve()
    print(f"rules: {len({primitive.name for primitive in TABLE.values()})}")
    print(f"differentiable public functions: {differentiable()}")
    found = count()
    print(
        f"sample calls: {found['calls']}, of which {found['refused']} are refused, as parameters without a derivative"
    )
    print(f"checks: {sum(found[name] for name in READINGS)}")
    print("\n".join(f"  {name.removeprefix('check_')}: {found[name]}" for name in READINGS))
