"""The application's producer, as it stands: plain arq, which pickles.

python producer.py
"""

import asyncio
import os
from typing import Any

from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.jobs import Job, JobStatus


async def outcome(job: Job) -> str:
    """Wait for a job and say what became of it."""
    try:
        return repr(await job.result(timeout=60, poll_delay=0.02))
    except asyncio.CancelledError:
        return "aborted"
    except Exception as error:
        return type(error).__name__


async def run(redis: ArqRedis) -> dict[str, Any]:
    """Enqueue one of each kind, and return what became of them, by name."""

    async def enqueue(name: str, *args: Any, **options: Any) -> Job:
        job = await redis.enqueue_job(name, *args, **options)
        assert job is not None
        return job

    jobs = {
        "page": await enqueue("download", "start"),
        "busy page": await enqueue("download", "busy"),
        "late page": await enqueue("download", "late", _defer_by=0.5),
        "picture": await enqueue("convert", "picture"),
        "broken": await enqueue("convert", "broken"),
        "too slow": await enqueue("too_slow"),
        "unknown": await enqueue("nobody_knows"),
    }
    watcher = await enqueue("watch_for_ever")
    while await watcher.status() is not JobStatus.in_progress:
        await asyncio.sleep(0.02)
    aborted = await watcher.abort(timeout=60, poll_delay=0.02)
    found = {name: await outcome(job) for name, job in jobs.items()}
    info = await jobs["busy page"].result_info()
    while int(await redis.get("app:ticks") or 0) < 2:
        await asyncio.sleep(0.05)
    return {**found, "watcher": aborted, "tries of busy page": info and info.job_try}


async def main() -> None:
    """Print the results, one a line."""
    url = os.environ.get("APP_REDIS_URL", "redis://localhost")
    redis = await create_pool(RedisSettings.from_dsn(url))
    for name, what in (await run(redis)).items():
        print(f"{name:20} {what}")
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
