"""Runs a handler in the event loop, under its deadline; whatever it raises stays inside."""

import asyncio
import inspect
import os
import types
from collections.abc import Awaitable, Callable, Generator
from time import monotonic
from types import FrameType
from typing import Any

from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import Interrupted
from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.scoreboard import Scoreboard, encode_running_job

from . import forks
from .result import ExecutionResult, ResultWriter, write_result

__all__ = ["Interrupted", "in_handler", "in_loop", "is_loop", "past", "wrap_up"]

Run = Callable[[], Awaitable[Any]]
Hook = Callable[[dict[Any, Any]], Awaitable[Any]]
_WRITING = write_result.__module__
#: What the names of the engine's own modules begin with.
_ENGINE = f"{__name__.partition('.')[0]}."
#: A handler with its arguments, which takes the context.
Bound = Callable[[dict[Any, Any]], Any]


async def in_loop(
    attempt: Attempt, run: Run, scoreboard: Scoreboard | None, write: ResultWriter = write_result
) -> ExecutionResult:
    """Run a handler, write its value or error, and return how it ended; never raises.

    The scoreboard is marked while its code runs.
    """
    result, pid = ExecutionResult(), os.getpid()
    deadline = _Deadline(attempt)
    mark = b"" if scoreboard is None else encode_running_job(attempt)
    try:
        running = run()
        if not hasattr(running, "send"):
            running = _awaited(running)
        if scoreboard is None:
            result.value = await _timed(running, deadline)
        else:
            result.value = await _marked(running, deadline, scoreboard, mark)
    except BaseException as error:
        result.error = error
    if deadline.end() and is_a(result.error, asyncio.CancelledError):
        result.error = TimeoutError()
    if os.getpid() != pid:
        forks.leave(result.error)
    # By the clock too: the timer of a deadline waits as long as the loop is blocked.
    result.expired = deadline.expired or past(attempt)
    if scoreboard is not None:
        scoreboard.memory[: len(mark)] = mark
    wrap_up(result, attempt, write)
    if scoreboard is not None:
        scoreboard.memory[0] = 0
    return result


class _Deadline:
    """Cancels the current task at a time of the loop's clock, from when it is set.

    It only notes that the deadline has passed, whatever the code makes of its cancellation. What
    ends in its first step, before it waits for anything, needs no timer: `asyncio.timeout` would
    make one.
    """

    __slots__ = ("_attempt", "_before", "_loop", "_task", "_timer", "expired")

    def __init__(self, attempt: Attempt) -> None:
        self.expired = False
        self._attempt = attempt
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()  # in a fork of the handler's, none is running
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    def set(self) -> None:
        """Begin to watch the time."""
        if self._attempt.deadline is not None and not self._timer:
            self._timer = self._loop.call_at(self._attempt.deadline, self._expire)

    def _expire(self) -> None:
        if self._attempt.cancelled_by:
            return  # it is cleaning up, and is asked once
        self.expired = True
        if self._task:
            self._task.cancel()

    def end(self) -> bool:
        """Stop; tell whether it has cancelled the task, and nobody else has."""
        if self._timer:
            self._timer.cancel()
        if not self.expired or not self._task:
            return False
        return self._task.uncancel() <= self._before


def in_this_thread(
    attempt: Attempt, call: Callable[[], Any], write: ResultWriter = write_result
) -> ExecutionResult:
    """Call a function in this thread, which has no loop, and return how it ended; never raises."""
    result, pid = ExecutionResult(), os.getpid()
    try:
        result.value = call()
    except BaseException as error:
        result.error = error
    if os.getpid() != pid:
        forks.leave(result.error)
    result.expired = past(attempt)
    if not inspect.iscoroutine(result.value):  # which is to be awaited
        wrap_up(result, attempt, write)
    return result


def wrap_up(result: ExecutionResult, attempt: Attempt, write: ResultWriter) -> None:
    """Write what an execution left, unless its time is over; never raises."""
    if result.expired or attempt.cancelled_by or attempt.concluded:
        return
    pid = os.getpid()
    try:
        write(result, attempt)
    except BaseException as error:  # interrupted
        result.error = error
    if os.getpid() != pid:  # that was code of the user's, too
        forks.leave(result.error)
    result.expired = past(attempt)


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


@types.coroutine
def _timed(running: Any, deadline: _Deadline) -> Generator[Any, Any, Any]:
    """Await a coroutine; the deadline is set once it waits for something."""
    step, value = running.send, None
    while True:
        try:
            waiting = step(value)
        except StopIteration as stop:
            return stop.value
        deadline.set()
        try:
            yield waiting
        except GeneratorExit:
            running.close()
            raise
        except BaseException as error:
            step, value = running.throw, error
        else:
            return (yield from running)


@types.coroutine
def _marked(
    running: Any, deadline: _Deadline, scoreboard: Scoreboard, mark: bytes
) -> Generator[Any, Any, Any]:
    """Await a coroutine, as `_timed`; the scoreboard is marked during each of its steps alone."""
    end = len(mark)
    step, value = running.send, None
    while True:
        scoreboard.memory[:end] = mark
        try:
            waiting = step(value)
        except StopIteration as stop:
            return stop.value
        finally:
            scoreboard.memory[0] = 0  # the scoreboard is another one in a fork
        deadline.set()
        try:
            value = yield waiting
            step = running.send
        except GeneratorExit:
            running.close()
            raise
        except BaseException as error:
            step, value = running.throw, error


def after(hook: Hook, call: Bound, ctx: dict[Any, Any]) -> Run:
    """Run a handler after a hook, under one deadline."""

    async def run() -> Any:
        await hook(ctx)
        return await call(ctx)

    return run


def sync_or_async(call: Callable[[], Any]) -> Run:
    """Run a function in the loop, async or not: in a process of its own it may block the loop."""

    async def run() -> Any:
        found = call()
        return await found if inspect.iscoroutine(found) else found

    return run


def past(attempt: Attempt) -> bool:
    """Tell whether the deadline of an attempt has passed."""
    return attempt.deadline is not None and monotonic() >= attempt.deadline


def is_loop(frame: FrameType) -> bool:
    """Tell whether `frame` is the event loop's, which calls one step of a task."""
    return frame.f_code is asyncio.Handle._run.__code__


def in_handler(frame: FrameType | None) -> bool:
    """Tell whether `frame` is in code that a handler called, and not in the engine's own.

    The module that writes the result counts as the handler's: it calls the value's own code.
    """
    below, engine = "", False
    while frame is not None and not is_loop(frame):
        if frame.f_code in _OUTSIDE:
            return False
        module = frame.f_globals.get("__name__", "")
        if frame.f_code in (in_loop.__code__, in_this_thread.__code__):
            return not engine and below != ""
        if frame.f_code is wrap_up.__code__:
            engine = below != _WRITING
        elif module != __name__ and module.startswith(_ENGINE):
            engine = True
        frame, below = frame.f_back, module
    return not engine  # a task that the handler started


#: Functions that `in_loop` calls around the handler, where nothing would catch an interrupt.
_DEADLINE = (_Deadline.__init__, _Deadline.set, _Deadline.end, _Deadline._expire)
_OUTSIDE = {each.__code__ for each in (*_DEADLINE, past)}
