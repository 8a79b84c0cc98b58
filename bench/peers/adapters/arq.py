"""arq, as its documentation has it.

https://arq-docs.helpmanual.io and the docstring of its `Worker`.

`max_jobs` is raised to what the others run at a time, and a result is polled for every 10 ms in
place of every 500. `poll_delay` of the worker stays at its default, which the documentation does
not advise to change: it is what the latency is.
"""

import asyncio
import os
from typing import Any, ClassVar

from arq.connections import RedisSettings, create_pool
from arq.jobs import Job

from .adapter import CONCURRENCY, DEFERRED, Adapter, Progress, Workers, at_most, chunks, python

#: Each enqueue holds a connection.
AT_ONCE = 50


async def echo(ctx: dict[str, Any], value: Any) -> Any:
    """Return what came."""
    return value


async def nap(ctx: dict[str, Any], value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value


class Settings:
    """Of the worker."""

    functions: ClassVar = [echo, nap]
    max_jobs = CONCURRENCY
    redis_settings = RedisSettings.from_dsn(os.environ["BENCH_URL"])


class PeerAdapter(Adapter):
    """arq has no bulk enqueue, and no way to wait but to poll."""

    packages = ("arq", "redis", "hiredis")
    settings = "max_jobs 100, worker's poll_delay 0.5 s (default), results polled every 10 ms"

    async def open(self) -> None:
        """Connect."""
        self.redis = await create_pool(RedisSettings.from_dsn(self.url))

    async def close(self) -> None:
        """Disconnect."""
        await self.redis.aclose()

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start a command each."""
        command = python("arq", "peers.adapters.arq.Settings")
        return Workers([command] * processes, CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """Enqueue each."""
        await self._enqueue([("echo", value) for value in values])
        return Progress(left=(("ZCARD", "arq:queue"),))

    async def _enqueue(self, calls: list[tuple[Any, ...]], **options: Any) -> list[Job]:
        found: list[Job | None] = []
        for chunk in chunks(calls, AT_ONCE):
            found += await asyncio.gather(*(self.redis.enqueue_job(*c, **options) for c in chunk))
        return [job for job in found if job is not None]

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """Enqueue each, and ask for each result in order."""
        naps = [("nap", value, seconds) for value in values]
        jobs = await self._enqueue(naps if seconds is not None else [("echo", v) for v in values])
        return await at_most(AT_ONCE, [job.result(poll_delay=0.01) for job in jobs])

    async def one(self, value: Any) -> Any:
        """Poll."""
        job = await self.redis.enqueue_job("echo", value)
        assert job is not None
        return await job.result(poll_delay=0.01)

    async def defer(self, values: list[Any]) -> None:
        """By `_defer_by`."""
        await self._enqueue([("echo", value) for value in values], _defer_by=DEFERRED)
