"""How long a running job takes to get its CancelledError, and a big batch to end or to go.

    python bench/cancel.py [--times 200] [--jobs 100000]

One idle worker process. The handler returns the wall clock at its CancelledError through a Redis
list; both processes are on this machine, so the two clocks are one.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter, time

from gatherq import Producer, call
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent
QUEUE = f"bench-cancel-{os.getpid()}"


async def reaction(producer: Producer, times: int) -> list[float]:
    """Return the milliseconds from `cancel()` to the handler's CancelledError, each time."""
    found = []
    for _ in range(times):
        batch = await producer.submit([call("linger", QUEUE + ":log")])
        await producer.redis.blpop([QUEUE + ":log"])  # type: ignore[misc]
        await asyncio.sleep(0.02)
        asked = time()
        await batch.cancel()
        _, at = await producer.redis.blpop([QUEUE + ":log"])  # type: ignore[misc]
        found.append((float(at) - asked) * 1000)
        await batch.outcomes()
    return found


async def measure(url: str, times: int, jobs: int) -> None:
    """Print the medians."""
    async with Producer(url, queue=f"{QUEUE}-nobody") as producer:
        batch = await producer.submit([call("linger", "x") for _ in range(jobs)])
        await producer.redis.config_set("slowlog-log-slower-than", 5000)
        for step in (batch.cancel, batch.redrive, batch.delete):
            await producer.redis.slowlog_reset()
            start = perf_counter()
            await step()
            took = perf_counter() - start
            slow = await producer.redis.slowlog_len()
            print(f"{step.__name__} of {jobs:,}: {took:.2f} s, {slow} script calls above 5 ms")
    async with Producer(url, queue=QUEUE) as producer:
        found = sorted(await reaction(producer, times))
    print(
        f"CancelledError after cancel(), {times} times: median {statistics.median(found):.1f} ms, "
        f"p99 {found[int(len(found) * 0.99)]:.1f} ms"
    )


def main() -> None:
    """Start a server and a worker."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=100_000)
    options = parser.parse_args()
    with embedded_server() as (url, kind):
        assert kind in REAL, f"{kind} is no server to measure on"
        worker = subprocess.Popen(
            [sys.executable, "-m", "gatherq_worker", "worker", "cancel_jobs", "--queue", QUEUE],
            cwd=HERE,
            env={**os.environ, "GATHERQ_REDIS_URL": url},
            stderr=subprocess.DEVNULL,
        )
        try:
            asyncio.run(measure(url, options.times, options.jobs))
        finally:
            worker.terminate()
            worker.wait()


if __name__ == "__main__":
    main()
