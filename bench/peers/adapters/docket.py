"""docket (pydocket), as its documentation has it: https://docket.lol (docs/production.md).

`add_many` is what it has for many tasks; results are awaited by `get_result`, each with a
subscription, so that 32 are under way. The page advises a pool of connections of its own size,
"to match or exceed your worker concurrency": a worker that finds none loses the job until it is
redelivered. `minimum_check_interval` and `scheduling_resolution` stay
as they are: the worker blocks on its stream.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from docket import Docket, Execution

from .adapter import CONCURRENCY, DEFERRED, Adapter, Progress, Workers, at_most, python

AT_ONCE = 32
CONNECTIONS = 5 * CONCURRENCY
NAME = "bench"


async def echo(value: Any) -> Any:
    """Return what came."""
    return value


async def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value


tasks = [echo, nap]


class PeerAdapter(Adapter):
    """A docket."""

    packages = ("pydocket", "redis", "hiredis")
    settings = "concurrency 100, add_many, max_connections 500; 32 results at a time"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.pooled = f"{url}?max_connections={CONNECTIONS}"

    async def open(self) -> None:
        """Connect."""
        self.docket = Docket(NAME, self.pooled)
        await self.docket.__aenter__()
        for each in tasks:
            self.docket.register(each)

    async def close(self) -> None:
        """Disconnect."""
        await self.docket.__aexit__(None, None, None)

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start a command each."""
        where = ("--docket", NAME, "--url", self.pooled, "--tasks", "peers.adapters.docket:tasks")
        options = ("--concurrency", str(CONCURRENCY), "--logging-level", "WARNING")
        names = (("--name", f"worker-{n}") for n in range(processes))
        commands = [python("docket", "worker", *where, *options, *name) for name in names]
        return Workers(commands, CONCURRENCY * processes)

    async def _add(
        self, values: list[Any], seconds: float | None, when: datetime | None = None
    ) -> list[Execution]:
        calls: list[Any] = [
            self.docket.call(echo, when=when)(value)
            if seconds is None
            else self.docket.call(nap, when=when)(value, seconds)
            for value in values
        ]
        return await self.docket.add_many(calls)

    async def submit(self, values: list[Any]) -> Progress:
        """By `add_many`."""
        await self._add(values, None)
        return Progress(left=(("XLEN", self.docket.stream_key),))

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """By `add_many`, and `get_result` of each."""
        found = await self._add(values, seconds)
        return await at_most(AT_ONCE, [each.get_result() for each in found])

    async def one(self, value: Any) -> Any:
        """By `get_result`."""
        return await (await self.docket.add(echo)(value)).get_result()

    async def defer(self, values: list[Any]) -> None:
        """By `when`."""
        await self._add(values, None, datetime.now(UTC) + timedelta(seconds=DEFERRED))
