"""Jobs in processes of their own: each process takes one after the other, and is killed when late.

A pool of our own, because those on the index were made for other promises: they poll, measure by
the wall clock, share one pipe between all processes, and leave the children of a process alive.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from gatherq.codec import encode
from gatherq.remote import ErrorInfo

from .attempt import Attempt
from .context import CurrentJob
from .decide import Ending
from .describe import Described
from .execute import past
from .frames import pack, receive
from .handlers import Handler
from .interrupt import SIGNAL
from .undertaker import how_it_died


class Died(Exception):
    """The process of a job ended under it; says how."""


class Processes:
    """At most `most` at a time; started when first needed, and used again."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._alive, self._mine = os.pipe()

    async def run(
        self, attempt: Attempt, handler: Handler, begin: Callable[[], CurrentJob]
    ) -> Ending:
        """Run a job, once a process is free and `begin` has set its deadline."""
        async with self._free:
            process = self._idle.pop() if self._idle else await self._start()
            try:
                request = _request(attempt, handler, begin())
                answer = await process.ask(request, attempt)
                self._idle.append(process)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                code = await process.kill()
                self._all.discard(process)
                if past(attempt):
                    return Ending(expired=True)
                return Ending(error=Died(how_it_died(code)).with_traceback(error.__traceback__))
            except BaseException as error:
                process.kill_now()
                self._all.discard(process)
                await process.kill()
                return Ending(error=error, expired=past(attempt))
        return _ending(answer, attempt)

    def close(self) -> None:
        """Kill all, with their children."""
        for process in self._all:
            process.kill_now()
        self._all.clear()

    async def _start(self) -> "_Process":
        mine, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", f"{__package__}.child", str(theirs.fileno()), str(self._alive)),
                pass_fds=(theirs.fileno(), self._alive),
                start_new_session=True,
            )
        reader, writer = await asyncio.open_connection(sock=mine)
        child = _Process(process, reader, writer)
        self._all.add(child)
        writer.write(pack(sys.path))
        await receive(reader)
        return child


class _Process:
    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    async def ask(self, request: bytes, attempt: Attempt) -> Any:
        """Send a request and return the answer; raises TimeoutError if it does not come in time."""
        self._writer.write(request)
        loop = asyncio.get_running_loop()
        late = attempt.deadline and loop.call_at(attempt.deadline, self._interrupt)
        try:
            async with asyncio.timeout_at(attempt.overdue):
                return await receive(self._reader)
        finally:
            if late:
                late.cancel()

    async def kill(self) -> int:
        """Kill it with its children; return its exit code."""
        with contextlib.suppress(TimeoutError):  # it may be about to end by itself
            await asyncio.wait_for(self._process.wait(), 0.05)
        self.kill_now()
        self._writer.close()
        return await self._process.wait()

    def kill_now(self) -> None:
        """Kill it and its children, without waiting."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _interrupt(self) -> None:
        """Interrupt code that blocks; what awaits is cancelled inside, by its own deadline."""
        if SIGNAL is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(SIGNAL)


def _request(attempt: Attempt, handler: Handler, job: CurrentJob) -> bytes:
    record = attempt.job
    assert record is not None
    return pack(
        {
            "module": handler.function.__module__,
            "name": handler.name,
            "args": record.args,
            "kwargs": record.kwargs,
            "memory": handler.memory,
            "job": job._asdict(),
        }
    )


def _ending(answer: dict[str, Any], attempt: Attempt) -> Ending:
    expired = bool(answer.get("expired")) or past(attempt)
    if answer.get("cancelled"):
        return Ending(error=asyncio.CancelledError(), expired=expired)
    if expired:
        return Ending(expired=True)
    if "error" in answer:
        info = ErrorInfo.model_validate(answer["error"])
        error = Described(info, answer.get("delay"), bool(answer.get("matches")))
        return Ending(error=error, expired=expired)
    value = answer["value"]
    return Ending(value=value, written=encode(value))
