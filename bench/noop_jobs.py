"""The same no-op job for both."""

import os
from typing import Any, ClassVar

from arq.connections import RedisSettings

from gatherq import job


@job()
async def noop(number: int) -> int:
    """Return what came."""
    return number


async def stock(ctx: dict[Any, Any], number: int) -> int:
    """Return what came."""
    return number


stock.__qualname__ = "noop"


class Stock:
    """arq's settings."""

    functions: ClassVar = [stock]
    queue_name = "stock"
    max_jobs = 100
    redis_settings = RedisSettings.from_dsn(os.environ.get("BENCH_REDIS_URL", "redis://localhost"))
