"""A timeline as lines of text."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from gatherq.escape import escape
from gatherq.inspection.durations import show_duration
from gatherq.inspection.report.batch_report import BatchReport
from gatherq.inspection.report.completions import means
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.table import width

#: Marks from little to much; the second ones for terminals that have no other characters.
_MARKS, _PLAIN_MARKS = "▁▂▃▄▅▆▇█", "_.-:=+*#"
#: Columns of a name, and of the number behind a line.
_NAME, _NUMBER = 24, 6
_BAD = {"failed", "timed_out", "lost"}


async def print_timeline(server: Server, output: Output, target: str) -> None:
    """Print the timeline of a batch, in as many columns as the terminal has."""
    async with server.inspector() as inspector:
        found = await inspector.report(target, redact=True)
    output.record(record_of(found))
    for line in timeline_lines(found, width(), unicode=output.unicode):
        output.line(line)


def timeline_lines(report: BatchReport, room: int, *, unicode: bool = True) -> Iterator[str]:
    """Yield the lines: bad slots in order, the load of each worker over time, and the axis."""
    marks = _MARKS if unicode else _PLAIN_MARKS
    name = min(_NAME, max(room // 4, 8), max(map(len, ("slots", *report.columns.workers))))
    columns = max(room - name - _NUMBER - 3, 8)
    yield from _slots(report, name, columns, marks)
    for worker, load, lanes in loads(report, columns):
        line = marked(load, lanes, marks)
        yield f"{_named(worker, name)} {line} {lanes:>{_NUMBER},}"
    begin, end = "0s", show_duration(report.span / 1000)
    yield f"{'':{name}} {begin}{end:>{columns - len(begin)}} {'most':>{_NUMBER}}"


def record_of(report: BatchReport, columns: int = 60) -> dict[str, Any]:
    """Return the same for programs: how many jobs each worker ran on average, in 60 intervals."""
    return {
        "batch": report.batch.id,
        "span": report.span / 1000,
        "step": report.span / 1000 / columns,
        "workers": [
            {"worker": worker, "most": lanes, "running": load}
            for worker, load, lanes in loads(report, columns)
        ],
    }


def loads(report: BatchReport, columns: int) -> Iterator[tuple[str, list[float], int]]:
    """Yield each worker, how many jobs it ran in each of so many intervals, and its most."""
    workers, step = [*report.columns.workers], report.span / columns
    for worker, spans in groupby(report.lanes.spans, key=lambda span: span.worker):
        times = ((span.start, span.end) for span in spans)
        yield workers[worker], means(times, step, columns), report.lanes.heights[worker]


def marked(values: Sequence[float], most: float, marks: str) -> str:
    """Return a mark for each value, the higher the closer it is to `most`; a space for none."""
    steps = (min(int(value / most * len(marks)), len(marks) - 1) for value in values)
    return "".join(marks[step] if value else " " for step, value in zip(steps, values, strict=True))


def _slots(report: BatchReport, name: int, columns: int, marks: str) -> Iterator[str]:
    """Yield how many slots of each part of the batch did not succeed, if any did not."""
    statuses = report.columns.statuses
    numbers = {number for status, number in statuses.items() if status in _BAD}
    bad = [status in numbers for status in report.columns.status]
    each = -(-len(bad) // columns) or 1
    counts = [sum(bad[at : at + each]) for at in range(0, len(bad), each)]
    if any(bad):
        line = marked(counts, max(counts), marks).replace(" ", "·" if marks == _MARKS else " ")
        yield f"{_named('slots', name)} {line:{columns}} {sum(bad):>{_NUMBER},}"
        yield f"{'':{name}} bad of each {each:,} slot{'' if each == 1 else 's'}"


def _named(text: str, room: int) -> str:
    """Return a name in so many columns; of a long one its end, which tells workers apart."""
    text = escape(text)
    return f"{text if len(text) <= room else f'..{text[2 - room :]}':{room}}"
