"""Runs plain functions, each in a thread of its own, under its deadline."""

import asyncio
import contextvars
import ctypes
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from gatherq_worker.attempt import Attempt, Place
from gatherq_worker.registry import Handler

from . import forks
from .capacity import Places
from .guarded_task import guarded
from .loop import Interrupted, past, wrap_up
from .result import ExecutionResult, ResultWriter, write_result
from .shortage import Shortage, is_shortage

#: Seconds between two attempts to interrupt a thread that is late.
_AGAIN = 0.1


class Threads:
    """At most `most` threads at a time; one that cannot be stopped is abandoned, and counted."""

    def __init__(
        self,
        most: int,
        write: ResultWriter = write_result,
        when_free: Callable[[], None] | None = None,
    ) -> None:
        self.places: Places = Places(most, when_free)
        self._write = write
        #: How many threads run on although their time is over.
        self.abandoned = 0

    async def take(self, handler: Handler, seat: Place | None = None) -> Place:
        """Wait for a place, unless it has a `seat`; all handlers share them."""
        return seat or await self.places.take()

    async def run(
        self, attempt: Attempt, begin: Callable[[], object], call: Any
    ) -> ExecutionResult:
        """Run `call` in a thread, once `begin` has set the deadline."""
        begin()
        thread = _Thread(attempt, call, self._write)
        try:
            thread.start()
        except Exception as error:
            if is_shortage(error):
                raise Shortage(f"{type(error).__name__}: {error}") from error
            raise
        done = guarded(thread.done.wait(), attempt)
        try:
            left = None if attempt.deadline is None else attempt.deadline - monotonic()
            await asyncio.wait({done}, timeout=left)
            if not done.done():
                await self._stop(thread, done, attempt.overdue or monotonic())
        except asyncio.CancelledError as error:
            thread.result.error = error
            await self._stop(thread, done, monotonic() + _AGAIN)
        finally:
            done.cancel()
        result = thread.result
        result.expired = past(attempt)
        return result

    async def _stop(self, thread: "_Thread", done: "asyncio.Future[Any]", until: float) -> None:
        """Interrupt a thread until it ends, or its time is over."""
        while not done.done() and monotonic() < until:
            thread.interrupt()
            await asyncio.wait({done}, timeout=min(_AGAIN, max(until - monotonic(), 0.001)))
        if not done.done():
            self.abandoned += 1
            thread.when_done = self._returned

    def _returned(self) -> None:
        self.abandoned -= 1


class _Thread:
    def __init__(self, attempt: Attempt, call: Callable[[], Any], write: ResultWriter) -> None:
        self.result, self._attempt, self._write = ExecutionResult(), attempt, write
        self.done = asyncio.Event()
        self.when_done: Callable[[], None] = lambda: None
        #: How far it is: an interruption may come between any two steps.
        self._called = self._wrote = self._ran = False
        self._call, self._pid = call, os.getpid()
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        name = f"gatherq {attempt.name} {attempt.job_id}"
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def interrupt(self) -> None:
        """Raise Interrupted in the thread, at its next instruction."""
        thread = self._thread.ident
        if thread is not None and not self._ran:
            error = ctypes.py_object(Interrupted)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)

    def _main(self) -> None:
        while True:
            try:
                self._run()
                return
            except Interrupted:  # it came after the end of the job
                continue

    def _run(self) -> None:
        if not self._called:
            self._called = True
            try:
                self.result.value = self._context.run(self._call)
            except BaseException as error:
                self.result.error = error
            if os.getpid() != self._pid:
                forks.leave(self.result.error)
        if not self._wrote:
            self._wrote = True
            self.result.expired = past(self._attempt)
            self._context.run(wrap_up, self.result, self._attempt, self._write)
        self._ran = True
        try:
            self._loop.call_soon_threadsafe(self._finished)
        except RuntimeError:
            return  # the worker has ended

    def _finished(self) -> None:
        if not self.done.is_set():
            self.done.set()
            self.when_done()
