"""Lines of parts, each with a style of its own: escaped, and cut where the terminal ends."""

from collections.abc import Sequence
from typing import TypeAlias

import click

from gatherq.escape import escape

#: A text, or a text and the name of a style of rich's: `red`, `bold red`, `dim`.
Part: TypeAlias = str | tuple[str, str]
Line: TypeAlias = Sequence[Part]

_ATTRIBUTES = ("bold", "dim")
_ELLIPSIS = "..."


def plain(line: Line) -> str:
    """Return the text of a line."""
    return "".join(text for text, _ in _parts(line))


def colored(line: Line) -> str:
    """Return the text of a line with the codes of its colors."""
    return "".join(_colored(text, style) for text, style in _parts(line))


def fitted(line: Line, width: int) -> Line:
    """Return a line that has room in so many columns; one that is cut says so."""
    if len(plain(line)) <= width:
        return line
    made: list[Part] = []
    room = max(width - len(_ELLIPSIS), 0)
    for text, style in _parts(line):
        made.append((text[:room], style))
        room -= len(text[:room])
    return [*made, _ELLIPSIS[:width]]


def _parts(line: Line) -> list[tuple[str, str]]:
    pairs = [(part, "") if isinstance(part, str) else part for part in line]
    return [(escape(text), style) for text, style in pairs]


def _colored(text: str, style: str) -> str:
    words = style.split()
    color = next((word for word in words if word not in _ATTRIBUTES), None)
    if not words or not text:
        return text
    return click.style(text, fg=color, bold="bold" in words or None, dim="dim" in words or None)
