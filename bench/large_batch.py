"""One large batch: what it costs in time, memory and Redis commands. Linux only (reads /proc).

    python bench/large_batch.py [--jobs 100000]

One worker process runs no-op jobs while this process collects them in order; then the batch is
collected again by its id alone, in order and as completed. The resident memory of both processes is
read when 10,000 outcomes have come, and at the end. The Redis commands are those of the collectors.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from gatherq import Outcome, Producer, call
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent
FIRST = 10_000
#: What collectors ask. A worker's scripts use MGET too: it is counted where no worker is at work.
COMMANDS = ("xread", "mget")


def resident(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def asked(producer: Producer) -> dict[str, int]:
    """Return how often each command has been called."""
    stats: dict[str, dict[str, Any]] = await producer.redis.info("commandstats")
    return {name: stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in COMMANDS}


async def collect(
    producer: Producer,
    outcomes: AsyncIterable[Outcome[Any]],
    jobs: int,
    worker: int,
    how: str,
    counted: Sequence[str] = COMMANDS,
) -> None:
    """Go through all outcomes, keep none, and print what it took."""
    before, start = await asked(producer), perf_counter()
    count, early = 0, (0.0, 0.0)
    async for outcome in outcomes:
        assert outcome.status == "succeeded"
        count += 1
        if count == FIRST:
            early = resident(os.getpid()), resident(worker)
    took, after = perf_counter() - start, await asked(producer)
    assert count == jobs
    late = resident(os.getpid()), resident(worker)
    calls = ", ".join(f"{after[name] - before[name]:,} {name.upper()}" for name in counted)
    print(f"collected {how}: {took:.2f} s, {jobs / took:,.0f}/s; {calls}")
    for who, was, now in zip(("producer", "worker"), early, late, strict=True):
        print(
            f"  {who}: {was:.1f} MiB after {FIRST:,}, {now:.1f} MiB at the end ({now - was:+.1f})"
        )


@contextmanager
def worker(url: str) -> Iterator[int]:
    """Run a worker process; yield its pid."""
    child = subprocess.Popen(
        [sys.executable, "-m", "gatherq_worker", "worker", "noop_jobs", "--queue", "large"],
        cwd=HERE,
        env={**os.environ, "GATHERQ_REDIS_URL": url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


async def measure(url: str, jobs: int) -> None:
    """Submit, collect in order while it runs, and collect again as completed."""
    async with Producer(url, queue="large") as producer:
        with worker(url) as pid:
            await producer.gather(*(call("noop", n) for n in range(100)))
            start = perf_counter()
            batch = await producer.submit(call("noop", n) for n in range(jobs))
            took = perf_counter() - start
            print(f"submitted: {took:.2f} s, {jobs / took:,.0f}/s; {resident(os.getpid()):.1f} MiB")
            await collect(producer, batch, jobs, pid, "in order, as it runs", ("xread",))
            again = await producer.batch(batch.id)
            await collect(producer, again, jobs, pid, "in order, again")
            await collect(producer, again.as_completed(), jobs, pid, "as completed, again")


def main() -> None:
    """Start a server, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    options = parser.parse_args()
    with embedded_server() as (url, kind):
        assert kind in REAL, f"{kind} is no server to measure on"
        print(f"server: {kind}; {options.jobs:,} no-op jobs in one batch, one worker process")
        asyncio.run(measure(url, options.jobs))


if __name__ == "__main__":
    main()
