"""The cost report as pictures: n-fold cost on logarithmic scales, and paths against edges."""

import math
from typing import Any

from jacfwd.draw.chart import Chart
from jacfwd.draw.svg import Drawing

__all__ = ["growth", "nfold"]

MILLION = 10**6


def nfold(report: Any) -> Drawing:
    """Time over time of f against the number of inputs, measured and, dashed, up to a million inputs."""
    f = report.seconds["f"]
    points = [(k, seconds / f) for k, seconds in report.seeds]
    beyond = [points[-1], (MILLION, report.million)] if math.isfinite(report.million) else []
    differences = [(k, k + 1.0) for k in (1, MILLION)]
    others = {name: report.seconds[name] / f for name in ("reverse", "accumulate") if name in report.seconds}
    heights = [y for _, y in [*points, *beyond, *differences]] + list(others.values())
    low, high = 10 ** math.floor(math.log10(min(heights))), 10 ** math.ceil(math.log10(max(heights)))
    chart = Chart("The n-fold cost of forward mode", (1, MILLION), (low, high), ("inputs", "runs of f"), log=True)
    chart.curve(points, "forward, measured", 0, dots=True)
    if beyond:
        chart.curve(beyond, "forward, extrapolated", 0, dashed=True)
    chart.curve(differences, "differences", 1)
    for ink, (name, ratio) in enumerate(others.items(), 2):
        chart.curve([(report.cost.n_inputs, ratio)], f"{name}, measured", ink, dots=True)
    return chart.svg.drawing()


def growth(report: Any) -> Drawing:
    """Edges and paths up to each level, the paths on a logarithmic scale.

    Raises ValueError where the graph was too large to count them.
    """
    if len(report.growth) < 2:
        raise ValueError("the graph has too many edges, or no level, to compare its paths with its edges")
    levels = report.growth[-1].level
    most = max(math.log10(max(g.paths, g.edges, 1)) for g in report.growth)
    chart = Chart("Paths against edges", (0, levels), (0, max(most, 1) * 1.05), ("level", "powers of ten"))
    for ink, name in enumerate(("edges", "paths")):
        counts = [(g.level, math.log10(max(getattr(g, name), 1))) for g in report.growth]
        chart.curve(counts, f"{name}: {_last(report, name)}", ink, dots=levels <= 40)
    return chart.svg.drawing()


def _last(report: Any, name: str) -> str:
    count = getattr(report.growth[-1], name)
    return f"{count:,}" if count < 10**9 else f"about 10^{len(str(count)) - 1}"
