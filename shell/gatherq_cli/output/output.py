"""What a command prints to, and how: decided once, by its options and by where it goes."""

import json
import os
import sys
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from io import TextIOWrapper
from typing import Any

import click

from gatherq.escape import escape

from .prose import wrapped
from .styled import Line, colored, fitted, plain
from .table import Column, aligned, tab_separated, width

#: Rows that are aligned together: a longer table is printed in parts, as it comes.
_PART = 200
#: Terminals, by TERM, that move no cursor and have no colors: rich takes the same for those.
_DUMB = ("dumb", "unknown")
#: Columns of a name before what belongs to it.
_NAME = 11


class Output:
    """Prints rows and lines to standard output."""

    def __init__(self, kind: str = "", *, color: bool = True) -> None:
        #: "json", "jsonl", or empty for people.
        self.kind: str = kind
        self.terminal: bool = sys.stdout.isatty()
        if isinstance(sys.stdout, TextIOWrapper):  # a character that it cannot write ends nothing
            sys.stdout.reconfigure(errors="backslashreplace")
        #: Whether what is shown can be drawn anew: not on a terminal that only takes lines.
        self.redraws: bool = self.terminal and os.environ.get("TERM") not in _DUMB
        self.color: bool = self.redraws and color and not os.environ.get("NO_COLOR")

    @property
    def unicode(self) -> bool:
        """Whether signs beyond ASCII can be shown."""
        return (sys.stdout.encoding or "").lower().startswith("utf")

    @property
    def is_json(self) -> bool:
        """Whether programs read it."""
        return bool(self.kind)

    def shows(self, text: str) -> bool:
        """Tell whether standard output can show these characters."""
        try:
            text.encode(sys.stdout.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def line(self, text: str = "") -> None:
        """Print a line for people; nothing where programs read."""
        if not self.is_json:
            click.echo(escape(text))

    def prose(self, text: str) -> None:
        """Print what is said to people: on a terminal wrapped, and commands kept whole."""
        for line in wrapped(escape(text), width()) if self.terminal else [escape(text)]:
            self.line(line)

    def parts(self, line: Line, *, fit: bool = True) -> None:
        """Print a line with styles for people, cut on a terminal to its width."""
        if self.is_json:
            return
        shown = fitted(line, width()) if self.terminal and fit else line
        click.echo(colored(shown) if self.color else plain(shown), color=self.color)

    def details(self, rows: Iterable[tuple[str, Line]], *, fit: bool = True) -> None:
        """Print names and what belongs to them: aligned on a terminal, else with a tab between."""
        for name, line in rows:
            if self.terminal:
                self.parts([f"{name:<{_NAME}}", *line], fit=fit)
            elif not self.is_json:
                click.echo(f"{name}\t{plain(line).strip()}")

    def record(self, record: Any) -> None:
        """Print one object, where programs read."""
        if self.is_json:
            click.echo(_json(record, indent=2 if self.kind == "json" else None))

    def value(self, value: Any) -> None:
        """Print one value as a line of JSON, whoever reads."""
        click.echo(_json(value))

    def error(self, record: Any) -> None:
        """Print an error as JSON to standard error."""
        click.echo(_json(record), err=True)

    async def rows(
        self,
        rows: AsyncIterable[Any] | Iterable[Any],
        columns: Sequence[Column],
        record: Callable[[Any], Any],
    ) -> int:
        """Print each row as it comes, by `columns` for people and by `record` for programs.

        Returns how many they were.
        """
        source = rows if isinstance(rows, AsyncIterable) else _as_async(rows)
        if self.kind == "json":
            return await self._document(source, record)
        if self.kind == "jsonl" or not self.terminal:
            count = 0
            async for row in source:
                click.echo(_json(record(row)) if self.kind else tab_separated(columns, row))
                count += 1
            return count
        return await self._table(source, columns)

    async def _document(self, rows: AsyncIterable[Any], record: Callable[[Any], Any]) -> int:
        count = 0
        async for row in rows:
            click.echo(("[\n" if not count else ",\n") + _json(record(row)), nl=False)
            count += 1
        click.echo("\n]" if count else "[]")
        return count

    async def _table(self, rows: AsyncIterable[Any], columns: Sequence[Column]) -> int:
        count, part = 0, []
        async for row in rows:
            part.append(row)
            count += 1
            if len(part) == _PART:
                self._part(columns, part, first=count == _PART)
                part = []
        if part or not count:
            self._part(columns, part, first=count <= _PART)
        return count

    def _part(self, columns: Sequence[Column], rows: Sequence[Any], *, first: bool) -> None:
        if rows:
            for line in aligned(columns, rows, title=first, color=self.color):
                click.echo(line, color=self.color)


async def _as_async(rows: Iterable[Any]) -> AsyncIterable[Any]:
    for row in rows:
        yield row


def _json(value: Any, indent: int | None = None) -> str:
    """Return JSON in ASCII: no character of it can steer a terminal."""
    return json.dumps(value, indent=indent, default=str)
