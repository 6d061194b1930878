"""Run the benchmarks and write the tables: `python -m bench [--quick] [--folder docs]`.

`python -m bench --only solvers` measures some parts and keeps what the last tables say of the others.
`python -m bench --check` writes nothing: it measures the ratios again and compares them with the last table.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import choice, irregular, jvp, nfold, peers, recording, replay, report, scale, solvers, sparse, survey


def check(folder: Path) -> int:
    """Print what has become slower, as a multiple of f, since the last table; the exit status is 1 if something has."""
    content = json.loads((folder / "benchmarks.json").read_text())
    before = [row for section in content["sections"] if section["title"] == "Replay" for row in section["rows"]]
    slower = replay.regressions(replay.rows(list(replay.measures)), before)
    print("\n".join(slower) or f"none of {len(before)} figures has become worse")
    return 1 if slower else 0


def nfold_sections(quick: bool) -> list[report.Section]:
    """The cost of n inputs."""
    return [nfold.section(nfold.SIZES[:6] if quick else nfold.SIZES, 3 if quick else 9)]


def jvp_sections(quick: bool) -> list[report.Section]:
    """One product."""
    return [jvp.section(jvp.SMALL if quick else jvp.problems(), 3 if quick else 9)]


def peers_sections(quick: bool) -> list[report.Section]:
    """Comparisons with other packages, where there are any."""
    compared = peers.section(quick)
    return [] if compared is None else [compared]


PARTS: dict[str, Callable[[bool], list[report.Section]]] = {
    "nfold": nfold_sections,
    "jvp": jvp_sections,
    "recording": lambda quick: [recording.section(quick)],
    "survey": lambda quick: [survey.section(quick)],
    "replay": lambda quick: [replay.section(quick)],
    "sparse": lambda quick: [sparse.section(quick)],
    "irregular": irregular.sections,
    "choice": lambda quick: [choice.section(quick)],
    "peers": peers_sections,
    "scale": lambda quick: [scale.section(quick)],
    "solvers": solvers.sections,
}


def main() -> int:
    """Measure every question and write `benchmarks.md` and `benchmarks.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benchmarks and write the tables.")
    parser.add_argument("--check", action="store_true", help="compare ratios with the last table instead")
    parser.add_argument("--quick", action="store_true", help="small sizes and few repeats, to see that it runs")
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="where the tables go (default: docs)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure these parts alone")
    options = parser.parse_args()
    if options.check:
        return check(options.folder)
    sections = [section for part in options.only for section in PARTS[part](options.quick)]
    if options.only is not PARTS:
        sections = report.merged(sections, options.folder)
    options.folder.mkdir(parents=True, exist_ok=True)
    paths = report.write(sections, options.folder)
    print(report.markdown(sections))
    print("written:", *paths)
    # The README's table and a picture are made of these figures.
    pictures = options.folder / "pictures.py"
    return subprocess.call([sys.executable, str(pictures)]) if pictures.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
