"""Draws the plots of docs/scale.md, in an environment that has matplotlib.

python -m scale.plots RESULTS FOLDER
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import pyplot as plt
from peers.drawing import OTHERS, OURS, TEXT, YARDSTICK, plain, prepare, save, title
from peers.results import Results

from .rows import sizes_of


class Line(NamedTuple):
    """One number by size."""

    label: str
    peer: str
    scenario: str
    name: str
    colour: str
    style: str = "-"


class Plot(NamedTuple):
    """Lines that are compared."""

    title: str
    below: str
    lines: list[Line]


PLOTS = {
    "scale_throughput": Plot(
        "jobs a second",
        "worker processes",
        [
            Line("gatherq, drain", "gatherq", "throughput", "drain_rate", OURS, "--"),
            Line("gatherq, end to end", "gatherq", "throughput", "rate", OURS),
            Line("bare, drain", "bare", "throughput", "drain_rate", YARDSTICK, "--"),
            Line("bare, end to end", "bare", "throughput", "rate", YARDSTICK),
        ],
    ),
    "scale_depth": Plot(
        "µs of the server's CPU for a job that is drained",
        "jobs behind it",
        [
            Line("gatherq, small batches", "gatherq", "depth", "server_cpu_us", OURS),
            Line("gatherq, one batch", "gatherq", "depth_one_batch", "server_cpu_us", OTHERS),
            Line("bare", "bare", "depth", "server_cpu_us", YARDSTICK),
        ],
    ),
}


def draw(results: Results, plot: Plot, path: Path) -> None:
    """Draw a line for each: the medians, and at each from the least to the most."""
    figure, axes = plt.subplots(figsize=(7.5, 3.2))
    ticks: set[int] = set()
    for line in plot.lines:
        ticks |= _line(results, line, axes)
    if ticks:
        _label(axes, plot, sorted(ticks))
        save(figure, path)
    else:
        plt.close(figure)


def _line(results: Results, line: Line, axes: Any) -> set[int]:
    found = {
        size: spread
        for size in sizes_of(results, line.scenario)
        if (spread := results.spread(line.peer, f"{line.scenario}_{size}", line.name))
    }
    if found:
        spreads = found.values()
        ranges = [[s.median - s.least for s in spreads], [s.most - s.median for s in spreads]]
        medians = [spread.median for spread in spreads]
        look = {"color": line.colour, "linestyle": line.style, "marker": "o", "markersize": 4}
        axes.errorbar([*found], medians, yerr=ranges, capsize=2, label=line.label, **look)
    return {*found}


def _label(axes: Any, plot: Plot, ticks: list[int]) -> None:
    title(axes, plot.title)
    plain(axes)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel(plot.below, color=TEXT, fontsize=9)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(axis="y", color=TEXT, alpha=0.25)
    axes.legend(frameon=False, labelcolor=TEXT, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))


def main() -> None:
    """Draw all."""
    prepare("scale")
    results, folder = Results(Path(sys.argv[1])), Path(sys.argv[2])
    for name, plot in PLOTS.items():
        draw(results, plot, folder / f"{name}.svg")


if __name__ == "__main__":
    main()
