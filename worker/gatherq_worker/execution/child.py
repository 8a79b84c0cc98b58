"""The process of one job, seen from inside: it runs the job, answers, and ends."""

import asyncio
import inspect
import os
import signal
import socket
import threading
from functools import partial
from typing import Any, NoReturn

from gatherq.contract.current_job import CurrentJob, current_job, set_current
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import describe, say
from gatherq.contract.values.codec import encode
from gatherq.errors import Retry
from gatherq.telemetry.sdk_flush import flush_sdk
from gatherq.telemetry.trace_field import continue_trace
from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.frames import framed, pack, read
from gatherq_worker.job_telemetry import sentry_process
from gatherq_worker.registry import Handler, Registry, load

from . import forks, interrupt
from .event_loop import run_until_done
from .loop import in_loop, in_this_thread, sync_or_async
from .progress_sender import ProgressSender
from .result import ExecutionResult

Known = dict[str, Registry]


def run(connection: socket.socket, known: Known) -> NoReturn:
    """Run the job that comes over `connection`, answer, and end this process."""
    try:
        os.setsid()
        interrupt.install()
        job = _Job(connection, known)
        with connection.makefile("rwb") as stream:
            while (request := read(stream)) is not None:
                stream.write(job.answer(request))
                stream.flush()
                if "load" not in request:
                    break
    except OSError:
        pass  # the worker has gone, or given it up
    finally:
        os._exit(0)


class _Job:
    def __init__(self, connection: socket.socket, known: Known) -> None:
        self._connection, self._known = connection, known
        self._pid, self._progress = os.getpid(), ProgressSender(connection)
        self._loop: asyncio.AbstractEventLoop | None = None

    def answer(self, request: dict[str, Any]) -> bytes:
        """Import the module of the job, or run it and say how it ended."""
        try:
            frame = self._load(request["load"]) if "load" in request else self._execute(request)
        except BaseException as error:
            if os.getpid() != self._pid:
                forks.leave(error)
            return pack({"error": describe(error)})
        if os.getpid() != self._pid:  # importing, and writing a result, run code of the user's
            forks.leave(None)
        return frame

    def disarm(self) -> None:
        """In a fork of the job's: leave this process and its worker alone."""
        forks.cover([self._connection.fileno()])
        if self._loop:
            forks.silence(self._loop)

    def _load(self, module: str) -> bytes:
        before = forks.traces()
        self._known[module] = Registry(load([module]))
        return pack({"fit": forks.can_be_shared(before)})

    def _execute(self, request: dict[str, Any]) -> bytes:
        handler = self._known[request["module"]].find(request["name"])
        try:
            self._outlive()
        except BaseException as error:
            return pack({"shortage": say(error)})
        forks.guard(self)
        try:
            _limit_memory(request["memory"])
            result = self._run(handler, request)
        finally:
            _limit_memory(None)
            self._progress.stop()
        forks.flush()
        reply = _reply(result, handler)
        sentry_process.flush(current_job().remaining())
        flush_sdk(current_job().remaining())
        return reply

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

    def _run(self, handler: Handler, request: dict[str, Any]) -> ExecutionResult:
        job = CurrentJob(**request["job"], listener=self._progress)
        set_current(job)
        told = job.job_id, job.name, job.attempt, request["args"], request["kwargs"]
        sentry_process.enter_job(*told)
        if request.get("trace"):
            continue_trace(request["trace"])
        args, kwargs = handler.bind(request["args"], request["kwargs"])
        attempt = Attempt(job.job_id, job.attempt, None)
        attempt.deadline = job.deadline
        attempt.prepare = handler.encode
        call: Any = partial(handler.function, *args, **kwargs)
        if not inspect.iscoroutinefunction(handler.function):
            result = in_this_thread(attempt, call)
            if not inspect.iscoroutine(result.value):
                return result
            call = partial(_same, result.value)
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return run_until_done(loop, loop.create_task(in_loop(attempt, sync_or_async(call), None)))


def _reply(result: ExecutionResult, handler: Handler) -> bytes:
    error = result.error
    base = {"expired": result.expired}
    if is_a(error, asyncio.CancelledError):
        return pack({"cancelled": True, **base})
    if error is not None:
        matches = is_a(error, handler.definition.rules.retry_on)
        delay = error.delay if is_a(error, Retry) else None
        known = {"error": result.info or describe(error), "matches": matches, "delay": delay}
        known["report"] = sentry_process.event_of(error)
        return pack({**known, **base})
    if result.written is None:  # it cannot be, or there was no time
        return pack({"error": result.info, **base})
    return framed(b'%b,"value":%b}' % (encode(base)[:-1], result.written))


async def _same(value: Any) -> Any:
    return await value


def _limit_memory(limit: int | None) -> None:
    import resource  # not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if limit is None else limit, most))
