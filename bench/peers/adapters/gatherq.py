"""gatherq, from this checkout: all as it is by default."""

from itertools import starmap
from typing import Any

from gatherq import Producer, call

from .adapter import CONCURRENCY, DEFERRED, Adapter, Progress, Workers, python

QUEUE = "bench"


class PeerAdapter(Adapter):
    """Batches, which wait for nothing but their completions."""

    packages = ("gatherq", "redis", "hiredis")
    settings = "all by default: JSON, leases, supervised worker processes, concurrency 100"

    async def open(self) -> None:
        """Connect."""
        self.producer = Producer(self.url, queue=QUEUE, no_workers="ignore")
        await self.producer.__aenter__()

    async def close(self) -> None:
        """Disconnect."""
        await self.producer.__aexit__(None, None, None)

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which supervises the processes."""
        where = ("peers.adapters.gatherq_jobs", "--redis", self.url, "--queue", QUEUE)
        options = ("--processes", str(processes), "--concurrency", str(CONCURRENCY), "--quiet")
        command = python("gatherq_worker", "worker", *where, *options)
        return Workers([command], CONCURRENCY * processes)

    async def submit(self, values: list[Any]) -> Progress:
        """By `Producer.submit`."""
        batch = await self.producer.submit(call("echo", value) for value in values)
        return Progress(done=(("HGET", f"gatherq:batch:{batch.id}", "succeeded"),))

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """By `Producer.gather`."""
        if seconds is None:
            return list(await self.producer.gather(*(call("echo", value) for value in values)))
        naps = starmap(call, (("nap", value, seconds) for value in values))
        return list(await self.producer.gather(*naps))

    async def iterate(self, count: int) -> None:
        """By `Producer.submit`, in order."""
        slot = 0
        async for outcome in await self.producer.submit(call("echo", n) for n in range(count)):
            if outcome.unwrap() != slot:
                raise ValueError(f"{outcome} in place of {slot}")
            slot += 1
        if slot != count:
            raise ValueError(f"{slot} outcomes of {count} jobs")

    async def one(self, value: Any) -> Any:
        """By `Producer.submit_one`."""
        return await (await self.producer.submit_one(call("echo", value)))

    async def defer(self, values: list[Any]) -> None:
        """By `delay`."""
        await self.producer.submit((call("echo", value) for value in values), delay=DEFERRED)
