"""The parts of the page that need no script, as HTML: texts of others are escaped in each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape as html
from importlib.metadata import version
from math import isnan

from gatherq.escape import escape
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration

from .batch_report import BatchReport
from .error_groups import SlotGroup
from .run_times import RunTimes

#: Most names of jobs in the head.
_NAMED = 4


def parts_of(report: BatchReport) -> dict[str, str]:
    """Return the parts by their names in `report.html`."""
    batch = report.batch
    return {
        "title": text(batch.label or batch.id),
        "state": text(batch.state),
        "about": " · ".join(map(text, _about(report))),
        "notes": "".join(f"<p class=note>{text(note)}</p>" for note in _notes(report)),
        "bar": _bar(counts_of(report)),
        "counts": "".join(_count(*each) for each in counts_of(report)),
        "groups": _groups(batch, report.groups),
        "jobs": _jobs(report.run_times),
        "made": text(f"made by gatherq {version('gatherq')} at {_time(report.made)}"),
    }


def text(said: str) -> str:
    """Return a text for HTML, its control characters as in a Python string."""
    return html(escape(said))


def counts_of(report: BatchReport) -> list[tuple[str, int]]:
    """Return how many slots have each status, without those that none has."""
    numbers = Counter(report.columns.status)
    names = report.columns.statuses.items()
    return [(name, numbers[number]) for name, number in names if numbers[number]]


def _about(report: BatchReport) -> Iterable[str]:
    batch = report.batch
    if batch.label:
        yield batch.id
    yield f"{len(report.columns):,} slots"
    if names := _names(report.run_times):
        yield names
    if batch.created:
        yield f"submitted {_time(batch.created)}" + (f" by {batch.by}" if batch.by else "")
    if not batch.left:
        yield f"took {show_duration(report.span / 1000)}"
    workers = len(report.columns.workers)
    yield f"{workers:,} worker{'' if workers == 1 else 's'}"


def _names(jobs: Sequence[RunTimes]) -> str:
    shown = [f"{each.job} {each.slots:,}" for each in jobs[:_NAMED]]
    return ", ".join(shown + ([f"{len(jobs) - _NAMED} more"] if len(jobs) > _NAMED else []))


def _notes(report: BatchReport) -> Iterable[str]:
    batch = report.batch
    if batch.left:
        since = show_duration(report.span / 1000)
        left = f"{batch.left:,} of {batch.size:,} slots have no outcome yet"
        yield f"Not finished: {left}, {since} after the submission."
    if batch.generation:
        times = "once" if batch.generation == 1 else f"{batch.generation} times"
        yield f"Redriven {times}: times are those of each slot's last run."
    if report.redacted:
        yield "Arguments, values and texts of errors were left out."


def _bar(counts: Sequence[tuple[str, int]]) -> str:
    """Return a bar as SVG: the policy of the page allows no widths in style attributes."""
    total, at, parts = sum(number for _, number in counts) or 1, 0.0, []
    for name, number in counts:
        wide = 1000 * number / total
        parts.append(f'<rect class="{name}" x="{at:.2f}" width="{wide:.2f}" height="10"/>')
        at += wide
    return "".join(parts)


def _count(name: str, number: int) -> str:
    words = name.replace("_", " ")
    return (
        f'<button type=button class=count data-status="{name}" aria-pressed=false>'
        f'<i class="mark {name}"></i>{words}<b>{number:,}</b></button>'
    )


def _groups(batch: BatchInfo, groups: Sequence[SlotGroup]) -> str:
    order = sorted(enumerate(groups), key=lambda each: -each[1].count)
    return "".join(_group(batch, number, group) for number, group in order)


def _group(batch: BatchInfo, number: int, group: SlotGroup) -> str:
    slots = ", ".join(map(str, group.slots)) + (" …" if group.count > len(group.slots) else "")
    share = f"{100 * group.count / max(batch.size, 1):.1f}"
    return (
        f'<tr><td><button type=button class=group data-group="{number}" aria-pressed=false>'
        f'<i class="mark {text(group.status)}"></i>{text(group.signature)}</button></td>'
        f"<td class=number>{group.count:,}</td><td class=number>{share} %</td>"
        f"<td class=what>{text(group.text)}</td><td class=where>{text(group.where)}</td>"
        f"<td>{slots}</td></tr>"
    )


def _jobs(jobs: Sequence[RunTimes]) -> str:
    return "".join(
        f"<tr><td class=what>{text(each.job)}</td><td class=number>{each.slots:,}</td>"
        + "".join(
            f"<td class=number>{_duration(ms)}</td>"
            for ms in (each.p50, each.p95, each.p99, each.longest, each.wait)
        )
        + f"<td class=number>{each.retries:,}</td></tr>"
        for each in jobs
    )


def _duration(ms: float) -> str:
    return "-" if isnan(ms) else text(show_duration(ms / 1000))


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
