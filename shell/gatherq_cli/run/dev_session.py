"""What `gatherq dev` does until it is told to stop."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import NamedTuple

import click
from watchfiles import PythonFilter, awatch

from gatherq.aio import start_task
from gatherq.errors import GatherqError
from gatherq.extras import check_extra
from gatherq.local_pool.web_page import WebPage
from gatherq.local_pool.workers import Workers
from gatherq.store.server.urls import masked
from gatherq.testing.server import embedded_server
from gatherq_worker.import_path import search_here

from .reload import keep_no_bytecode

#: Where a producer looks that is told nothing.
_PORT = 6379


class PageWanted(NamedTuple):
    """Whether there is to be a page, and on which port: None for the usual one, or a free one."""

    wanted: bool
    port: int | None


def run(
    modules: Sequence[str],
    options: Sequence[str],
    redis_url: str | None,
    queue: str | None,
    port: int | None,
    data: str | None,
    page: PageWanted,
) -> None:
    """Run workers, on a server of their own unless one is named, until told to stop."""
    search_here()
    keep_no_bytecode()
    if redis_url is None:  # no other worker will ever know what these do not
        options = [*options, "--unknown-for", "0"]
    words = [*options, "--log-jobs", "--no-burst", "--", *modules]
    server_end: Future[str] = Future()
    try:
        with _server(redis_url, port, data, server_end) as url:
            asyncio.run(DevSession(words, url, queue, server_end, page).run())
    except GatherqError as error:
        raise click.ClickException(str(error)) from None
    if server_end.done():
        kept = f"its data is in {os.path.abspath(data)}" if data else "its data went with it"
        raise click.ClickException(
            f"the server has ended ({server_end.result()}): {kept}; run gatherq dev again"
        )


@contextmanager
def _server(
    redis_url: str | None, port: int | None, data: str | None, end: "Future[str]"
) -> Iterator[str]:
    """Run a server if none is named, say what people want to know of it, and yield its URL.

    `end` gets how it ended, if it does within the block.
    """
    if redis_url:
        click.echo(f"server: {masked(redis_url)}")
        yield redis_url
        return
    with embedded_server(port or _usual_port(), data=data, on_end=end.set_result) as (url, kind):
        where = f"its data is in {os.path.abspath(data)}" if data else "its data is in memory"
        click.echo(f"server: {kind}, {where}{'' if data else ' (--data DIR keeps it)'}")
        if port is None and not url.endswith(f":{_PORT}/0"):
            click.echo(f"port {_PORT} is in use, where producers look: tell them of this one")
        click.echo("producers, in another terminal:")
        click.echo(f"  export GATHERQ_REDIS_URL={shlex.quote(url)}")
        yield url


def _usual_port() -> int | None:
    """Return the port that producers look for, if it is free."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", _PORT))
        return _PORT
    return None


class DevSession:
    """Workers that start again when a Python file below the current folder changes."""

    def __init__(
        self,
        options: Sequence[str],
        url: str,
        queue: str | None,
        server_end: "Future[str]",
        page: PageWanted,
    ) -> None:
        self._options, self._url, self._queue = options, url, queue
        self._server_end, self._page = server_end, page
        self._workers: Workers | None = None
        self._stopping = False
        #: Set when the workers are to stop, for good or not.
        self._turn = asyncio.Event()

    async def run(self) -> None:
        """Run until a signal, or until the server has ended.

        A second signal leaves the jobs that run no time to finish.
        """
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self._stop)
        click.echo(f"reloads when a Python file in {os.getcwd()} changes; Ctrl-C ends it all")
        beside = [start_task(self._watch()), start_task(self._show())]
        asyncio.wrap_future(self._server_end).add_done_callback(self._leave)
        try:
            while not self._stopping:
                self._turn.clear()
                serving = start_task(self._serve())
                await self._turn.wait()
                serving.cancel()
                await asyncio.wait([serving])
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    def _stop(self) -> None:
        if self._stopping and self._workers:
            self._workers.hurry()
        self._stopping = True
        self._turn.set()

    def _leave(self, _: object) -> None:
        """Stop at once: no result of a job has a place any more."""
        self._stopping = True
        self._turn.set()
        if self._workers:
            self._workers.kill()

    async def _watch(self) -> None:
        async for changes in awatch(".", watch_filter=PythonFilter()):
            files = _named({file for _, file in changes})
            click.echo(f"{files} changed: the workers start again", err=True)
            self._turn.set()

    async def _show(self) -> None:
        """Show the pool as a page until cancelled, if that is wanted and can be."""
        if not self._page.wanted:
            return
        try:
            check_extra("web", "the page of what runs here")
            page = WebPage(self._url, self._queue, self._page.port)
        except GatherqError as error:
            click.echo(f"{error}; all else goes on without it", err=True)
            return
        click.echo(f"page: {page.url}")  # its port is open
        try:
            await page.ready()
            await page.ended()
            click.echo("the page has ended; all else goes on", err=True)
        except GatherqError as error:
            click.echo(f"Error: {error}", err=True)
        finally:
            await page.stop()

    async def _serve(self) -> None:
        """Run workers until cancelled; what keeps them from it is said, and a change awaited."""
        self._workers = workers = Workers(self._options, sys.path, self._url, self._queue)
        try:
            await workers.ready()
            await workers.ended()
            click.echo("the workers have ended; they start again after a change", err=True)
        except GatherqError as error:
            click.echo(f"Error: {error}\nwaiting for a change", err=True)
        finally:
            await workers.stop()
            self._workers = None


def _named(files: Collection[str]) -> str:
    """Name the first of some files, and say how many more there are."""
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return os.path.relpath(min(files)) + more
