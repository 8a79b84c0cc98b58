"""streaq, as its documentation has it: https://streaq.readthedocs.io (tasks, workers).

`enqueue_many` is what it advises for many tasks. It has no way to collect many: `result()` of each,
which takes some 100 ms and two connections at any load. So 200 are under way, and the pool has 500
connections: of its default, 64 waiters at a time wait for ever.
"""

import asyncio
import os
from datetime import timedelta
from typing import Any

from streaq import Worker

from .adapter import CONCURRENCY, DEFERRED, Adapter, Progress, Workers, at_most, chunks, python

AT_ONCE, CONNECTIONS = 200, 500
QUEUE = "bench"
worker = Worker(
    redis_url=os.environ["BENCH_URL"],
    concurrency=CONCURRENCY,
    queue_name=QUEUE,
    redis_kwargs={"max_connections": CONNECTIONS},
)


@worker.task(silent=True)
async def echo(value: Any) -> Any:
    """Return what came."""
    return value


@worker.task(silent=True)
async def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value


class PeerAdapter(Adapter):
    """It is a worker that does not run."""

    packages = ("streaq", "coredis")
    settings = "concurrency 100, enqueue_many, silent tasks; 200 results at a time, 500 connections"

    async def open(self) -> None:
        """Connect."""
        await worker.__aenter__()

    async def close(self) -> None:
        """Disconnect."""
        await worker.__aexit__(None, None, None)

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which starts the processes."""
        command = python("streaq", "run", "peers.adapters.streaq:worker", "-w", str(processes))
        return Workers([command], CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """By `enqueue_many`."""
        for chunk in chunks([echo.enqueue(value) for value in values], 1000):
            await worker.enqueue_many(chunk)
        streams = tuple(("XLEN", worker.stream_key + each) for each in worker.priorities)
        return Progress(left=streams)

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """By `enqueue_many`, and `result()` of each."""
        naps = seconds is not None
        tasks = [nap.enqueue(v, seconds) if naps else echo.enqueue(v) for v in values]
        for chunk in chunks(tasks, 1000):
            await worker.enqueue_many(chunk)
        return [each.result for each in await at_most(AT_ONCE, [t.result(300) for t in tasks])]

    async def one(self, value: Any) -> Any:
        """By `result()`."""
        return (await (await echo.enqueue(value)).result(60)).result

    async def defer(self, values: list[Any]) -> None:
        """By `start(delay=)`."""
        later = timedelta(seconds=DEFERRED)
        for chunk in chunks([echo.enqueue(value).start(delay=later) for value in values], 1000):
            await worker.enqueue_many(chunk)
