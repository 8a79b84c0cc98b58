"""Forks that jobs make of a process of ours: they take no part in its work, and do it no harm."""

import asyncio
import contextlib
import os
import selectors
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, Protocol

from gatherq.contract.remote_errors.attributes import is_a

#: Signals that the engine handles; a fork has their defaults.
_OURS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGURG") if hasattr(signal, name)]


class Forked(Protocol):
    """A part of a process that forks of it must not share."""

    def disarm(self) -> None:
        """Give up what a fork must not share; called in the fork, before any other Python code."""


def guard(engine: Forked) -> None:
    """Make all that this process forks harmless to it, as long as `engine` is there."""
    if not hasattr(os, "register_at_fork"):
        return  # Windows
    known = weakref.ref(engine)

    def in_child() -> None:
        try:
            if engine := known():
                _reset_signals()
                engine.disarm()
        finally:
            _let_through()

    # A signal that comes before the defaults are set would be written into the parent's loop.
    os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=in_child)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for signum in _OURS:
        default = signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL
        signal.signal(signum, default)


def _hold_back() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)


def _let_through() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)


def silence(loop: asyncio.AbstractEventLoop) -> None:
    """In a fork: have a loop end the process, once the code that forked awaits or returns.

    Nothing else that was ready may run a second time, and what the loop waits on is shared with
    the parent. asyncio's loops have no public way for either; others are left as they are.
    """
    leaving = asyncio.Handle(os._exit, (0,), loop)
    ready: Any = getattr(loop, "_ready", None)
    if ready is not None:
        count = len(ready) + 1  # the loop counts them before it runs them
        ready.clear()
        ready.extend([leaving] * count)
    selector: Any = getattr(loop, "_selector", None)
    if hasattr(selector, "fileno"):
        loop._selector = selectors.SelectSelector()  # type: ignore[attr-defined]
        cover([selector.fileno()])


def cover(descriptors: Iterable[int]) -> None:
    """In a fork: put nothing in the place of descriptors, so that their owners can do no harm."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        if descriptor >= 0:
            os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def leave(error: BaseException | None) -> NoReturn:
    """End a fork whose code came back to the engine, as Python ends a program."""
    code: Any = 0
    with contextlib.suppress(BaseException):
        if is_a(error, SystemExit):
            code = error.code
        elif error is not None:
            traceback.print_exception(error)
            code = 1
        if not isinstance(code, int | None):
            print(code, file=sys.stderr)
            code = 1
    flush()
    os._exit((code or 0) & 0xFF)


def flush() -> None:
    """Write out what was printed, as far as it can be."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


class Traces(NamedTuple):
    """What forks of a process share with it, or lack."""

    threads: int
    descriptors: set[int]


def traces() -> Traces | None:
    """Take stock of this process; None where that cannot be done."""
    try:
        found = {int(name) for name in os.listdir("/dev/fd")}
    except OSError:
        return None
    try:
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        threads = threading.active_count()
    return Traces(threads, {descriptor for descriptor in found if _is_open(descriptor)})


def can_be_shared(before: Traces | None) -> bool:
    """Tell whether what was imported since is safe in forks: no thread, no open descriptor."""
    now = traces()
    if before is None or now is None:
        return False
    return now.threads <= before.threads and now.descriptors <= before.descriptors


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
