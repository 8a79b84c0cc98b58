"""Follows a batch: redrawn on a terminal, a line each few seconds anywhere else."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from gatherq.escape import escape
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import Record, progress_record
from gatherq.inspection.progress.batch_progress import BatchProgress
from gatherq_cli.common import exits
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styled import fitted, plain
from gatherq_cli.output.table import width

from . import watch_view

if TYPE_CHECKING:
    from rich.text import Text

#: Seconds between two lines.
_EVERY = 5.0
Show: TypeAlias = Callable[[BatchProgress], None]


async def follow(server: Server, output: Output, reference: str, timeout: float | None) -> int:
    """Show a batch until it has ended; raises TimeoutError. Returns the exit code."""
    async with server.inspector() as inspector:
        batch = await inspector.batch(reference)
        try:
            with _shown(output) as show:
                async with asyncio.timeout(timeout):
                    return await _until_ended(inspector, batch.id, show)
        except TimeoutError:
            left = (await inspector.batch(batch.id)).left
            raise TimeoutError(
                f"batch {batch.id} has not ended: {left:,} of {batch.size:,} are left; it goes on"
            ) from None


async def _until_ended(inspector: Inspector, id_: str, show: Show) -> int:
    succeeded = False
    async for progress in inspector.watch(id_):
        show(progress)
        succeeded = progress.batch.state in ("succeeded", "ended")
    return 0 if succeeded else exits.UNSUCCESSFUL


@contextmanager
def _shown(output: Output) -> Iterator[Show]:
    """Give what shows the progress, in the way that suits who reads."""
    if output.kind == "jsonl":
        yield _Records(output)
    elif not output.redraws:
        yield _Lines(output)
    else:
        try:
            from rich.live import Live
        except ImportError:
            yield _Lines(output)
            return
        from rich.console import Console

        console = Console(no_color=not output.color, highlight=False)
        ascii_only = not output.shows("▁█")
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

            def draw(progress: BatchProgress) -> None:
                live.update(_drawn(progress, ascii_only=ascii_only), refresh=True)

            yield draw


def _drawn(progress: BatchProgress, *, ascii_only: bool) -> "Text":
    """Return what rich draws: lines that end where the terminal does."""
    from rich.text import Text

    room = width()
    lines = [
        [
            (escape(p), "") if isinstance(p, str) else (escape(p[0]), p[1])
            for p in fitted(line, room)
        ]
        for line in watch_view.lines(progress, room, ascii_only=ascii_only)
    ]
    return Text("\n", no_wrap=True).join(Text.assemble(*line) for line in lines)


class _Records:
    """Prints a record for each change."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last: Record | None = None

    def __call__(self, progress: BatchProgress) -> None:
        record = progress_record(progress)
        steady = {name: value for name, value in record.items() if name not in _UNSTEADY}
        if steady != self._last:
            self._output.record(record)
            self._last = steady


class _Lines:
    """Prints a line at the beginning, each few seconds, and at the end."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._due = 0.0
        self._away = False

    def __call__(self, progress: BatchProgress) -> None:
        now = asyncio.get_running_loop().time()
        news = progress.ended or (progress.away is not None) is not self._away
        if now >= self._due or news:
            self._output.line(plain(watch_view.line(progress)))
            self._due, self._away = now + _EVERY, progress.away is not None


#: What changes with the time alone.
_UNSTEADY = ("rate", "remaining", "expires", "leased")
