"""A job that tells when it begins, and when it is cancelled."""

import asyncio
from time import time

from redis.asyncio import Redis

from gatherq import job
from gatherq.settings import Settings

redis = Redis.from_url(Settings().redis_url)


@job()
async def linger(key: str) -> None:
    """Wait for the cancellation."""
    await redis.execute_command("RPUSH", key, "begun")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        at = time()
        await redis.execute_command("RPUSH", key, repr(at))
        raise
