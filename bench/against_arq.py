"""gatherq against stock arq, in one run on one server: no-op jobs through one worker process each.

    python bench/against_arq.py [--jobs 5000] [--rounds 3]

Prints jobs per second, submitted and collected in order; the median latency of one job on an idle
pool; and the ratios. Both run with the same concurrency.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from arq.connections import ArqRedis, RedisSettings, create_pool

from gatherq import Producer, call
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent
CONCURRENCY = 100


async def gatherq_run(producer: Producer, jobs: int) -> float:
    """Return jobs per second, end to end and in order."""
    calls = [call("noop", n) for n in range(jobs)]
    start = perf_counter()
    values = await producer.gather(*calls)
    took = perf_counter() - start
    assert values == list(range(jobs))
    return jobs / took


async def arq_run(redis: ArqRedis, jobs: int) -> float:
    """Return jobs per second, end to end and in order."""
    start = perf_counter()
    handles = []
    for first in range(0, jobs, 50):
        numbers = range(first, min(first + 50, jobs))
        handles += await asyncio.gather(*(redis.enqueue_job("noop", n) for n in numbers))
    values = []
    for handle in handles:
        assert handle is not None
        values.append(await handle.result(timeout=120, poll_delay=0.01))
    took = perf_counter() - start
    assert values == list(range(jobs))
    return jobs / took


async def gatherq_latency(producer: Producer, times: int) -> float:
    """Return the median milliseconds from submit to result on an idle pool."""
    found = []
    for n in range(times):
        await asyncio.sleep(0.01)
        start = perf_counter()
        await producer.gather(call("noop", n))
        found.append((perf_counter() - start) * 1000)
    return statistics.median(found)


async def arq_latency(redis: ArqRedis, times: int) -> float:
    """Return the median milliseconds from submit to result on an idle pool."""
    found = []
    for n in range(times):
        start = perf_counter()
        handle = await redis.enqueue_job("noop", n)
        assert handle is not None
        await handle.result(timeout=60, poll_delay=0.005)
        found.append((perf_counter() - start) * 1000)
    return statistics.median(found)


@contextmanager
def process(*command: str, **environment: str) -> Iterator[None]:
    """Run a worker process."""
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=HERE,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait()


async def measure(url: str, jobs: int, rounds: int) -> None:
    """Alternate between the two, and print the medians."""
    redis = await create_pool(RedisSettings.from_dsn(url), default_queue_name="stock")
    rates: dict[str, list[float]] = {"gatherq": [], "arq": []}
    async with Producer(url, queue="ours") as producer:
        await producer.gather(*(call("noop", n) for n in range(500)))
        await (await redis.enqueue_job("noop", 1)).result(timeout=30)  # type: ignore[union-attr]
        for _ in range(rounds):
            rates["gatherq"].append(await gatherq_run(producer, jobs))
            rates["arq"].append(await arq_run(redis, jobs))
        latency = {
            "gatherq": await gatherq_latency(producer, 200),
            "arq": await arq_latency(redis, 9),
        }
    await redis.aclose()
    print(f"{jobs} jobs, median of {rounds} rounds, concurrency {CONCURRENCY}")
    print(f"{'':10}{'end to end/s':>14}{'idle latency ms':>17}")
    for name, found in rates.items():
        print(f"{name:10}{statistics.median(found):14,.0f}{latency[name]:17.2f}")
    ratio = statistics.median(g / a for g, a in zip(rates["gatherq"], rates["arq"], strict=True))
    print(f"{'ratio':10}{ratio:14.1f}{latency['arq'] / latency['gatherq']:17.1f}")


def main() -> None:
    """Start a server and one worker of each kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with embedded_server() as (url, kind):
        assert kind in REAL, f"{kind} is no server to measure on"
        print(f"server: {kind}")
        ours = ("gatherq_worker", "worker", "noop_jobs", "--queue", "ours")
        settings = {"GATHERQ_REDIS_URL": url, "BENCH_REDIS_URL": url}
        limit = ("--concurrency", str(CONCURRENCY))
        with process(*ours, *limit, **settings), process("arq", "noop_jobs.Stock", **settings):
            asyncio.run(measure(url, options.jobs, options.rounds))


if __name__ == "__main__":
    main()
