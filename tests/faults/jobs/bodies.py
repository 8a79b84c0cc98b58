"""What the jobs of the rows do, whoever runs them: each is an async function of its arguments."""

import asyncio
import os
import signal
import time
from typing import Any


async def nap(seconds: float, port: int = 0) -> float:
    """Wait as an API call does; first, with a `port`, until who listens there hangs up."""
    if port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.read()
        writer.close()
    await asyncio.sleep(seconds)
    return seconds


async def block(seconds: float) -> float:
    """Block the event loop."""
    time.sleep(seconds)  # noqa: ASYNC251 (that is the fault)
    return seconds


async def spin(seconds: float) -> float:
    """Block the event loop in Python code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds


async def swallow(seconds: float) -> str:
    """Go on after a cancellation, and return a value."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        return "went on"
    return "was not cancelled"


async def resist(seconds: float) -> str:
    """Swallow each cancellation, over and over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue
    return "went on"


async def leave(code: int) -> None:
    """End the process at once."""
    os._exit(code)


async def crash() -> None:
    """End the process as a fault in C code does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    await asyncio.sleep(10)


async def exit_politely(code: int) -> None:
    """Raise SystemExit."""
    raise SystemExit(code)


async def fail(message: str) -> None:
    """Raise an error with that message."""
    raise ValueError(message)


async def give_back(value: Any) -> Any:
    """Return the argument."""
    return value


async def make(size: int) -> str:
    """Return a text of so many bytes."""
    return "x" * size


async def tell_time() -> float:
    """Return the time of day."""
    return time.time()


async def probe() -> None:
    """Say that a worker took a job; its name in the ledger is what tells."""


async def nap_at(gate: str, seconds: float, port: int = 0) -> float:
    """Wait, as `nap`; the worker lets in few at each gate."""
    return await nap(seconds, port)
