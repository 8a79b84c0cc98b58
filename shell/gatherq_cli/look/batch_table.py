"""Batches as rows."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gatherq.inspection.durations import show_duration
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import Record, batch_record
from gatherq.inspection.progress.listed_batch import ListedBatch
from gatherq.inspection.words.amounts import show_age, show_rate
from gatherq.inspection.words.standing import jobs_in_words
from gatherq_cli.common.options import Server
from gatherq_cli.output.bars import bar
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column

_BAR = 8
#: How many that are stuck are named.
_NAMED = 3


async def list_batches(
    server: Server,
    output: Output,
    filters: Sequence[str],
    *,
    limit: int | None,
    since: float | None,
) -> None:
    """Print the batches of the queue, at most `limit`, of the last `since` seconds."""
    async with server.inspector() as inspector:
        rows = await _rows(inspector, filters, limit, since)
        count = await output.rows(rows, _columns(output), _record)
        if output.terminal and not output.is_json:
            await _say_more(inspector, output, rows, count, filtered=bool(filters or since))


async def _rows(
    inspector: Inspector, filters: Sequence[str], limit: int | None, since: float | None
) -> list[ListedBatch]:
    now = datetime.fromtimestamp(await inspector.now() / 1000, UTC)
    batches = await inspector.batches(*filters, limit=limit, since=since)
    rates = await inspector.rates(batches)
    return [ListedBatch(batch, rates.get(batch.id), now) for batch in batches]


async def _say_more(
    inspector: Inspector, output: Output, rows: Sequence[ListedBatch], count: int, *, filtered: bool
) -> None:
    listed = await inspector.listed()
    if not count:
        output.prose("no batches" + (" that match" if filtered else f" on {inspector.queue}"))
    elif count < listed and not filtered:
        output.prose(f"{count:,} of {listed:,} batches; --all, --since 1d, state:running")
    for row in [row for row in rows if row.stuck][:_NAMED]:
        output.prose(f"nothing of it runs: gatherq explain {shlex.quote(row.batch.id)}")


def _record(row: ListedBatch) -> Record:
    return batch_record(row.batch) | {"rate": row.rate, "remaining": row.remaining}


def _columns(output: Output) -> list[Column]:
    ascii_only = not output.shows("█")

    def filled(row: ListedBatch) -> str:
        share = row.batch.finished / row.batch.size if row.batch.size else 1.0
        return bar(share, _BAR, ascii_only=ascii_only)

    return [
        Column("BATCH", lambda row: row.batch.id, flexible=True),
        Column("STATE", lambda row: row.batch.state, style=_style),
        *([Column("", filled, style=_style, least_width=80)] if output.terminal else []),
        Column("DONE", lambda row: f"{row.batch.finished:,}/{row.batch.size:,}", right=True),
        Column("BAD", lambda row: f"{row.batch.bad:,}", right=True, style=_bad),
        Column("RATE", _rate, right=True, least_width=90),
        Column("AGE", lambda row: show_age(row.batch.created, row.now), right=True, least_width=50),
        Column("LEFT/TOOK", _time, right=True, least_width=60),
        Column("JOBS", lambda row: _jobs(row.batch.names), flexible=True, least_width=80),
        Column("LABEL", lambda row: row.batch.label, flexible=True, least_width=110),
    ]


def _style(row: ListedBatch) -> str:
    return style_of(row.batch.state)


def _bad(row: ListedBatch) -> str:
    return style_of("failed") if row.batch.bad else ""


def _rate(row: ListedBatch) -> str:
    return show_rate(row.rate)


def _time(row: ListedBatch) -> str:
    """Return how long it still takes, or how long it took."""
    if row.batch.left:
        return "stuck?" if row.stuck else _left(row.remaining)
    return show_age(row.batch.created, row.batch.ended) if row.batch.ended else "-"


def _left(seconds: float | None) -> str:
    return "-" if seconds is None else f"~{show_duration(seconds)}"


def _jobs(names: Mapping[str, int]) -> str:
    return next(iter(names), "") if len(names) == 1 else jobs_in_words(names)
