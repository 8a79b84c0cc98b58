"""huey on Redis, as its documentation has it: https://huey.readthedocs.io (consumer, API).

The consumer blocks on its list by default. Eight threads a process for jobs that do nothing, as
in its example, a hundred for jobs that sleep. `notify_result` wakes whoever waits for a result,
where it would otherwise be polled for from 0.1 s on.
"""

import os
import sys
import time
from typing import Any

from huey import RedisHuey

from .adapter import CONCURRENCY, DEFERRED, BlockingAdapter, Progress, Workers

THREADS = 8
URL = os.environ["BENCH_URL"]
huey = RedisHuey("bench", url=URL, notify_result=True)


@huey.task()
def echo(value: Any) -> Any:
    """Return what came."""
    return value


@huey.task()
def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    time.sleep(seconds)
    return value


class PeerAdapter(BlockingAdapter):
    """huey has no bulk enqueue."""

    packages = ("huey", "redis", "hiredis")
    settings = "8 threads a process, 100 for jobs that sleep; blocking reads, notify_result"

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start a command each."""
        threads = CONCURRENCY if sleeping else THREADS
        options = ["-k", "thread", "-w", str(threads), "-q"]
        script = [sys.executable, "-m", "huey.bin.huey_consumer", "peers.adapters.huey.huey"]
        commands = [[*script, *options]] * processes
        return Workers(commands, threads * processes)

    def submit_now(self, values: list[Any]) -> Progress:
        """By `map`. What has ended has left a result, in one hash."""
        echo.map(values)
        return Progress(done=(("HLEN", "huey.results.bench"),))

    def gather_now(self, values: list[Any], seconds: float | None) -> list[Any]:
        """By `map`, and the results of the group."""
        found = echo.map(values) if seconds is None else nap.map([(v, seconds) for v in values])
        return list(found.get(blocking=True))

    def one_now(self, value: Any) -> Any:
        """By `get(blocking=True)`."""
        return echo(value).get(blocking=True)

    def defer_now(self, values: list[Any]) -> None:
        """By `schedule`."""
        for value in values:
            echo.schedule((value,), delay=DEFERRED)
