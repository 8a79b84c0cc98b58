"""taskiq on the streams of taskiq-redis, as their documentation has it.

https://github.com/taskiq-python/taskiq-redis: RedisStreamBroker is the broker of its first
example; the list has no acknowledgement. https://taskiq-python.github.io/guide/cli.html:
`--max-async-tasks` is 100 by default, `--max-prefetch` is "useful for systems with high message
rates". The extra `taskiq[uv]` makes workers run on uvloop, `taskiq[orjson]` is its faster JSON.
`gather` asks for all results at a time, and each waits for one of fifty connections: for longer
than redis-py's 20 s, or a large batch fails.
`consumer_id` is 0 so that what was queued before the first worker is not skipped.
"""

import asyncio
import os
from typing import Any

from taskiq import AsyncTaskiqTask
from taskiq import gather as gather_tasks
from taskiq.serializers import ORJSONSerializer
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from .adapter import CONCURRENCY, Adapter, Progress, Workers, chunks, python

URL = os.environ["BENCH_URL"]
#: Each send holds a connection.
AT_ONCE = 50
PATIENCE = 300
results: RedisAsyncResultBackend[Any] = RedisAsyncResultBackend(
    URL, timeout=PATIENCE, result_ex_time=3600, serializer=ORJSONSerializer()
)
broker = (
    RedisStreamBroker(URL, consumer_id="0")
    .with_result_backend(results)
    .with_serializer(ORJSONSerializer())
)


@broker.task
async def echo(value: Any) -> Any:
    """Return what came."""
    return value


@broker.task
async def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value


class PeerAdapter(Adapter):
    """taskiq has no bulk send; deferral needs a scheduler beside it."""

    packages = ("taskiq", "taskiq-redis", "redis", "hiredis", "uvloop", "orjson")
    settings = (
        "RedisStreamBroker, max-async-tasks 100, max-prefetch 100, uvloop, orjson; results polled "
        "every 100 ms (gather, default) and 5 ms (one)"
    )

    async def open(self) -> None:
        """Connect."""
        await broker.startup()

    async def close(self) -> None:
        """Disconnect."""
        await broker.shutdown()

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which starts the processes."""
        limits = ("--max-async-tasks", str(CONCURRENCY), "--max-prefetch", str(CONCURRENCY))
        options = ("--workers", str(processes), *limits, "--log-level", "WARNING")
        command = python("taskiq", "worker", "peers.adapters.taskiq:broker", *options)
        return Workers([command], CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """By `kiq` of each. What has ended has left a result, a key each."""
        await self._send(values, None)
        return Progress(done=(("DBSIZE",),))

    async def _send(self, values: list[Any], seconds: float | None) -> list[AsyncTaskiqTask[Any]]:
        found: list[AsyncTaskiqTask[Any]] = []
        for chunk in chunks(values, AT_ONCE):
            naps = seconds is not None
            sent = (nap.kiq(v, seconds) if naps else echo.kiq(v) for v in chunk)
            found += await asyncio.gather(*sent)
        return found

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """By `taskiq.gather`."""
        tasks = await self._send(values, seconds)
        return [each.return_value for each in await gather_tasks(*tasks)]

    async def one(self, value: Any) -> Any:
        """By `wait_result`."""
        task = await echo.kiq(value)
        return (await task.wait_result(check_interval=0.005)).return_value
