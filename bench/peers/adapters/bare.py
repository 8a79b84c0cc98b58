"""A bare loop: what the protocol of gatherq costs with no feature at all. The yardstick.

Jobs stand under a key each and in a sorted set; a worker claims many by one script, runs them as
tasks, and gives their outcomes with its next claim; a producer reads one stream of completions.
Nothing is checked, leased, timed out, retried, cancelled or expired.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from itertools import chain, count
from typing import Any

from redis.asyncio import Redis

from .adapter import CONCURRENCY, Adapter, Progress, Workers, chunks, python

CHUNK = 1000
SUBMIT = """
local queued = {}
for i = 1, #ARGV, 2 do
  redis.call('SET', 'bare:job:' .. ARGV[i], ARGV[i + 1])
  queued[#queued + 1] = i
  queued[#queued + 1] = ARGV[i]
end
redis.call('ZADD', 'bare:queue', unpack(queued))
if redis.call('LLEN', 'bare:wake') == 0 then redis.call('RPUSH', 'bare:wake', 1) end
"""
#: ARGV: how many to claim; then batch, slot and result of each job that ended.
STEP = """
local ended = {}
for i = 2, #ARGV, 3 do
  local batch, id = ARGV[i], ARGV[i] .. ':' .. ARGV[i + 1]
  redis.call('SET', 'bare:result:' .. id, ARGV[i + 2])
  redis.call('DEL', 'bare:job:' .. id)
  ended[batch] = (ended[batch] and ended[batch] .. ',' or '') .. ARGV[i + 1]
end
if #ARGV > 1 then redis.call('INCRBY', 'bare:ended', (#ARGV - 1) / 3) end
for batch, slots in pairs(ended) do redis.call('XADD', 'bare:done:' .. batch, '*', 's', slots) end
local popped = redis.call('ZPOPMIN', 'bare:queue', ARGV[1])
if #popped == 0 then return {} end
local keys = {}
for i = 1, #popped, 2 do keys[#keys + 1] = 'bare:job:' .. popped[i] end
if redis.call('LLEN', 'bare:wake') == 0 and redis.call('EXISTS', 'bare:queue') == 1 then
  redis.call('RPUSH', 'bare:wake', 1)
end
return redis.call('MGET', unpack(keys))
"""
Ended = tuple[str, int, str]


class PeerAdapter(Adapter):
    """The producer."""

    packages = ("redis", "hiredis")
    settings = "one script a chunk of 1,000 jobs, one a claim of 100; JSON; no feature at all"

    async def open(self) -> None:
        """Connect."""
        self.redis = Redis.from_url(self.url)
        self._submit = self.redis.register_script(SUBMIT)
        self._batches, self._slots = count(), count()
        self._buffer: list[tuple[int, Any]] = []
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Disconnect."""
        await self.redis.aclose()

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start a process each."""
        command = python("peers.adapters.bare", self.url)
        return Workers([command] * processes, CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """Write all jobs."""
        await self._write(values, None)
        return Progress(done=(("GET", "bare:ended"),))

    async def _write(self, values: list[Any], seconds: float | None) -> str:
        batch = f"b{next(self._batches)}"
        await self._put(batch, list(enumerate(values)), seconds)
        return batch

    async def _put(self, batch: str, jobs: list[tuple[int, Any]], seconds: float | None) -> None:
        for chunk in chunks(jobs, CHUNK):
            arguments: list[str] = []
            for slot, value in chunk:
                arguments += f"{batch}:{slot}", json.dumps([batch, slot, value, seconds])
            await self._submit(args=arguments)

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """Write all jobs, read completions, and put the results in order."""
        batch = await self._write(values, seconds)
        found: list[Any] = [None] * len(values)
        left = len(values)
        async for slot, result in self._ended(batch):
            found[slot] = result
            if not (left := left - 1):
                break
        return found

    async def _ended(self, batch: str) -> AsyncIterator[tuple[int, Any]]:
        last = b"0"
        while True:
            for _, entries in await self.redis.xread({f"bare:done:{batch}": last}, block=0):
                last = entries[-1][0]
                slots = [int(s) for _, fields in entries for s in fields[b"s"].split(b",")]
                for chunk in chunks(slots, CHUNK):
                    results = await self.redis.mget([f"bare:result:{batch}:{s}" for s in chunk])
                    for slot, result in zip(chunk, results, strict=True):
                        yield slot, json.loads(result)

    async def one(self, value: Any) -> Any:
        """Write what is asked in one turn of the loop together; one reader has all results."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        future = asyncio.get_running_loop().create_future()
        slot = next(self._slots)
        self._futures[slot] = future
        self._buffer.append((slot, value))
        if len(self._buffer) == 1:
            self._writer = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        buffer, self._buffer = self._buffer, []
        await self._put("one", buffer, None)

    async def _read(self) -> None:
        async for slot, result in self._ended("one"):
            self._futures.pop(slot).set_result(result)


class Worker:
    """Claims, runs and records until it is killed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._step = redis.register_script(STEP)
        self._free = CONCURRENCY
        self._ended: list[Ended] = []
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Give outcomes and claim, in one step, whenever there is news."""
        waiting = asyncio.create_task(self._wait())
        while not waiting.done():
            ended, self._ended = self._ended, []
            self._free += len(ended)
            arguments: list[Any] = [self._free, *chain(*ended)]
            claimed = await self._step(args=arguments)
            self._free -= len(claimed)
            for text in claimed:
                self._tasks.add(asyncio.create_task(self._job(text)))
            await asyncio.sleep(0)
            if not self._ended and (not claimed or not self._free):
                await self._news.wait()
            self._news.clear()

    async def _job(self, text: bytes) -> None:
        batch, slot, value, seconds = json.loads(text)
        if seconds is not None:
            await asyncio.sleep(seconds)
        self._ended.append((batch, slot, json.dumps(value)))
        self._news.set()
        self._tasks.discard(asyncio.current_task())

    async def _wait(self) -> None:
        while True:
            await self._redis.blpop(["bare:wake"], timeout=0)  # type: ignore[misc]
            self._news.set()


async def main(url: str) -> None:
    """Run a worker."""
    async with Redis.from_url(url) as redis:
        await Worker(redis).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
