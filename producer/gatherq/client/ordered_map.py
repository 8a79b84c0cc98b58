"""`Producer.map`: a stream of outcomes, in order, with back-pressure, for input of any length."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gatherq.aio import start_task
from gatherq.contract.jobs import Call
from gatherq.contract.outcomes import Outcome
from gatherq.telemetry.producer_spans import Waiting

from .submit_buffer import SubmitBuffer

if TYPE_CHECKING:
    from .handle import Handle


async def map_calls(
    buffer: SubmitBuffer,
    calls: AsyncGenerator[Call[Any], None],
    window: int,
    ordered: bool,
    waiting: Waiting,
    max_at_once: int | None = None,
) -> AsyncGenerator[Outcome[Any], None]:
    """Yield the outcomes of `calls`; at most `window` are taken from it and not yielded.

    Of those, at most `max_at_once` are submitted and have not ended.
    """
    room = asyncio.Semaphore(window)
    at_work = asyncio.Semaphore(max_at_once or window)
    ready: asyncio.Queue[Handle[Any] | None] = asyncio.Queue()
    pending: dict[Handle[Any], int] = {}

    async def submit_all() -> None:
        index = 0
        async with aclosing(calls):
            await room.acquire()
            async for each in calls:
                await at_work.acquire()
                handle = buffer.add(each)
                handle.add_done_callback(lambda _: at_work.release())
                pending[handle] = index
                if ordered:
                    ready.put_nowait(handle)
                else:
                    handle.add_done_callback(ready.put_nowait)
                index += 1
                await room.acquire()

    with waiting:
        submission = start_task(submit_all())
        submission.add_done_callback(lambda _: ready.put_nowait(None))
        try:
            while pending or not submission.done():
                handle = await ready.get()
                if handle is not None:
                    outcome = await handle.outcome()
                    yield outcome.model_copy(update={"slot": pending.pop(handle)})
                    room.release()
            submission.result()  # raises an error of the input, after the outcomes before it
        finally:
            submission.cancel()
            for handle in pending:
                handle.cancel()
            await asyncio.wait([submission, *pending])


async def calls_of(
    make: Callable[[Any], Call[Any]], items: Iterable[Any] | AsyncIterable[Any]
) -> AsyncGenerator[Call[Any], None]:
    """Make a call of each item, as late as can be; `items` may be asynchronous."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield make(item)
    else:
        for item in items:
            yield make(item)
