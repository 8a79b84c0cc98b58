"""The jobs of the scenarios; `place` says which world they are of."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gatherq import job
from gatherq.store.server.connection import connection_pool

from .worlds import world

#: Seconds to clean up: scenarios do not depend on how busy the machine is.
GRACE = 10


@job()
async def echo(place: str, value: Any = None) -> Any:
    return value


@job()
async def fail(place: str, message: str) -> None:
    raise ValueError(message)


@job()
async def fail_with_group(place: str) -> None:
    raise ExceptionGroup("both", [KeyError("a"), ValueError("b")])


@job()
async def own_timeout(place: str) -> None:
    raise TimeoutError("mine")


@job()
async def cancel_itself(place: str) -> None:
    raise asyncio.CancelledError


@job(grace=GRACE)
async def held(place: str, name: str, value: Any = None) -> Any:
    """Wait at the gate `name`, and tell of the start and the end."""
    async with world(*place.split("/")) as w:
        try:
            await w.tell("start", name)
            await w.passed(name)
        except asyncio.CancelledError:
            await w.tell("cancelled", name)
            raise
        await w.tell("end", name)
        return value


@job(grace=GRACE)
async def endless(path: str, name: str) -> None:
    """Wait until it is cancelled, and tell of it in a file."""
    _note(path, f"start {name}")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        _note(path, f"cancelled {name}")
        raise


@job(grace=GRACE)
async def endless_cleaning(path: str, name: str) -> None:
    """As `endless`; it cleans up over a connection of its own."""
    try:
        await endless(path, name)
    except asyncio.CancelledError:
        url = os.environ["GATHERQ_REDIS_URL"]
        # redis-py's own connections cannot be used in a cancelled task before Python 3.11.3.
        old = sys.version_info < (3, 11, 3)
        async with Redis.from_pool(connection_pool(url)) if old else Redis.from_url(url) as redis:
            await redis.ping()
        _note(path, f"clean {name}")
        raise


def _note(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{line}\n")


@job(grace=GRACE)
async def held_failure(place: str, name: str) -> None:
    await held(place, name)
    raise ValueError(name)


@job(grace=GRACE)
async def failing_cleanup(place: str, name: str) -> None:
    """Answer a cancellation with an error."""
    try:
        await held(place, name)
    except asyncio.CancelledError:
        raise ValueError(f"clean-up of {name}") from None


@job(grace=GRACE)
async def nested_gather(place: str, *names: str) -> list[Any]:
    """Gather from inside a job."""
    async with world(*place.split("/")) as w:
        return list(await w.gather(*(w.call(held, name, name) for name in names)))


@job(grace=GRACE)
async def nested_group(place: str, failing: str, other: str) -> None:
    """Run a group from inside a job; its first member fails."""
    async with world(*place.split("/")) as w, w.task_group() as group:
        group.create_task(w.call(held_failure, failing))
        group.create_task(w.call(held, other))


@job()
async def nested_depth(place: str, depth: int) -> int:
    """Count down, one job inside the other."""
    if depth == 0:
        return 0
    async with world(*place.split("/")) as w:
        (below,) = await w.gather(w.call(nested_depth, depth - 1))
        return int(below) + 1
