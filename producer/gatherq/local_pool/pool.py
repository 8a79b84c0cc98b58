"""`gatherq.local`: a producer with a server and workers of its own, for one block of code."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from functools import wraps
from importlib.util import find_spec
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, NoReturn, ParamSpec

from gatherq.client.misuse.async_with import AsyncWith
from gatherq.client.producer import Producer, tie_to_block
from gatherq.contract.checks.usage import usage
from gatherq.contract.importing import check_not_importing
from gatherq.contract.keys import KeySpace
from gatherq.errors import GatherqError, InvalidCall
from gatherq.extras import check_extra, missing_extra
from gatherq.settings import NoWorkersPolicy, Settings
from gatherq.store.inspection.queue_reader import QueueReader
from gatherq.store.server.errors import REDIS_ERRORS
from gatherq.testing.server import NoServer, embedded_server

from .job_modules import JobModules, job_modules
from .web_page import WebPage
from .workers import Workers

logger: logging.Logger = logging.getLogger("gatherq")

P = ParamSpec("P")

_ENTER = "write `async with gatherq.local(...) as producer:`"
#: Most worker processes, and most jobs at a time in each, as of `gatherq worker`.
_PROCESSES, _CONCURRENCY = 256, 10_000


class LocalPool(AsyncWith):
    """What `gatherq.local` returns: entered, it is a Producer."""

    def __init__(self, opened: AbstractAsyncContextManager[Producer]) -> None:
        self._opened = opened

    async def __aenter__(self) -> Producer:
        return await self._opened.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._opened.__aexit__(kind, error, traceback)

    if not TYPE_CHECKING:  # type checkers refuse both as it is

        def __await__(self) -> NoReturn:
            raise TypeError(_ENTER)

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(f"gatherq.local(...) has no {name!r}; {_ENTER}")


def _pool(
    opened: Callable[P, AbstractAsyncContextManager[Producer]],
) -> Callable[P, LocalPool]:
    @wraps(opened)
    def make(*args: P.args, **kwargs: P.kwargs) -> LocalPool:
        return LocalPool(opened(*args, **kwargs))

    return make


@usage("gatherq.local", "modules, and options by name: gatherq.local('kitchen', processes=2)")
@_pool
@asynccontextmanager
async def local(
    *modules: str | ModuleType,
    processes: int = 1,
    concurrency: int = 100,
    queue: str | None = None,
    data: str | os.PathLike[str] | None = None,
    redis_url: str | None = None,
    keep: float | None = None,
    patience: float | None = None,
    no_workers: NoWorkersPolicy | None = None,
    web: bool = False,
) -> AsyncIterator[Producer]:
    """Run workers and a Redis server for the length of a block, and yield their Producer.

        async with gatherq.local("kitchen", processes=2) as producer:
            print(await producer.gather(chop.call("carrot", 3), chop.call("tomato", 5)))

    The workers run the jobs of the modules, given by name or as they are; without any, those of the
    running script, which they import: so its own work stands under `if __name__ == "__main__":`.
    They look for modules where this process does (`sys.path`). Each of `processes` runs up to
    `concurrency` jobs at a time. What they log (warnings) and print goes to this process's standard
    error and output.

    The block begins when all of them take jobs. At its end they stop at once: a job that still runs
    is cancelled, and has half a second to clean up; so await what you submit inside of the block.
    However this process ends, by SIGKILL too, it leaves no worker and no server behind.

    With `web` there is a page of it for the length of the block, on port 8420 or, where that is in
    use, another: its address is printed to standard error.

    `data` names a folder in which the server keeps its data; without it they are gone with the
    server. `redis_url` names a server to use in place of one's own. `queue`, `keep`, `patience`
    and `no_workers` are the Producer's.

    Raises GatherqError, with what the worker says, if it cannot start: a module is missing, raises,
    or has no jobs. Raises MissingExtra without `gatherq[local]`, or for `web` `gatherq[web]`.
    """
    check_not_importing("gatherq.local")
    _check(processes, concurrency, data, redis_url)
    if web:
        check_extra("web", "gatherq.local(web=True)")
    found = job_modules(modules)
    queue = Settings.read(queue=queue).queue
    async with _server(data) if redis_url is None else nullcontext(redis_url) as url:
        producer = Producer(url, queue=queue, keep=keep, patience=patience, no_workers=no_workers)
        tie_to_block(producer)
        options = ["--processes", str(processes), "--concurrency", str(concurrency)]
        options += ["--grace", "0", "--no-burst", "--quiet"]
        if redis_url is None:  # no other worker will ever know what these do not
            options += ["--unknown-for", "0"]
        async with (
            producer,
            _workers(found, options, url, queue),
            _page(url, queue) if web else nullcontext(),
        ):
            yield producer
            if redis_url is None:
                await _warn_of_unfinished(producer, queue)


def _check(processes: int, concurrency: int, data: object, redis_url: str | None) -> None:
    for name, value, most in [
        ("processes", processes, _PROCESSES),
        ("concurrency", concurrency, _CONCURRENCY),
    ]:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise InvalidCall(f"{name} must be a whole number from 1 to {most}, not {value!r:.50}")
    if not isinstance(data, str | os.PathLike | None):
        raise InvalidCall(f"data must be the path of a folder, not {data!r:.50}")
    if data is not None and redis_url is not None:
        raise InvalidCall("data is of a server of one's own: leave out data, or redis_url")
    if os.name != "posix":
        raise GatherqError(
            "gatherq.local needs a system with fork, as Linux, macOS or WSL; "
            "here, start a server and `gatherq worker`, and use Producer(url)"
        )
    if not _installed("arq"):
        raise missing_extra("local", "gatherq.local")


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it stands in `sys.modules` as what cannot be imported
        return False


@asynccontextmanager
async def _server(data: str | os.PathLike[str] | None) -> AsyncIterator[str]:
    """Run a server for the length of the block, and yield its URL."""
    with ExitStack() as stack:
        # Cancelled, this waits for what the thread has begun: so the stack knows all of it.
        with ThreadPoolExecutor(1) as thread:
            starting = thread.submit(stack.enter_context, embedded_server(data=data))
            try:
                url, _ = await asyncio.wrap_future(starting)
            except NoServer:
                raise missing_extra("local", "gatherq.local") from None
        yield url


@asynccontextmanager
async def _workers(
    modules: JobModules, options: list[str], url: str, queue: str
) -> AsyncIterator[None]:
    """Run workers for the length of the block, which begins when they take jobs."""
    workers = Workers([*options, "--", *modules.names], modules.path, url, queue)
    try:
        await workers.ready()
        yield
    finally:
        await workers.stop()


@asynccontextmanager
async def _page(url: str, queue: str) -> AsyncIterator[None]:
    """Show the pool for the length of the block."""
    page = WebPage(url, queue)
    try:
        await page.ready()
        print(f"page: {page.url}", file=sys.stderr, flush=True)
        yield
    finally:
        await page.stop()


async def _warn_of_unfinished(producer: Producer, queue: str) -> None:
    """Say that jobs are left, if there are: nobody ends them."""
    left = 0
    with suppress(*REDIS_ERRORS):
        left = await QueueReader(producer.redis, KeySpace(queue)).unfinished()
    if left:
        logger.warning(
            "%d job%s of gatherq.local had not ended when its block was left: await the batch "
            "(`await batch.outcomes()`) inside of the block",
            left,
            "s" * (left != 1),
        )
