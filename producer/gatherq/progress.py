"""A live bar for a batch: `async with progress(batch): ...`. Needs `gatherq[progress]` (rich)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from .extras import missing_extra

try:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
except ModuleNotFoundError:
    raise missing_extra("progress", "gatherq.progress") from None

from .aio import start_task
from .client.batch import Batch, job_names
from .errors import GatherqError
from .escape import escape
from .store.batches import Counts

logger: logging.Logger = logging.getLogger("gatherq")

#: Seconds between two looks at the batch's counts, and longest duration of the last one.
_REFRESH = 0.1
_LAST = 1.0
#: Most names of jobs that the bar shows, and most characters of each.
_NAMES, _NAME = 3, 24


@asynccontextmanager
async def progress(batch: Batch[Any], *, console: Console | None = None) -> AsyncIterator[None]:
    """Show on standard error how the batch stands, until the block is left.

        from gatherq.progress import progress

        async with progress(batch):
            outcomes = await batch.outcomes()

    Above the bar: which jobs they are (`chop 4, weigh 1`). In it: done, by status, running, rate
    and time remaining; one HMGET a tenth of a second, whatever the size of the batch. While Redis
    is away or refuses it, the bar stands still.
    """
    bar = Progress(
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn("{task.fields[standing]}"),
        TimeRemainingColumn(compact=True),
        console=console or Console(stderr=True),
    )
    with bar:
        bar.console.print(_description(batch), markup=False, highlight=False)
        task = bar.add_task("", total=len(batch), standing="")

        async def look() -> None:
            counts = await batch.counts()
            rate = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0.0
            bar.update(task, completed=counts.finished, standing=_standing(counts, rate))

        watching = start_task(_watch(look))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        with suppress(GatherqError, TimeoutError):
            async with asyncio.timeout(_LAST):
                await look()


async def _watch(look: Callable[[], Awaitable[None]]) -> None:
    logged = ""
    while True:
        try:
            await look()
            logged = ""
        except GatherqError as error:
            if logged != str(error):
                logged = str(error)
                logger.warning("the bar stands still: %s", logged)
        await asyncio.sleep(_REFRESH)


def _description(batch: Batch[Any]) -> str:
    """Say how many jobs of which name there are, or which batch it is."""
    counts = job_names(batch)
    shown = [f"{_cut(name)} {count}" for name, count in [*counts.items()][:_NAMES]]
    more = [f"{len(counts) - _NAMES} more"] if len(counts) > _NAMES else []
    return ", ".join(shown + more) or f"batch {batch.id}"


def _cut(name: str) -> str:
    return escape(name if len(name) <= _NAME else f"{name[: _NAME - 3]}...")


def _standing(counts: Counts, rate: float) -> str:
    parts = [
        ("ok", counts.succeeded),
        ("failed", counts.failed),
        ("timed out", counts.timed_out),
        ("cancelled", counts.cancelled),
        ("lost", counts.lost),
        ("running", counts.running),
    ]
    counted = ", ".join(f"{count} {name}" for name, count in parts if count or name == "ok")
    return f"{counted}, {rate:,.0f}/s"
