"""RQ, as its documentation has it: https://python-rq.org (workers, results, jobs).

Its notes on performance: SimpleWorker, which does not fork for each job, is six times as fast as
the default. A worker runs one job at a time; to run more "simply start more workers": eight
processes for jobs that sleep. `enqueue_many` is what it has for many jobs. A result is waited for
by `latest_result(timeout=)`, which blocks.
"""

import time
from datetime import timedelta
from typing import Any

from redis import Redis
from rq import Queue

from .adapter import DEFERRED, BlockingAdapter, Progress, Workers, chunks, python

PROCESSES = 8


def echo(value: Any) -> Any:
    """Return what came."""
    return value


def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    time.sleep(seconds)
    return value


class PeerAdapter(BlockingAdapter):
    """One queue."""

    packages = ("rq", "redis", "hiredis")
    settings = "SimpleWorker (no fork), a job a process at a time, 8 processes for jobs that sleep"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.queue = Queue("default", connection=Redis.from_url(url))

    def workers(self, processes: int, sleeping: bool) -> Workers:
        """Start a command each; the first has the scheduler, which deferred jobs need."""
        number = PROCESSES if sleeping else processes
        options = ("-w", "rq.worker.SimpleWorker", "-u", self.url, "--logging_level", "WARNING")
        first = python("rq.cli", "worker", *options, "--with-scheduler")
        others = [python("rq.cli", "worker", *options)] * (number - 1)
        return Workers([first, *others], number)

    def _enqueue(self, values: list[Any], seconds: float | None) -> list[Any]:
        naps = seconds is not None
        found = []
        for chunk in chunks(values, 1000):
            data = [Queue.prepare_data(nap, (v, seconds)) for v in chunk] if naps else []
            found += self.queue.enqueue_many(
                data or [Queue.prepare_data(echo, (v,)) for v in chunk]
            )
        return found

    def submit_now(self, values: list[Any]) -> Progress:
        """By `enqueue_many`."""
        self._enqueue(values, None)
        return Progress(done=(("ZCARD", "rq:finished:default"),))

    def gather_now(self, values: list[Any], seconds: float | None) -> list[Any]:
        """By `enqueue_many`, and the result of each."""
        return [self._result(job) for job in self._enqueue(values, seconds)]

    def _result(self, job: Any) -> Any:
        result = job.latest_result(timeout=60)
        if result is None or result.type != result.Type.SUCCESSFUL:
            raise ValueError(f"{job.id}: {result and result.exc_string}")
        return result.return_value

    def one_now(self, value: Any) -> Any:
        """By `latest_result`."""
        return self._result(self.queue.enqueue(echo, value))

    def defer_now(self, values: list[Any]) -> None:
        """By `enqueue_in`."""
        for value in values:
            self.queue.enqueue_in(timedelta(seconds=DEFERRED), echo, value)
