"""Run the benchmarks and write the tables: `python -m bench [--quick] [--folder docs]`."""

import argparse
from pathlib import Path

from bench import jvp, nfold, recording, report


def main() -> None:
    """Measure every question and write `benchmarks.md` and `benchmarks.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and few repeats, to see that it runs")
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="where the tables go (default: docs)")
    options = parser.parse_args()
    rounds = 3 if options.quick else 9
    sections = [
        nfold.section(nfold.SIZES[:6] if options.quick else nfold.SIZES, rounds),
        jvp.section(jvp.SMALL if options.quick else jvp.problems(), rounds),
        recording.section(options.quick),
    ]
    options.folder.mkdir(parents=True, exist_ok=True)
    paths = report.write(sections, options.folder)
    print(report.markdown(sections))
    print("written:", *paths)


if __name__ == "__main__":
    main()
