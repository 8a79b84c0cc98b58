"""Draws the plots of docs/performance.md, in an environment that has matplotlib.

python -m peers.plots RESULTS FOLDER
"""

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from peers.catalog import PEERS
from peers.results import Results

#: Read well on white and on black.
TEXT, OURS, YARDSTICK, OTHERS = "#7d8590", "#2f81f7", "#8b949e", "#bf8700"
PLOTS = {
    "end_to_end": ("end_to_end", "rate", "jobs a second, submitted and collected in order", False),
    "drain": ("drain", "rate", "jobs a second, one worker process", False),
    "submit": ("submit", "rate", "jobs a second into the queue", False),
    "latency": ("latency", "p50_ms", "ms from submit to result on an idle pool, median", True),
    "sleeping_jobs": ("sleep_10ms", "efficiency", "of the ideal, jobs of 10 ms", False),
}


def draw(results: Results, key: tuple[str, str], title: str, log: bool, path: Path) -> None:
    """Draw a bar for each peer: the median, and a line from the least to the most."""
    rows = [(p.name, s) for p in reversed(PEERS) if (s := results.spread(p.name, *key))]
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(7.5, 0.32 * len(rows) + 0.7))
    names, spreads = zip(*rows, strict=True)
    medians = [spread.median for spread in spreads]
    lines = [[s.median - s.least for s in spreads], [s.most - s.median for s in spreads]]
    colours = [{"gatherq": OURS, "bare": YARDSTICK}.get(name, OTHERS) for name in names]
    axes.barh(
        names, medians, color=colours, height=0.62, xerr=lines, ecolor=TEXT, capsize=2, log=log
    )
    _label(axes, spreads, log)
    axes.set_title(title + (" (logarithmic)" if log else ""), color=TEXT, fontsize=10, loc="left")
    _plain(axes)
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def _label(axes: Any, spreads: tuple[Any, ...], log: bool) -> None:
    """Write each median beside its bar."""
    widest = max(spread.most for spread in spreads)
    for row, spread in enumerate(spreads):
        where = spread.most * 1.08 if log else spread.most + widest * 0.012
        value = spread.median
        text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        axes.text(where, row, text, va="center", color=TEXT, fontsize=9)
    axes.set_xlim(left=0.1 if log else 0, right=widest * (2.2 if log else 1.12))


def _plain(axes: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(TEXT)
    axes.tick_params(which="both", colors=TEXT, labelsize=9, length=0)
    axes.xaxis.set_major_formatter("{x:,g}")


def main() -> None:
    """Draw all."""
    plt.rcParams["svg.fonttype"] = "none"
    plt.rcParams["svg.hashsalt"] = "peers"
    plt.rcParams["font.family"] = "sans-serif"
    results, folder = Results(Path(sys.argv[1])), Path(sys.argv[2])
    for name, (scenario, value, title, log) in PLOTS.items():
        draw(results, (scenario, value), title, log, folder / f"{name}.svg")


if __name__ == "__main__":
    main()
