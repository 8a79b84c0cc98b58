"""Notes on asyncio, example by example, with the work done on a pool: `python notes.py`.

The jobs print where they run, which is a worker process; a second is a tenth of one, unless
`--real-time` is given. It brings a server and a worker along, unless `GATHERQ_REDIS_URL` names a
server, on which `gatherq worker notes` runs then.
"""

import asyncio
import os
import sys
from contextlib import AbstractAsyncContextManager
from functools import partial

import gatherq
from gatherq import Producer, job

SECOND = 1.0 if "--real-time" in sys.argv else 0.1
MAX_TIME_OUT_FOR_TASK = 10

say = partial(print, flush=True)


@job()
async def do_async_work(second: float) -> None:
    """Take two seconds."""
    say("Starting to do async work...")
    await asyncio.sleep(2 * second)
    say("Finished the async work after two seconds")


@job()
async def do_some_io_task(about: str, duration: float) -> None:
    """Take a while."""
    say(f"Started to perform the task: {about}")
    await asyncio.sleep(duration)
    say(f"Finished the task: {about}")


@job()
async def do_chop_work(vegetable: str, duration: float) -> str:
    """Chop one vegetable."""
    say(f"starting to cut {vegetable}")
    await asyncio.sleep(duration)
    return f"finished chopping {vegetable}"


CHOP_LIST = [("brinjal", 2), ("carrot", 3), ("onion", 12), ("tomato", 5)]


async def coroutine(producer: Producer) -> None:
    """`await do_async_work()`."""
    await (await producer.submit_one(do_async_work.call(SECOND)))


async def tasks(producer: Producer) -> None:
    """`asyncio.create_task`: two side by side, and a third after them."""
    work = do_some_io_task.call
    task1 = await producer.submit_one(work("fecth water from well", 5 * SECOND))
    task2 = await producer.submit_one(work("get vegitables from the market", 2 * SECOND))
    await task1
    await task2
    task3 = await producer.submit_one(work("select a nice movie to watch", 7 * SECOND))
    await task3


async def gather(producer: Producer) -> None:
    """`asyncio.gather`: values in order, whatever ended first."""
    chopping = [do_chop_work.call(name, seconds * SECOND) for name, seconds in CHOP_LIST]
    results = await producer.gather(*chopping)
    say("\n".join(results))


async def wait_for(producer: Producer) -> None:
    """`asyncio.wait_for` around each: one is too late, the others finish their work."""
    chopping = [
        do_chop_work.call(name, seconds * SECOND).with_timeout(MAX_TIME_OUT_FOR_TASK * SECOND)
        for name, seconds in CHOP_LIST
    ]
    results = await producer.gather(*chopping, return_exceptions=True)
    for (name, _), result in zip(CHOP_LIST, results, strict=True):
        if isinstance(result, TimeoutError):
            say(f"Task {name} was timeout because it ran too long.")
        elif isinstance(result, asyncio.CancelledError):
            say(f"Task {name} was cancelled because it ran too long.")
        elif isinstance(result, Exception):
            say(f"Task {name} raised an exception: {result}")
        else:
            say(f"Task {name} result: {result}")


def pool() -> AbstractAsyncContextManager[Producer]:
    """Make the producer: of the server that is named, or with a server and a worker of its own."""
    # One process: what its jobs print stands in the order in which they begin.
    return Producer() if "GATHERQ_REDIS_URL" in os.environ else gatherq.local()


async def main() -> None:
    """Run the examples in their order."""
    async with pool() as producer:
        for example in (coroutine, tasks, gather, wait_for):
            await example(producer)
            say()


if __name__ == "__main__":
    asyncio.run(main())
