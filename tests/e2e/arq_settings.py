"""Settings of arq, with a function and a cron job."""

import os
from typing import Any, ClassVar

from arq.connections import RedisSettings
from arq.cron import cron


async def ping(ctx: dict[Any, Any]) -> str:
    return "pong"


async def tick(ctx: dict[Any, Any]) -> None:
    pass


class WorkerSettings:
    functions: ClassVar = [ping]
    cron_jobs: ClassVar = [cron(tick, hour=0)]
    redis_settings = RedisSettings.from_dsn(os.environ["GATHERQ_REDIS_URL"])
