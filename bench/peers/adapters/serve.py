"""Serves one adapter: requests come as lines of JSON on stdin, answers go out on stdout.

    python -m peers.adapters.serve NAME URL

Times are taken here, so that the pipe is in none of them.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

from .adapter import Adapter

Answer = dict[str, Any]


def values_of(count: int, size: int) -> list[Any]:
    """Return values that all differ: numbers, or texts of that size."""
    if not size:
        return list(range(count))
    return [f"{n:012}".ljust(size, "x") for n in range(count)]


class Service:
    """What the harness may ask."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def about(self) -> Answer:
        """Say what this is."""
        packages = {name: version(name) for name in self._adapter.packages}
        return {"packages": packages, "settings": self._adapter.settings}

    async def workers(self, processes: int, sleeping: bool) -> Answer:
        """Say how workers are started."""
        return self._adapter.workers(processes, sleeping)._asdict()

    async def submit(self, count: int) -> Answer:
        """Time a submit."""
        values = values_of(count, 0)
        start = perf_counter()
        progress = await self._adapter.submit(values)
        return {"seconds": perf_counter() - start, **progress._asdict()}

    async def gather(self, count: int, size: int = 0, seconds: float | None = None) -> Answer:
        """Time a gather, and look at its values."""
        values = values_of(count, size)
        start = perf_counter()
        found = await self._adapter.gather(values, seconds)
        took = perf_counter() - start
        if found != values:
            wrong = sum(a != b for a, b in zip(found, values, strict=False))
            raise ValueError(f"{len(found)} values for {count} jobs, {wrong} of them wrong")
        return {"seconds": took}

    async def iterate(self, count: int) -> Answer:
        """Time outcomes of which none is kept."""
        start = perf_counter()
        await self._adapter.iterate(count)
        return {"seconds": perf_counter() - start}

    async def latency(self, count: int, gap: float, most: float) -> Answer:
        """Time one job after the other, for at most so many seconds."""
        found: list[float] = []
        begin = perf_counter()
        while len(found) < count and perf_counter() - begin < most:
            await asyncio.sleep(gap)
            found.append(await self._timed(len(found), perf_counter()))
        return {"ms": found}

    async def load(self, rate: float, count: int) -> Answer:
        """Time jobs that begin at a rate, whether or not earlier ones have ended.

        The time of a job is counted from when it was due, also where the producer comes late.
        """
        begin = perf_counter()
        jobs = []
        for n in range(count):
            due = begin + n / rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            elif n % 10 == 0:
                await asyncio.sleep(0)
            jobs.append(asyncio.create_task(self._timed(n, due)))
        sent = perf_counter() - begin
        found = await asyncio.gather(*jobs)
        return {"ms": found, "sent": count / sent, "ended": count / (perf_counter() - begin)}

    async def _timed(self, n: int, since: float) -> float:
        value = await self._adapter.one(n)
        took = perf_counter() - since
        if value != n:
            raise ValueError(f"{value!r} in place of {n}")
        return took * 1000

    async def defer(self, count: int) -> Answer:
        """Defer jobs; say whether that can be done."""
        try:
            await self._adapter.defer(values_of(count, 0))
        except NotImplementedError:
            return {"deferred": False}
        return {"deferred": True}


async def serve(adapter: Adapter, answer: Callable[[Answer], None]) -> None:
    """Answer requests until stdin ends."""
    service = Service(adapter)
    loop = asyncio.get_running_loop()
    await adapter.open()
    answer({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        ask: Callable[..., Awaitable[Answer]] = getattr(service, request.pop("ask"))
        try:
            answer(await ask(**request))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"[:500]})
    await adapter.close()


def main() -> None:
    """Keep stdout for answers: what a library prints goes to stderr."""
    name, url = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    found = importlib.import_module(f"{__package__}.{name}")
    adapter: Adapter = found.PeerAdapter(url)
    loop = getattr(found, "new_event_loop", None)
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serve(adapter, lambda answer: print(json.dumps(answer), file=out, flush=True)))
    os._exit(0)  # a library's threads are not waited for


if __name__ == "__main__":
    main()
