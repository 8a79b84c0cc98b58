"""What limits cost: a gather of no-op jobs without and with `max_at_once`, and at another checkout.

    python bench/limits.py [--against CHECKOUT] [--rounds 5] [--jobs 20000]

Each run has a server and one worker process of its own. The runs take turns, and what is printed is
the median of each: microseconds a job, of the clock and of the CPU of producer, worker and server
together, and commands a job.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
MODULES = ("producer", "worker", "bench")


class Cost(NamedTuple):
    """Of one job: microseconds of the clock and of the CPU, and commands."""

    wall: float
    cpu: float
    commands: float


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def used(redis: Any, worker: int) -> Cost:
    """Return what has been used so far, in seconds."""
    server, stats = await redis.info("cpu"), await redis.info("stats")
    cpu = server["used_cpu_user"] + server["used_cpu_sys"] + cpu_of(worker) + time.process_time()
    return Cost(time.monotonic(), cpu, stats["total_commands_processed"])


async def run(jobs: int, max_at_once: int | None) -> Cost:
    """Gather so many jobs, with the code that is on the path."""
    from gatherq import Producer, call
    from gatherq.testing.server import embedded_server

    command = [sys.executable, "-m", "gatherq_worker", "worker", "noop_jobs", "--processes", "0"]
    with embedded_server() as (url, _):
        worker = await asyncio.create_subprocess_exec(
            *command, "--redis", url, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with Producer(url) as producer:
                await producer.gather(call("noop", 0))
                before = await used(producer.redis, worker.pid)
                calls = [call("noop", n) for n in range(jobs)]
                await producer.gather(*calls, max_at_once=max_at_once)
                after = await used(producer.redis, worker.pid)
        finally:
            worker.terminate()
            await worker.wait()
    scale = (1e6, 1e6, 1)
    return Cost(*((b - a) * s / jobs for a, b, s in zip(before, after, scale, strict=True)))


def measure(checkout: Path, jobs: int, max_at_once: int | None) -> Cost:
    """Run in a process of its own, with the code of a checkout."""
    path = os.pathsep.join(str(checkout / module) for module in MODULES)
    command = [sys.executable, __file__, "--run", str(jobs), str(max_at_once or 0)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Cost(*map(float, done.stdout.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--run", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        jobs, limit = arguments.run
        print(*asyncio.run(run(jobs, limit or None)))
        return
    here = HERE.parent
    cases = {"no limit": (here, None), "max_at_once=100": (here, 100)}
    if arguments.against:
        cases = {str(arguments.against): (arguments.against.resolve(), None), **cases}
    found: dict[str, list[Cost]] = {title: [] for title in cases}
    for _ in range(arguments.rounds):
        for title, (checkout, limit) in cases.items():
            found[title].append(measure(checkout, arguments.jobs, limit))
    print(f"{'':28} {'us a job':>9} {'us of CPU':>10} {'commands':>9}")
    for title, costs in found.items():
        wall, cpu, commands = (statistics.median(part) for part in zip(*costs, strict=True))
        print(f"{title:28} {wall:9.1f} {cpu:10.1f} {commands:9.2f}")


if __name__ == "__main__":
    main()
