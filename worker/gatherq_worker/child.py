"""The inside of a process that was forked for one job: it runs it, answers, and ends."""

import asyncio
import inspect
import os
import signal
import socket
import threading
from functools import partial
from typing import Any, NoReturn

from gatherq.errors import Retry
from gatherq.limits import MAX_PAYLOAD

from . import forks, interrupt
from .attempt import Attempt
from .context import CurrentJob, set_current
from .decide import Ending
from .describe import describe, say
from .execute import in_loop, plain_or_not, plainly
from .frames import pack, read
from .handlers import Handler, Handlers, load
from .through import through

Known = dict[str, Handlers]


def run(connection: socket.socket, known: Known) -> NoReturn:
    """Take the job that comes over `connection`; its answer is the last thing that this does."""
    try:
        os.setsid()
        interrupt.install()
        with connection.makefile("rwb") as stream:
            request = read(stream)
            if request is not None:
                stream.write(_answer(_Job(connection, request, known)))
                stream.flush()
    except OSError:
        pass  # the worker has gone, or given it up
    finally:
        os._exit(0)


def _answer(job: "_Job") -> bytes:
    pid = os.getpid()
    frame = job.answer()
    if os.getpid() != pid:  # writing the result ran code of the user's, too
        forks.leave(None)
    return frame


class _Job:
    def __init__(self, connection: socket.socket, request: dict[str, Any], known: Known) -> None:
        self._connection, self._request, self._known = connection, request, known
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        #: What the answer says about the module, where it was imported here.
        self._found: dict[str, bool] = {}

    def answer(self) -> bytes:
        """Run the job, and say how it ended."""
        try:
            handler = self._find()
            try:
                self._outlive()
            except BaseException as error:
                return pack({"shortage": say(error)})
            forks.guard(self)
            _limit_memory(self._request["memory"])
            ending = self._run(handler)
        except BaseException as error:
            if os.getpid() != self._pid:
                forks.leave(error)
            return pack({"error": describe(error), **self._found})
        finally:
            _limit_memory(None)
        forks.flush()
        return self._reply(ending, handler)

    def disarm(self) -> None:
        """In a fork of the job's: leave this process and its worker alone."""
        forks.cover([self._connection.fileno()])
        if self._loop:
            forks.silence(self._loop)

    def _find(self) -> Handler:
        module = self._request["module"]
        handlers = self._known.get(module)
        if handlers is None:
            before = forks.traces()
            handlers = Handlers(load([module]))
            self._found["fit"] = forks.can_be_shared(before)
        return handlers.find(self._request["name"])

    def _outlive(self) -> None:
        """End with all children when the worker is gone, or gives the job up."""

        def watch() -> None:
            self._connection.recv(1)  # nothing more is ever written: it returns at the end
            os.killpg(0, signal.SIGKILL)

        held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:  # signals are for the main thread alone
            threading.Thread(target=watch, daemon=True).start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _run(self, handler: Handler) -> Ending:
        job = CurrentJob(**self._request["job"])
        set_current(job)
        args, kwargs = handler.bind(self._request["args"], self._request["kwargs"])
        attempt = Attempt(job.job_id, job.attempt, None)
        attempt.deadline = job.deadline
        call: Any = partial(handler.function, *args, **kwargs)
        if not inspect.iscoroutinefunction(handler.function):
            ending = plainly(attempt, call)
            if not asyncio.iscoroutine(ending.value):
                return ending
            call = partial(_same, ending.value)
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return through(loop, loop.create_task(in_loop(attempt, plain_or_not(call), None)))

    def _reply(self, ending: Ending, handler: Handler) -> bytes:
        error = ending.error
        base = {"expired": ending.expired, **self._found}
        if isinstance(error, asyncio.CancelledError):
            return pack({"cancelled": True, **base})
        if error is not None:
            matches = isinstance(error, handler.rules.retry_on)
            delay = error.delay if isinstance(error, Retry) else None
            return pack({"error": describe(error), "matches": matches, "delay": delay, **base})
        try:
            frame = pack({"value": ending.value, **base})
        except BaseException as failure:
            message = f"the result cannot be written as JSON: {say(failure)}"
            return pack({"error": {"type": "UnwritableResult", "message": message[:2000]}})
        if len(frame) > MAX_PAYLOAD + 1024:
            message = f"the result is {len(frame):,} bytes of JSON, the limit is {MAX_PAYLOAD:,}"
            return pack({"error": {"type": "ResultTooLarge", "message": message}})
        return frame


async def _same(value: Any) -> Any:
    return await value


def _limit_memory(limit: int | None) -> None:
    import resource  # not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if limit is None else limit, most))
