"""When a page is to look again, and whether Redis is there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple, TypeAlias

from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.inspection.inspector import Inspector

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
    """Yield a signal whenever a batch changes, or each second, until it has ended."""
    away = False
    try:
        async for progress in inspector.watch(batch):
            if progress.away:
                yield Signal("away", "Redis does not answer: what is shown is of earlier.")
            elif away:
                yield Signal("back")
            away = bool(progress.away)
            if not away:
                yield Signal("changed")
            await asyncio.sleep(_PAUSE)
    except BatchNotFound as error:
        yield Signal("gone", str(error))
    except RedisUnavailable as error:
        yield Signal("away", str(error))
