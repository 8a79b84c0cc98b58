"""When a page is to look again, and whether Redis is there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Literal, NamedTuple, TypeAlias

from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.progress.batch_progress import BatchProgress

#: `changed`: look again. `away`, and `back`: whether Redis answers. `gone`: there is nothing more.
SignalName: TypeAlias = Literal["changed", "away", "back", "gone"]
#: Seconds between two looks at what changes all the time.
_TICK = 2.0
#: Least seconds between two looks at a batch.
_PAUSE = 0.5


class Signal(NamedTuple):
    """One event of a stream."""

    name: SignalName
    said: str = ""


async def of_queue(inspector: Inspector) -> AsyncIterator[Signal]:
    """Yield a signal every two seconds, without end; while Redis is away, that it is."""
    away = ""
    while True:
        await asyncio.sleep(_TICK)
        try:
            await inspector.now()
        except RedisUnavailable as error:
            if str(error) != away:
                away = str(error)
                yield Signal("away", away)
            continue
        if away:
            away = ""
            yield Signal("back")
        yield Signal("changed")


async def of_batch(inspector: Inspector, batch: str) -> AsyncIterator[Signal]:
    """Yield a signal whenever a batch changes, or each second; later, once it runs again.

    It goes on as long as there is such a batch.
    """
    try:
        while True:
            away, generation = False, 0
            async for progress in inspector.watch(batch):
                for signal in _of_progress(progress, away=away):
                    yield signal
                away, generation = bool(progress.away), progress.batch.generation
                await asyncio.sleep(_PAUSE)
            async for signal in _until_redriven(inspector, batch, generation):
                yield signal
    except BatchNotFound as error:
        yield Signal("gone", str(error))
    except RedisUnavailable as error:
        yield Signal("away", str(error))
        await asyncio.sleep(_TICK)  # a browser asks again at once


def _of_progress(progress: BatchProgress, *, away: bool) -> Iterator[Signal]:
    if progress.away:
        yield Signal("away", "Redis does not answer: what is shown is of earlier.")
        return
    if away:
        yield Signal("back")
    yield Signal("changed")


async def _until_redriven(
    inspector: Inspector, batch: str, generation: int
) -> AsyncIterator[Signal]:
    """Look at a batch that has ended, until it is of another generation; raises BatchNotFound."""
    away = False
    while True:
        await asyncio.sleep(_TICK)
        try:
            found = await inspector.batch(batch)
        except RedisUnavailable as error:
            if not away:
                yield Signal("away", str(error))
            away = True
            continue
        if away:
            yield Signal("back")
        away = False
        if found.left or found.generation != generation:
            return
