"""Many workers in one process: each with its own engine, connections and heartbeat thread."""

import asyncio
import logging
import os
import sys

import native
from arq.connections import RedisSettings

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq_worker import Worker


async def main(count: int) -> None:
    """Run so many until this process is ended."""
    logging.basicConfig(level=logging.WARNING)
    redis = RedisSettings.from_dsn(os.environ["GATHERQ_REDIS_URL"])
    workers = [
        Worker(
            [native.nap, native.probe],
            redis_settings=redis,
            job_serializer=job_serializer,
            job_deserializer=job_deserializer,
            handle_signals=False,
            lease=10.0,
            job_log=False,
        )
        for _ in range(count)
    ]
    await asyncio.gather(*[worker.async_run() for worker in workers])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
