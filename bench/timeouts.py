"""How late timeouts are, how soon a killed worker's job starts again, what isolation costs.

python bench/timeouts.py [--timeouts 200]
"""

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, perf_counter

from gatherq import Producer, TimedOut, call
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent
LIMIT = 0.5


def worker(url: str, *options: str) -> subprocess.Popen[bytes]:
    """Run a supervised worker process."""
    command = [sys.executable, "-m", "gatherq_worker", "worker", "stuck_jobs", *options]
    environment = {**os.environ, "GATHERQ_REDIS_URL": url}
    return subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.DEVNULL)


async def lateness(producer: Producer, kind: str, at_once: int, count: int) -> None:
    """Print how long after its limit each timeout was recorded, in ms."""
    found: list[float] = []
    while len(found) < count:
        batch = await producer.submit([call(kind)] * at_once, timeout=LIMIT)
        for outcome in await batch.outcomes():
            assert isinstance(outcome, TimedOut), outcome
            assert outcome.started is not None
            found.append((outcome.finished - outcome.started).total_seconds() * 1000 - LIMIT * 1000)
    p50, most = statistics.median(found), max(found)
    print(f"{kind:20}{len(found):8}{p50:12.0f}{most:12.0f}", flush=True)


async def restarts(producer: Producer, count: int) -> None:
    """Print how long after kill -9 of its worker a job starts again, in ms."""
    found: list[float] = []
    for _ in range(count):
        with tempfile.NamedTemporaryFile() as file:
            await producer.submit([call("ledger", file.name)])
            path = Path(file.name)
            pid = int((await _lines(path, 1))[0])
            await asyncio.sleep(0.3)
            os.kill(pid, signal.SIGKILL)
            killed = monotonic()
            await _lines(path, 2)
            found.append((monotonic() - killed) * 1000)
        await asyncio.sleep(1.5)
    print(
        f"kill -9 to the second start: p50 {statistics.median(found):.0f} ms, max {max(found):.0f}"
    )


async def overhead(producer: Producer, kind: str, count: int) -> None:
    """Print what a no-op job costs, in microseconds, end to end."""
    await producer.gather(*[call(kind)] * 100)
    start = perf_counter()
    await producer.gather(*[call(kind)] * count)
    print(f"{kind:20}{(perf_counter() - start) / count * 1e6:10.0f} us a job", flush=True)


async def _lines(path: Path, count: int) -> list[str]:
    while len(lines := path.read_text().splitlines()) < count:  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.002)
    return lines


async def measure(url: str, count: int) -> None:
    """Measure all."""
    async with Producer(url) as producer:
        await producer.gather(call("noop"), call("noop_process"))
        print(f"{'kind':20}{'count':>8}{'p50 ms':>12}{'max ms':>12}   after the limit")
        for kind, at_once, times in [
            ("waits", 50, count),
            ("blocks", 1, count),
            ("spins", 1, count),
            ("swallows", 50, count),
            ("thread_spins", 20, count),
            ("thread_sleeps", 20, 20),
            ("process_spins", 4, count),
            ("process_gil", 4, count),
            ("resists", 1, 10),
        ]:
            await lateness(producer, kind, at_once, min(times, count))
        await asyncio.sleep(2)
        await restarts(producer, 10)
        for kind, jobs in [("noop", 20_000), ("noop_thread", 2000), ("noop_process", 2000)]:
            await overhead(producer, kind, jobs)


def main() -> None:
    """Start a server and two supervised worker processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timeouts", type=int, default=200)
    options = parser.parse_args()
    with embedded_server() as (url, kind):
        assert kind in REAL, f"{kind} is no server to measure on"
        process = worker(url, "--processes", "2")
        try:
            asyncio.run(measure(url, options.timeouts))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
