"""What the packages gave: counts for each, refusals grouped by reason, everything that is wrong."""

import re
from collections import Counter, defaultdict
from typing import Any

__all__ = ["counted", "page", "text"]

ASKED = ("right", "refused", "wrong")
HEAD = """# Real code

Functions of packages that were not written for this library, unmodified, each differentiated at one point in a random
direction, forward and transposed, and compared with differences of the function itself, which decide also where a
package has derivatives of its own. A script finds what is counted: every public function of the modules that it names
which takes floats or arrays of floats and returns floats, with arguments from the range of its quantities. Since the
first run it was corrected twice: functions that return objects with an array inside do not return floats, and two
colours given to one function are two different ones. Not counted, with the reason below, is what fails on plain
arrays, gives another value at every call, or has a kink at the very point.

autograd's checks are those of its tests that differentiate with respect to real arguments, twice unless a test asks
for once. `autograd.numpy` is NumPy itself there, and lists, which are structure for autograd and one array here, are
tuples.

`python -m tests.corpora` repeats it (the extra `corpora` has the packages); `--autograd` takes the source distribution
of autograd, whose wheel has no tests. `--save` writes this page and [every single verdict](corpora.json).

"""


def counted(rows: list[dict[str, Any]]) -> dict[str, Counter]:
    """Verdicts by package."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for row in rows:
        counts[row["package"]][row["verdict"]] += 1
        if row["own"] is not None:
            counts[row["package"]]["own" if row["own"] else "not own"] += 1
    return counts


def table(rows: list[dict[str, Any]]) -> list[str]:
    """One line for each package, and the sum."""
    counts = counted(rows)
    total: Counter = sum(counts.values(), Counter())
    lines = [
        "| package | tried | right | refused | wrong | right of tried | agree with the package's own derivative |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, count in [*counts.items(), ("all", total)]:
        tried = sum(count[kind] for kind in ASKED)
        share = f"{count['right'] / tried:.1%}" if tried else ""
        own = f"{count['own']} of {count['own'] + count['not own']}" if count["own"] + count["not own"] else ""
        lines.append(
            f"| {name} | {tried} | {count['right']} | {count['refused']} | {count['wrong']} | {share} | {own} |"
        )
    return lines


def reason(detail: str) -> str:
    """A refusal without what is particular to one place."""
    text = re.sub(r", at File .*?(?=; |$)", "", detail, flags=re.DOTALL)
    text = re.sub(r" of shape \([^)]*\)", "", text)
    return re.sub(r"\s+", " ", text).strip()


def place(detail: str) -> str:
    """The line that a refusal names."""
    found = re.search(r'File "([^"]+)", line (\d+)(?:, in \S+\n\s+(.*?)(?:;|$))?', detail)
    if not found:
        return ""
    file = "/".join(found[1].replace("\\", "/").split("/")[-2:])
    return f"{file}:{found[2]}"


def refusals(rows: list[dict[str, Any]]) -> list[str]:
    """Reasons, the most frequent first, with the functions and lines."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["verdict"] == "refused":
            groups[row["detail"]].append(row)
    lines = []
    for why, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines += [f"### {len(members)} times: {why}", ""]
        named = Counter(f"{row['package']}: `{row['name']}` ({row['at']})" for row in members)
        lines += [f"* {name}{f' x {n}' if n > 1 else ''}" for name, n in named.items()]
        lines.append("")
    return lines


def others(rows: list[dict[str, Any]]) -> list[str]:
    """What is no question of derivatives, and why."""
    counts = Counter((row["package"], row["verdict"]) for row in rows if row["verdict"] not in ASKED)
    meaning = {
        "fails": "fail on plain arrays as well",
        "random": "give another value at every call",
        "rough": "have no differences that converge",
        "no floats": "return no floats",
        "not replayed": "tests ask for autograd's own machinery, for its error types, or for complex arguments",
    }
    return [f"* {package}: {n} {meaning[kind]}" for (package, kind), n in sorted(counts.items())]


def page(rows: list[dict[str, Any]]) -> str:
    """The page of the documentation."""
    wrong = [f"* {row['package']}: `{row['name']}`: {row['detail']}" for row in rows if row["verdict"] == "wrong"]
    differ = [
        f"* {row['package']}: `{row['name']}`" for row in rows if row["own"] is False and row["verdict"] == "right"
    ]
    parts = [HEAD, *table(rows), "", "## Refused", "", *refusals(rows), "## Wrong", "", *(wrong or ["None."]), ""]
    parts += [
        "## Where the package's own derivative differs, and differences say that ours is right",
        "",
        *(differ or ["Nowhere."]),
        "",
    ]
    parts += ["## Not counted", "", *(others(rows) or ["Nothing."]), ""]
    return "\n".join(parts)


def text(rows: list[dict[str, Any]]) -> str:
    """The same for the terminal."""
    return page(rows).removeprefix(HEAD)
