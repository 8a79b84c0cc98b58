"""Tables: aligned on a terminal, by rich where it is installed; tab-separated anywhere else."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gatherq.escape import escape


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, and the text of a row in it."""

    title: str
    text: Callable[[Any], str]
    #: Numbers are aligned at the right.
    right: bool = False
    #: Whether its texts give way where the terminal is narrow.
    flexible: bool = False
    #: Name of rich's style for a row, "" for none.
    style: Callable[[Any], str] = lambda _: ""
    #: Whether it is left out on terminals of fewer columns than this.
    least_width: int = 0


def tab_separated(columns: Sequence[Column], row: Any) -> str:
    """Return a row as a line: full texts, without color."""
    return "\t".join(escape(column.text(row)) for column in columns)


def width() -> int:
    """Return the columns of the terminal."""
    return shutil.get_terminal_size((80, 24)).columns


def aligned(
    columns: Sequence[Column], rows: Sequence[Any], *, title: bool, color: bool
) -> list[str]:
    """Return the lines of a table for a terminal."""
    room = width()
    shown = [column for column in columns if room >= column.least_width]
    try:
        return _by_rich(shown, rows, room, title=title, color=color)
    except ImportError:
        return _plain(shown, rows, room, title=title)


def _by_rich(
    columns: Sequence[Column], rows: Sequence[Any], room: int, *, title: bool, color: bool
) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=title, pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=8 if column.flexible else None,
            ratio=None,
        )
    for row in rows:
        table.add_row(*(Text(escape(c.text(row)), style=c.style(row)) for c in columns))
    console = Console(
        width=room, no_color=not color, force_terminal=color, highlight=False, markup=False
    )
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def _plain(columns: Sequence[Column], rows: Sequence[Any], room: int, *, title: bool) -> list[str]:
    texts = [[escape(column.text(row)) for column in columns] for row in rows]
    lines = [[column.title for column in columns], *texts] if title else texts
    widths = [max(map(len, each)) for each in zip(*lines, strict=True)] if lines else []
    made = []
    for line in lines:
        cells = [
            cell.rjust(wide) if column.right else cell.ljust(wide)
            for cell, wide, column in zip(line, widths, columns, strict=True)
        ]
        made.append("  ".join(cells).rstrip()[:room])
    return made
