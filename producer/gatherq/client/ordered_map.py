"""`Producer.map`: a stream of outcomes, in order, with back-pressure, for input of any length."""

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


async def map_calls(
    buffer: SubmitBuffer, calls: AsyncGenerator[Call[Any], None], window: int, ordered: bool
) -> AsyncGenerator[Outcome[Any], None]:
    """Yield the outcomes of `calls`; at most `window` are taken from it and not yielded."""
    room = asyncio.Semaphore(window)
    ready: asyncio.Queue[Handle[Any] | None] = asyncio.Queue()
    pending: dict[Handle[Any], int] = {}

    async def submit_all() -> None:
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

    submission = start_task(submit_all())
    submission.add_done_callback(lambda _: ready.put_nowait(None))
    try:
        while pending or not submission.done():
            handle = await ready.get()
            if handle is not None:
                outcome = await handle.outcome()
                yield outcome.model_copy(update={"slot": pending.pop(handle)})
                room.release()
        submission.result()  # raises an error of the input, after the outcomes of all before it
    finally:
        submission.cancel()
        for handle in pending:
            handle.cancel()
        await asyncio.wait([submission, *pending])


async def calls_of(
    job: Any, items: Iterable[Any] | AsyncIterable[Any]
) -> AsyncGenerator[Call[Any], None]:
    """Make a call of each item, as late as can be; `items` may be asynchronous.

    Raises InvalidCall if `job` is no job, job's name or function that makes a call.
    """
    make = _call_maker(job)
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield make(item)
    else:
        for item in items:
            yield make(item)


def _call_maker(job: Any) -> Callable[[Any], Call[Any]]:
    """Return the function that makes a call of an item."""
    if isinstance(job, str):
        return partial(call, job)
    if not callable(job):
        raise InvalidCall(f"map needs a job, a job's name or a function, not {job!r}")
    make: Callable[[Any], Call[Any]] = getattr(job, "call", job)
    return make
