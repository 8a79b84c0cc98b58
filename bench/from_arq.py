"""The sample arq application under arq's worker and under ours, in one run on one server.

    python bench/from_arq.py [--jobs 2000]

A plain arq producer, one worker process each. Prints jobs per second from the first enqueue to the
last result, and the median ms from enqueue to start on an idle worker, by the recorded times.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from arq.connections import ArqRedis, RedisSettings, create_pool

from gatherq.testing.server import REAL, embedded_server

FOLDER = Path(__file__).parents[1] / "examples" / "from_arq"
COMMANDS = {"arq": ("arq",), "gatherq": ("gatherq_worker", "worker")}


async def throughput(redis: ArqRedis, jobs: int) -> float:
    """Return jobs per second."""
    start = perf_counter()
    for first in range(0, jobs, 50):
        numbers = range(first, min(first + 50, jobs))
        handles = await asyncio.gather(*(redis.enqueue_job("noop", n) for n in numbers))
    while await redis.zcard("arq:queue"):
        await asyncio.sleep(0.01)
    assert all([await h.result(timeout=60) is not None for h in handles if h])
    return jobs / (perf_counter() - start)


async def latency(redis: ArqRedis, times: int) -> float:
    """Return the median ms from enqueue to start."""
    waited = []
    for n in range(times):
        handle = await redis.enqueue_job("noop", n)
        assert handle is not None
        await handle.result(timeout=60, poll_delay=0.005)
        info = await handle.result_info()
        assert info is not None
        waited.append((info.start_time - info.enqueue_time).total_seconds() * 1000)
    return statistics.median(waited)


async def measure(url: str, jobs: int) -> None:
    """Run one after the other."""
    print(f"{'':10}{'jobs/s':>10}{'to start ms':>14}")
    for database, (name, command) in enumerate(COMMANDS.items()):
        place = f"{url.rsplit('/', 1)[0]}/{database}"
        redis = await create_pool(RedisSettings.from_dsn(place))
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command, "app.BareSettings"),
            cwd=FOLDER,
            env={**os.environ, "APP_REDIS_URL": place},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await latency(redis, 2)
            rate, waited = await throughput(redis, jobs), await latency(redis, 15)
            print(f"{name:10}{rate:10,.0f}{waited:14.1f}")
        finally:
            worker.terminate()
            await worker.wait()
            await redis.aclose()


def main() -> None:
    """Start a server and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    options = parser.parse_args()
    with embedded_server() as (url, kind):
        assert kind in REAL, f"{kind} is no server to measure on"
        asyncio.run(measure(url, options.jobs))


if __name__ == "__main__":
    main()
