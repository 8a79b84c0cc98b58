"""A handler in the event loop, under its deadline. Whatever it raises stays inside."""

import asyncio
import os
import types
from collections.abc import Awaitable, Callable, Generator
from time import monotonic
from types import FrameType
from typing import Any

from . import forks
from .attempt import Attempt
from .decide import Ending
from .page import Page, mark_of

Run = Callable[[], Awaitable[Any]]
Hook = Callable[[dict[Any, Any]], Awaitable[Any]]
#: A handler with its arguments, which takes the context.
Bound = Callable[[dict[Any, Any]], Any]


class Interrupted(BaseException):
    """Raised into code that blocks, when its time is over."""


async def in_loop(attempt: Attempt, run: Run, page: Page | None) -> Ending:
    """Run a handler, and say how it ended; never raises. A page is marked while its code runs."""
    ending, pid = Ending(), os.getpid()
    deadline = asyncio.timeout_at(attempt.deadline)
    try:
        async with deadline:
            ending.value = await (run() if page is None else _marked(run(), page, attempt))
    except BaseException as error:
        ending.error = error
    if os.getpid() != pid:
        forks.leave(ending.error)
    # By the clock too: the timer of a deadline waits as long as the loop is blocked.
    ending.expired = deadline.expired() or past(attempt)
    return ending


def plainly(attempt: Attempt, call: Callable[[], Any]) -> Ending:
    """Call a function in this thread, which has no loop, and say how it ended; never raises."""
    ending, pid = Ending(), os.getpid()
    try:
        ending.value = call()
    except BaseException as error:
        ending.error = error
    if os.getpid() != pid:
        forks.leave(ending.error)
    ending.expired = past(attempt)
    return ending


@types.coroutine
def _marked(running: Any, page: Page, attempt: Attempt) -> Generator[Any, Any, Any]:
    """Await a coroutine, with the page marked during each of its steps and not between them."""
    mark = mark_of(attempt)
    end = len(mark)
    step, value = running.send, None
    while True:
        page.memory[:end] = mark
        try:
            waiting = step(value)
        except StopIteration as stop:
            return stop.value
        finally:
            page.memory[0] = 0  # the page is another one in a fork
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


def plain_or_not(call: Callable[[], Any]) -> Run:
    """Run a function in the loop, plain or not, where it may block all that there is."""

    async def run() -> Any:
        found = call()
        return await found if asyncio.iscoroutine(found) else found

    return run


def past(attempt: Attempt) -> bool:
    """Tell whether the limit of an attempt is behind us."""
    return attempt.deadline is not None and monotonic() >= attempt.deadline


def is_loop(frame: FrameType) -> bool:
    """Tell whether `frame` is the event loop's, which calls one step of a task."""
    return frame.f_code is asyncio.Handle._run.__code__


def in_handler(frame: FrameType | None) -> bool:
    """Tell whether `frame` is in code that a handler called, and not in the engine's own."""
    below = None
    while frame is not None and not is_loop(frame):
        if frame.f_code in (in_loop.__code__, plainly.__code__):
            return below is not None and below.f_globals.get("__name__") != "asyncio.timeouts"
        own = frame.f_globals.get("__package__") == __package__
        if own and frame.f_globals.get("__name__") != __name__:
            return False
        frame, below = frame.f_back, frame
    return True  # a task that the handler started
