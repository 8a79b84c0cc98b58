"""How plots look, wherever they are shown; for an environment that has matplotlib."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

#: Read well on white and on black.
TEXT, OURS, YARDSTICK, OTHERS = "#7d8590", "#2f81f7", "#8b949e", "#bf8700"


def prepare(salt: str) -> None:
    """Have text stay text, and the same results make the same file."""
    plt.rcParams["svg.fonttype"] = "none"
    plt.rcParams["svg.hashsalt"] = salt
    plt.rcParams["font.family"] = "sans-serif"


def title(axes: Any, text: str) -> None:
    """Write what is shown."""
    axes.set_title(text, color=TEXT, fontsize=10, loc="left")


def plain(axes: Any) -> None:
    """Leave out what nobody reads."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(TEXT)
    axes.tick_params(which="both", colors=TEXT, labelsize=9, length=0)


def save(figure: Any, path: Path) -> None:
    """Write the file, and forget the figure."""
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
