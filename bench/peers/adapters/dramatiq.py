"""dramatiq on Redis, as its documentation has it: https://dramatiq.io (guide, advanced topics).

Groups, and the Redis result backend, which its reference recommends: "waiting for a result is
resource efficient". Eight threads a process (the default) for jobs that do nothing, a hundred for
jobs that sleep. `dramatiq_queue_prefetch` (in its changelog) is 500 in place of two a thread: an
idle worker sleeps between two looks at its queue, and what it has fetched does not wait for that.
"""

import os
import time
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from .adapter import CONCURRENCY, DEFERRED, BlockingAdapter, Progress, Workers, python

URL = os.environ["BENCH_URL"]
THREADS, PREFETCH = 8, 500
PATIENCE = 300_000
broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL), store_results=True))
dramatiq.set_broker(broker)


@dramatiq.actor
def echo(value: Any) -> Any:
    """Return what came."""
    return value


@dramatiq.actor
def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    time.sleep(seconds)
    return value


class PeerAdapter(BlockingAdapter):
    """Groups."""

    packages = ("dramatiq", "redis", "hiredis")
    settings = "8 threads a process (default), 100 for jobs that sleep; prefetch 500; groups"

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start one command, which starts the processes."""
        threads = CONCURRENCY if sleeping else THREADS
        options = ("-p", str(processes), "-t", str(threads))
        prefetch = f"dramatiq_queue_prefetch={PREFETCH}"
        command = ["env", prefetch, *python("dramatiq", "peers.adapters.dramatiq", *options)]
        return Workers([command], threads * processes)

    def submit_now(self, values: list[Any]) -> Progress:
        """Run a group: a message at a time."""
        dramatiq.group([echo.message(value) for value in values]).run()
        return Progress(left=(("HLEN", "dramatiq:default.msgs"),))

    def gather_now(self, values: list[Any], seconds: float | None) -> list[Any]:
        """Run a group, and wait for its results."""
        naps = seconds is not None
        jobs = [nap.message(v, seconds) if naps else echo.message(v) for v in values]
        return list(dramatiq.group(jobs).run().get_results(block=True, timeout=PATIENCE))

    def one_now(self, value: Any) -> Any:
        """By `get_result`."""
        return echo.send(value).get_result(block=True, timeout=60_000)

    def defer_now(self, values: list[Any]) -> None:
        """By `delay`: the worker fetches them, and holds them."""
        jobs = [echo.message(value) for value in values]
        dramatiq.group(jobs).run(delay=DEFERRED * 1000)
