"""What an adapter does, and the parts that adapters share. Nothing but the standard library."""

import asyncio
import sys
from collections.abc import Awaitable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
#: A command of Redis that answers with a number in constant time.
Command = tuple[str, ...]
#: Jobs that one worker process runs at a time, wherever the peer can.
CONCURRENCY = 100
#: Seconds for which a deferred job is deferred: longer than any run.
DEFERRED = 3600


class Progress(NamedTuple):
    """How the harness sees how far a batch is: by the sum of what these commands answer."""

    #: Jobs that have not ended, or nothing.
    left: tuple[Command, ...] = ()
    #: Jobs that have ended since the batch was submitted, or nothing.
    done: tuple[Command, ...] = ()


class Workers(NamedTuple):
    """How workers are started."""

    commands: list[list[str]]
    #: Jobs at a time, of all of them.
    concurrency: int


class Adapter:
    """One peer: `echo` returns its argument, `nap` does after some seconds."""

    #: Distributions whose versions the results name.
    packages: tuple[str, ...] = ()
    #: The settings that matter, in a few words: for the page.
    settings = ""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Say how so many worker processes are started, for jobs that do nothing or that sleep."""
        raise NotImplementedError

    async def submit(self, values: list[Any]) -> Progress:
        """Write one `echo` for each value into the queue, and wait for none."""
        raise NotImplementedError

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """Submit an `echo`, or a `nap`, for each value; return all results in this order."""
        raise NotImplementedError

    async def iterate(self, count: int) -> None:
        """Submit an `echo` for each number, look at what becomes of each, and keep nothing."""
        raise NotImplementedError

    async def one(self, value: Any) -> Any:
        """Submit one `echo` and return its result; many at a time."""
        raise NotImplementedError

    async def defer(self, values: list[Any]) -> None:
        """Submit jobs that are not to begin for an hour."""
        raise NotImplementedError


class BlockingAdapter(Adapter):
    """A peer without asyncio: what is asked beside others runs in threads."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._threads = ThreadPoolExecutor(CONCURRENCY)

    async def submit(self, values: list[Any]) -> Progress:
        """Block."""
        return self.submit_now(values)

    async def gather(self, values: list[Any], seconds: float | None = None) -> list[Any]:
        """Block."""
        return self.gather_now(values, seconds)

    async def one(self, value: Any) -> Any:
        """Block a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.one_now, value)

    async def defer(self, values: list[Any]) -> None:
        """Block."""
        self.defer_now(values)

    def submit_now(self, values: list[Any]) -> Progress:
        """Do as `submit`."""
        raise NotImplementedError

    def gather_now(self, values: list[Any], seconds: float | None) -> list[Any]:
        """Do as `gather`."""
        raise NotImplementedError

    def one_now(self, value: Any) -> Any:
        """Do as `one`, in any thread."""
        raise NotImplementedError

    def defer_now(self, values: list[Any]) -> None:
        """Do as `defer`."""
        raise NotImplementedError


def python(*arguments: str) -> list[str]:
    """Return a command for this environment's interpreter."""
    return [sys.executable, "-m", *arguments]


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut."""
    for first in range(0, len(values), size):
        yield values[first : first + size]


async def at_most(limit: int, awaitables: Sequence[Awaitable[T]]) -> list[T]:
    """Gather with so many under way: each of them may hold a connection."""
    places = asyncio.Semaphore(limit)

    async def placed(awaitable: Awaitable[T]) -> T:
        async with places:
            return await awaitable

    return await asyncio.gather(*map(placed, awaitables))
