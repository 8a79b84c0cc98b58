"""SAQ, as its documentation has it: https://saq-py.readthedocs.io (getting started, queues).

With hiredis, the extra that its README installs. `map` and `apply` are its own ways to collect;
their `poll_interval` of 0.5 s is lowered, which makes them faster here.
"""

import asyncio
import os
import time
from typing import Any

from saq import Queue

from .adapter import CONCURRENCY, DEFERRED, Adapter, Progress, Workers, chunks, python

QUEUE = "bench"
MAP_POLL, APPLY_POLL = 0.1, 0.005


async def echo(ctx: dict[str, Any], *, value: Any) -> Any:
    """Return what came."""
    return value


async def nap(ctx: dict[str, Any], *, value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value


settings = {
    "queue": Queue.from_url(os.environ["BENCH_URL"], name=QUEUE),
    "functions": [echo, nap],
    "concurrency": CONCURRENCY,
}


class PeerAdapter(Adapter):
    """SAQ has no bulk enqueue."""

    packages = ("saq", "redis", "hiredis")
    settings = "concurrency 100, hiredis; results polled every 100 ms (map) and 5 ms (apply)"

    async def open(self) -> None:
        """Connect."""
        self.queue = Queue.from_url(self.url, name=QUEUE)
        await self.queue.connect()

    async def close(self) -> None:
        """Disconnect."""
        await self.queue.disconnect()

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which starts the processes."""
        command = python("saq", "peers.adapters.saq.settings", "--workers", str(processes))
        return Workers([command], CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """Enqueue each: the queue has twenty under way by itself."""
        for chunk in chunks(values, 1000):
            await asyncio.gather(*(self.queue.enqueue("echo", value=value) for value in chunk))
        return Progress(left=(("ZCARD", f"saq:{QUEUE}:incomplete"),))

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """By `map`."""
        name, more = ("echo", {}) if seconds is None else ("nap", {"seconds": seconds})
        calls = [{"value": value, **more} for value in values]
        return list(await self.queue.map(name, calls, timeout=300, poll_interval=MAP_POLL))

    async def one(self, value: Any) -> Any:
        """By `apply`."""
        return await self.queue.apply("echo", timeout=60, poll_interval=APPLY_POLL, value=value)

    async def defer(self, values: list[Any]) -> None:
        """By `scheduled`."""
        due = int(time.time()) + DEFERRED
        for chunk in chunks(values, 1000):
            jobs = (self.queue.enqueue("echo", value=value, scheduled=due) for value in chunk)
            await asyncio.gather(*jobs)
