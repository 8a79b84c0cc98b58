"""Findings as lines."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from gatherq.escape import escape
from gatherq.inspection.checks.finding import Finding
from gatherq_cli.common.exits import UNSUCCESSFUL
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.prose import wrapped
from gatherq_cli.output.table import Column, width

#: The mark of each level, the same in ASCII, and its color.
_MARKS = {
    "ok": ("✓", "+", "green"),
    "warning": ("!", "!", "yellow"),
    "problem": ("✗", "x", "red"),
    "unchecked": ("?", "?", "cyan"),
}
#: Columns of a terminal from which the texts of findings stand in a column of their own.
_WIDE = 60
_COLUMNS: list[Column] = [
    Column("LEVEL", lambda finding: finding.level),
    Column("CODE", lambda finding: finding.code),
    Column("FOUND", lambda finding: finding.text),
    Column("TO DO", lambda finding: finding.hint),
]


async def show_findings(server: Server, output: Output, *, scan: bool) -> int:
    """Print all findings; returns an exit code."""
    async with server.inspector() as inspector:
        found = await inspector.check(scan=scan)
    if output.terminal and not output.is_json:
        for finding in found:
            for line in _lines(finding, output):
                click.echo(line, color=output.color)
        output.line(_summary(found))
    else:
        await output.rows(found, _COLUMNS, asdict)
    return UNSUCCESSFUL if any(finding.level == "problem" for finding in found) else 0


def _lines(finding: Finding, output: Output) -> list[str]:
    mark, plain, color = _MARKS[finding.level]
    sign = mark if output.shows(mark) else plain
    arrow = "→" if output.shows("→") else "->"
    hint = f" {arrow} {finding.hint}" if finding.hint else ""
    wide = width() >= _WIDE
    head = f"{sign} {finding.code:<{12 if wide else 0}} "
    indent = " " * (len(head) if wide else 2)
    first, *others = wrapped(escape(finding.text + hint), width(), head=head, indent=indent)
    return [click.style(sign, fg=color, bold=True) + first.removeprefix(sign), *others]


def _summary(found: Sequence[Finding]) -> str:
    counts = {
        level: sum(finding.level == level for finding in found) for level in ("problem", "warning")
    }
    said = [f"{n} {level}{'s' * (n > 1)}" for level, n in counts.items() if n]
    return ", ".join(said) or "all is well"
