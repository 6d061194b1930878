"""Results as Markdown and JSON, with the machine and the versions that they hold for."""

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

Row = Mapping[str, str | int | float | None]


@dataclasses.dataclass(frozen=True)
class Section:
    """The answer to one question: a table, with a sentence on how to read it and one on what it shows."""

    title: str
    about: str
    rows: Sequence[Row]
    result: str


def setting() -> dict[str, str | int]:
    """Machine and versions; `load` is the number of processes that wanted a core in the last minute."""
    versions = {name: metadata.version(name) for name in ("numpy", "scipy")}
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "python": platform.python_version(),
        **versions,
    }


def processor() -> str:
    """Name of the processor, where the operating system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows, which share their keys, as a Markdown table with the numbers aligned to the right."""
    names = list(rows[0])
    cells = [names, *([shown(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    left = [any(isinstance(row[name], str) for row in rows) for name in names]

    def line(texts: Sequence[str]) -> str:
        padded = (
            text.ljust(width) if to_left else text.rjust(width)
            for text, width, to_left in zip(texts, widths, left, strict=True)
        )
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if to_left else "-" * (width - 1) + ":" for width, to_left in zip(widths, left, strict=True)]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])


def shown(value: str | int | float | None) -> str:
    """A cell: three significant digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def targets_met(rows: Sequence[Row]) -> str:
    """How many of the rows that have a target meet it, and which do not."""
    asked = [row for row in rows if row["target"] is not None]
    met = sum(row["met"] == "yes" for row in asked)
    missed = ", ".join(f"{row['problem']} {row['measure']}" for row in asked if row["met"] == "no")
    return f"{met} of {len(asked)} targets are met" + (f"; missed: {missed}." if missed else ".")


def markdown(sections: Sequence[Section]) -> str:
    """The whole page."""
    where = ", ".join(f"{name} {value}" for name, value in setting().items())
    parts = [
        "# Benchmarks",
        "Made by `python -m bench`. Every time is processor time, unless it says otherwise a median of interleaved "
        "repeats after a warm-up, given as a multiple of the time of the function itself in the same run; every "
        "derivative was verified by a complex step, by differences or by a closed form before it was timed.",
        f"Measured with: {where}.",
    ]
    for section in sections:
        parts += [f"## {section.title}", section.about, markdown_table(section.rows), section.result]
    return "\n\n".join(parts) + "\n"


def merged(sections: Sequence[Section], folder: Path) -> list[Section]:
    """The sections of the last page with these in the places of those of the same titles, new ones at the end.

    Raises ValueError where the last page was measured on another machine or with other versions.
    """
    content = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))
    now = setting()
    differs = [name for name in now if name not in ("load", "threads") and now[name] != content["setting"].get(name)]
    if differs:
        raise ValueError(f"the last tables were made with another {', '.join(differs)}: measure everything")
    found = {part["title"]: Section(**part) for part in content["sections"]}
    return list((found | {section.title: section for section in sections}).values())


def write(sections: Sequence[Section], folder: Path) -> list[Path]:
    """Write `benchmarks.md` and `benchmarks.json` into the folder; returns their paths."""
    page, data = folder / "benchmarks.md", folder / "benchmarks.json"
    page.write_text(markdown(sections), encoding="utf-8")
    content = {"setting": setting(), "sections": [dataclasses.asdict(section) for section in sections]}
    data.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return [page, data]
