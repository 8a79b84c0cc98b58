"""celery on Redis, as its documentation has it.

https://docs.celeryq.dev, user guide, Optimizing: for many short tasks a prefetch multiplier of,
say, 64 or 128. Jobs that do nothing have the default pool, prefork, with a child for each process
that is asked for; jobs that sleep have threads. Acknowledged early (the default, and the faster):
a task whose worker dies is lost, unlike with the others. Gossip, mingle and heartbeats are off:
they are no use to one worker.
"""

import os
import time
from typing import Any

from celery import Celery, group

from .adapter import CONCURRENCY, DEFERRED, BlockingAdapter, Progress, Workers, python

URL = os.environ["BENCH_URL"]
app = Celery("bench", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=128, task_acks_late=False, result_expires=3600)


@app.task
def echo(value: Any) -> Any:
    """Return what came."""
    return value


@app.task
def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    time.sleep(seconds)
    return value


class PeerAdapter(BlockingAdapter):
    """Groups."""

    packages = ("celery", "kombu", "redis", "hiredis")
    settings = (
        "prefork, a child a process; 100 threads for jobs that sleep; prefetch multiplier 128; "
        "early acknowledgement (default: a job whose worker dies is lost); groups"
    )

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which starts the children."""
        pool, size = ("threads", CONCURRENCY) if sleeping else ("prefork", processes)
        where = ("-A", "peers.adapters.celery", "worker", "-l", "WARNING")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        command = python("celery", *where, "-P", pool, "-c", str(size), *quiet)
        return Workers([command], size)

    def submit_now(self, values: list[Any]) -> Progress:
        """Run a group. What has ended has left a result, a key each."""
        group(echo.s(value) for value in values).apply_async()
        return Progress(done=(("DBSIZE",),))

    def gather_now(self, values: list[Any], seconds: float | None) -> list[Any]:
        """Run a group, and wait for its results."""
        naps = seconds is not None
        jobs = group(nap.s(value, seconds) if naps else echo.s(value) for value in values)
        found: list[Any] = jobs.apply_async().get(timeout=300)
        return found

    def one_now(self, value: Any) -> Any:
        """By `delay().get()`."""
        return echo.delay(value).get(timeout=60)

    def defer_now(self, values: list[Any]) -> None:
        """By `countdown`: the worker fetches them, and holds them."""
        group(echo.s(value) for value in values).apply_async(countdown=DEFERRED)
