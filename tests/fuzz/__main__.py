"""`python -m tests.fuzz --programs N --seed S`: random programs, each differentiated in every way and judged.

Every finding is made as small as it gets and printed with its source; `--save FILE` keeps the counts.
"""

import argparse
import dataclasses
import json
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.generate import Program, generate
from tests.fuzz.judge import Verdict, judge


def shrunk(program: Program, verdict: Verdict) -> Program:
    """The program without the statements and results that its verdict does not need."""
    again = True
    while again:
        again = False
        for smaller in candidates(program):
            if still(smaller, verdict):
                program, again = smaller, True
                break
    return program


def candidates(program: Program) -> Iterator[Program]:
    """Programs with one statement less, or a single result."""
    for k in reversed(range(len(program.statements))):
        yield dataclasses.replace(program, statements=program.statements[:k] + program.statements[k + 1 :])
    results = program.returned.rstrip(",").split(", ")
    if len(results) > 1:
        for name in results:
            yield dataclasses.replace(program, returned=name)


def still(program: Program, verdict: Verdict) -> bool:
    """Whether a smaller program runs, and has the same verdict."""
    try:
        program.function()(program.point)
    except Exception:
        return False
    return judge(program).kind == verdict.kind


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="write the counts to this file, as JSON, now and then")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    counts, reasons, found, writes = Counter(), Counter(), [], 0
    start = time.process_time()
    for k in range(options.programs):
        program = generate(options.seed * 10_000_000 + k)
        verdict = judge(program)
        counts[verdict.kind] += 1
        writes += " = " in program.source and "] " in program.source
        if verdict.kind == "refused":
            reasons[verdict.detail.split(", at File")[0].split(" (")[0][:90]] += 1
        if verdict.bad:
            small = shrunk(program, verdict)
            found.append(small.source)
            print(
                f"--- seed {program.seed}, {small.shape} {small.dtype}: {judge(small).kind}\n{small.source}"
                f"{judge(small).detail}\n",
                flush=True,
            )
        if (k + 1) % 500 == 0 or k + 1 == options.programs:
            report = {"seed": options.seed, "programs": k + 1, "seconds": round(time.process_time() - start)}
            report |= {"verdicts": dict(counts), "refused": dict(reasons), "with writes": writes}
            print(report, flush=True)
            if options.save:
                options.save.write_text(json.dumps(report, indent=1) + "\n")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
