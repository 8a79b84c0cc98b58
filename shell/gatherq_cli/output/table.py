"""Tables: aligned on a terminal, by rich where it is installed; tab-separated anywhere else."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gatherq.escape import escape

#: Columns between two columns of a table, and the least that a flexible one is made to.
_GAP, _LEAST = 2, 8


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
    #: The text where it is not for a terminal, in full; None where `text` is that.
    full: Callable[[Any], str] | None = None


def tab_separated(columns: Sequence[Column], row: Any) -> str:
    """Return a row as a line: full texts, without color."""
    return "\t".join(escape((column.full or column.text)(row)) for column in columns)


def width() -> int:
    """Return the columns of the terminal."""
    return shutil.get_terminal_size((80, 24)).columns


def aligned(
    columns: Sequence[Column], rows: Sequence[Any], *, title: bool, color: bool
) -> list[str]:
    """Return the lines of a table for a terminal."""
    room = width()
    shown = [column for column in columns if room >= column.least_width]
    texts = [[escape(column.text(row)) for column in shown] for row in rows]
    widths = _widths(shown, texts, room, title=title)
    try:
        return _by_rich(shown, rows, texts, widths, title=title, color=color)
    except ImportError:
        return _plain(shown, texts, widths, title=title)


def _widths(
    columns: Sequence[Column], texts: Sequence[Sequence[str]], room: int, *, title: bool
) -> list[int]:
    """Return how wide each column is: where there is too little room, flexible ones give way."""
    titles = [column.title if title else "" for column in columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *texts, strict=True)]
    least = [min(_LEAST, wide) for wide in widths]
    while sum(widths) + _GAP * (len(widths) - 1) > room:
        flexible = [n for n, column in enumerate(columns) if column.flexible]
        giving = [n for n in flexible if widths[n] > least[n]]
        if not giving:
            break
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def _by_rich(
    columns: Sequence[Column],
    rows: Sequence[Any],
    texts: Sequence[Sequence[str]],
    widths: Sequence[int],
    *,
    title: bool,
    color: bool,
) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), show_header=title, pad_edge=False)
    for column, wide in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(
            column.title, justify=justify, no_wrap=True, overflow="ellipsis", width=wide
        )
    for row, cells in zip(rows, texts, strict=True):
        styled = zip(cells, columns, strict=True)
        table.add_row(*(Text(cell, style=column.style(row)) for cell, column in styled))
    room = sum(widths) + _GAP * len(widths)
    console = Console(
        width=room, no_color=not color, force_terminal=color, highlight=False, markup=False
    )
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def _plain(
    columns: Sequence[Column],
    texts: Sequence[Sequence[str]],
    widths: Sequence[int],
    *,
    title: bool,
) -> list[str]:
    titles = [column.title for column in columns]
    made = []
    for line in [titles, *texts] if title else texts:
        cells = [
            cell[:wide].rjust(wide) if column.right else cell[:wide].ljust(wide)
            for cell, wide, column in zip(line, widths, columns, strict=True)
        ]
        made.append((" " * _GAP).join(cells).rstrip())
    return made
