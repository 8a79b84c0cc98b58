"""An arq application, as it stands: settings class, hooks, cron, retries.

arq app.WorkerSettings
gatherq worker app.WorkerSettings
"""

import asyncio
import os
from typing import Any

from arq import Retry, cron, func
from arq.connections import RedisSettings

Ctx = dict[Any, Any]


async def download(ctx: Ctx, page: str) -> int:
    """Return the size of a page; the first try finds the site busy."""
    if page == "busy" and ctx["job_try"] == 1:
        raise Retry(defer=0.2)
    await asyncio.sleep(0.01)
    return len(page) * int(ctx["factor"])


async def convert(ctx: Ctx, name: str) -> str:
    """Fail, for some names."""
    if name == "broken":
        raise ValueError(f"cannot convert {name}")
    return f"{name}.pdf"


async def watch_for_ever(ctx: Ctx) -> None:
    """Run until somebody aborts it."""
    await ctx["redis"].incr("app:watching")
    await asyncio.sleep(3600)


async def too_slow(ctx: Ctx) -> None:
    """Take longer than its timeout."""
    await asyncio.sleep(60)


async def noop(ctx: Ctx, n: int) -> int:
    """Return `n`: for measurements."""
    return n


async def tick(ctx: Ctx) -> None:
    """Count the seconds."""
    await ctx["redis"].incr("app:ticks")


async def startup(ctx: Ctx) -> None:
    """Open what all jobs share."""
    ctx["factor"] = 10


async def shutdown(ctx: Ctx) -> None:
    """Say that it was closed."""
    await ctx["redis"].incr("app:shutdowns")


async def job_starts(ctx: Ctx) -> None:
    """Count."""
    await ctx["redis"].incr("app:started")


async def job_ended(ctx: Ctx) -> None:
    """Count."""
    await ctx["redis"].incr("app:ended")


class WorkerSettings:
    """What `arq` and `gatherq worker` read."""

    functions = (download, convert, watch_for_ever, noop, func(too_slow, timeout=0.3))
    cron_jobs = (cron(tick, second=None),)
    on_startup = startup
    on_shutdown = shutdown
    on_job_start = job_starts
    after_job_end = job_ended
    redis_settings = RedisSettings.from_dsn(os.environ.get("APP_REDIS_URL", "redis://localhost"))
    max_jobs = 100
    allow_abort_jobs = True


class BareSettings:
    """The same functions without hooks and cron: for measurements."""

    functions = WorkerSettings.functions
    on_startup = startup
    redis_settings = WorkerSettings.redis_settings
    max_jobs = 100
