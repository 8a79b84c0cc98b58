"""Draws the plots of docs/performance.md, in an environment that has matplotlib.

python -m peers.plots RESULTS FOLDER
"""

import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from peers.catalog import PEERS
from peers.drawing import OTHERS, OURS, TEXT, YARDSTICK, plain, prepare, save, title
from peers.results import Results

PLOTS = {
    "end_to_end": ("end_to_end", "rate", "jobs a second, submitted and collected in order", False),
    "drain": ("drain", "rate", "jobs a second, one worker process", False),
    "submit": ("submit", "rate", "jobs a second into the queue", False),
    "latency": ("latency", "p50_ms", "ms from submit to result on an idle pool, median", True),
    "sleeping_jobs": ("sleep_10ms", "efficiency", "of the ideal, jobs of 10 ms", False),
}


def draw(results: Results, key: tuple[str, str], what: str, log: bool, path: Path) -> None:
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
    title(axes, what + (" (logarithmic)" if log else ""))
    plain(axes)
    axes.xaxis.set_major_formatter("{x:,g}")
    save(figure, path)


def _label(axes: Any, spreads: tuple[Any, ...], log: bool) -> None:
    """Write each median beside its bar."""
    widest = max(spread.most for spread in spreads)
    for row, spread in enumerate(spreads):
        where = spread.most * 1.08 if log else spread.most + widest * 0.012
        value = spread.median
        text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        axes.text(where, row, text, va="center", color=TEXT, fontsize=9)
    axes.set_xlim(left=0.1 if log else 0, right=widest * (2.2 if log else 1.12))


def main() -> None:
    """Draw all."""
    prepare("peers")
    results, folder = Results(Path(sys.argv[1])), Path(sys.argv[2])
    for name, (scenario, value, what, log) in PLOTS.items():
        draw(results, (scenario, value), what, log, folder / f"{name}.svg")


if __name__ == "__main__":
    main()
