"""`Producer.map`: ordered streaming with back-pressure, over input of any kind and length."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from gatherq.aio import start_task
from gatherq.contract.jobs import Call, call
from gatherq.contract.outcomes import Outcome
from gatherq.errors import InvalidCall

from .submit_buffer import SubmitBuffer

if TYPE_CHECKING:
    from .handle import Handle


async def mapped(
    buffer: SubmitBuffer, calls: AsyncGenerator[Call[Any], None], window: int, ordered: bool
) -> AsyncGenerator[Outcome[Any], None]:
    """Yield the outcomes of `calls`; at most `window` are taken from it and not yielded."""
    room = asyncio.Semaphore(window)
    ready: asyncio.Queue[Handle[Any] | None] = asyncio.Queue()
    pending: dict[Handle[Any], int] = {}

    async def fill() -> None:
        index = 0
        async with aclosing(calls):
            await room.acquire()
            async for each in calls:
                handle = buffer.add(each)
                pending[handle] = index
                if ordered:
                    ready.put_nowait(handle)
                else:
                    handle.add_done_callback(ready.put_nowait)
                index += 1
                await room.acquire()

    filling = start_task(fill())
    filling.add_done_callback(lambda _: ready.put_nowait(None))
    try:
        while pending or not filling.done():
            handle = await ready.get()
            if handle is not None:
                outcome = await handle.outcome()
                yield outcome.model_copy(update={"slot": pending.pop(handle)})
                room.release()
        filling.result()  # raises what the input raised, after the outcomes of all before it
    finally:
        filling.cancel()
        for handle in pending:
            handle.cancel()
        await asyncio.wait([filling, *pending])


def _maker(what: Any) -> Callable[[Any], Call[Any]]:
    """Return what makes a call of an item: of a job, a job's name, or a function that does it."""
    if isinstance(what, str):
        return partial(call, what)
    if not callable(what):
        raise InvalidCall(f"map needs a job, a job's name or a function, not {what!r}")
    made: Callable[[Any], Call[Any]] = getattr(what, "call", what)
    return made


async def calls_of(
    what: Any, items: Iterable[Any] | AsyncIterable[Any]
) -> AsyncGenerator[Call[Any], None]:
    """Make a call of each item, of input of either kind, as late as can be."""
    make = _maker(what)
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield make(item)
    else:
        for item in items:
            yield make(item)
