"""What does harm to whoever runs it: plain functions, for a loop, a thread or a process."""

import ctypes
import os
import re
import signal
import time
from typing import Any


def leave_at_once(code: int) -> None:
    """End the process, without a word."""
    os._exit(code)


def crash_in_c() -> None:
    """Read memory that is not there."""
    ctypes.string_at(0)


def be_killed() -> None:
    """End as one does whom the kernel picks when a machine is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave_politely(code: int) -> None:
    """Raise SystemExit."""
    raise SystemExit(code)


def take_all_memory(seconds: float) -> None:
    """Take memory until there is none, keep it for a while, and fail."""
    taken: list[bytes] = []
    error: MemoryError | None = None
    for size in (1 << 24, 1 << 18, 1 << 12):
        try:
            while len(taken) < 1_000_000:
                taken.append(b"x" * size)
        except MemoryError as refused:
            error = refused
    time.sleep(seconds)
    taken.clear()
    assert error, "memory has no limit here"
    raise error


def sleep(seconds: float) -> float:
    """Block whatever runs it."""
    time.sleep(seconds)
    return seconds


def spin(seconds: float) -> float:
    """Run Python code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds


def backtrack() -> bool:
    """Look for what is not there with an expression that tries all ways: for half an hour."""
    return bool(re.match(r"(a+)+b", "a" * 36))


def hold() -> int:
    """Stay in C code that lets go of the interpreter never, and takes no signal: some minutes."""
    return sum(range(10**10))


def resist(seconds: float) -> str:
    """Swallow whatever is raised here, over and over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.05)
        except BaseException:
            continue
    return "went on"


def nap_here(seconds: float) -> Any:
    """Wait."""
    time.sleep(seconds)
    return seconds


POISONS = (leave_at_once, crash_in_c, be_killed, leave_politely, take_all_memory)
BLOCKERS = (sleep, spin, backtrack, hold, resist)
