"""A live bar for a batch: `async with progress(batch): ...`.

On a terminal it needs `gatherq[progress]` (rich); in a notebook, nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from .bars.notebook_bar import NotebookBar, in_notebook
from .extras import check_extra

if not in_notebook():
    check_extra("progress", "gatherq.progress")

from .aio import start_task
from .bars.bar import Bar, description
from .client.batch import Batch, job_names
from .errors import GatherqError

if TYPE_CHECKING:
    from rich.console import Console

logger: logging.Logger = logging.getLogger("gatherq")

#: Seconds between two looks at the batch's counts, and longest duration of the last one.
_REFRESH = 0.1
_LAST = 1.0


@asynccontextmanager
async def progress(batch: Batch[Any], *, console: "Console | None" = None) -> AsyncIterator[None]:
    """Show on standard error, or in the notebook, how the batch stands, until the block is left.

        from gatherq.progress import progress

        async with progress(batch):
            outcomes = await batch.outcomes()

    Above the bar: which jobs they are (`chop 4, weigh 1`). In it: done, by status, running, rate
    and time remaining; one HMGET a tenth of a second, whatever the size of the batch. While Redis
    is away or refuses it, the bar stands still. A notebook shows plain HTML, which it stores;
    `console` has it drawn by rich there too.
    """
    with _bar(batch, console) as bar:

        async def look() -> None:
            bar.show(await batch.counts())

        watching = start_task(_watch(look))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        with suppress(GatherqError, TimeoutError):
            async with asyncio.timeout(_LAST):
                await look()


def _bar(batch: Batch[Any], console: "Console | None") -> Bar:
    title = description(job_names(batch), batch.id)
    if console is None and in_notebook():
        return NotebookBar(title, len(batch))
    from .bars.terminal_bar import TerminalBar

    return TerminalBar(title, len(batch), console)


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
