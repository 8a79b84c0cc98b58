"""arq's cron jobs: each run is queued once, whatever the number of workers; cron strings too."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from arq.cron import CronJob
from arq.cron import cron as arq_cron
from arq.jobs import Serializer, serialize_job
from arq.utils import to_unix_ms

from gatherq.contract.scheduling.cron_string import next_match
from gatherq.store.cron import TOO_LATE, CronRun


@dataclass(repr=False)
class _Crontab(CronJob):
    expression: str = ""

    def calculate_next(self, prev_run: datetime) -> None:
        """Set the next run: the first that matches the expression after `prev_run`."""
        self.next_run = next_match(self.expression, prev_run)


def crontab(expression: str, coroutine: Any, **options: Any) -> CronJob:
    """Make a cron job of a cron string: `crontab("*/5 * * * *", clean_up)`.

    Five fields, or six with the seconds first; `options` are those of `arq.cron.cron` beside the
    times. It goes into `cron_jobs` like any other. Needs `pip install 'gatherq[cron]'`; raises
    InvalidCall for a string that is none, or that no time matches.
    """
    job = _Crontab(**vars(arq_cron(coroutine, **options)), expression=expression)
    next_match(expression, datetime.now().astimezone())
    return job


def due(cron_jobs: Iterable[CronJob], now: datetime, window: timedelta) -> Iterable[CronJob]:
    """Yield the jobs to be queued now, with `next_run` set; advance each after it was queued."""
    for job in cron_jobs:
        if job.next_run is None:
            if not job.run_at_startup:
                job.calculate_next(now)
                continue  # never in the round that sets it first
            job.next_run = now
        if job.next_run < now - timedelta(milliseconds=TOO_LATE):
            job.calculate_next(now)
        if job.next_run < now + window:
            yield job
            job.calculate_next(job.next_run)


def tick(job: CronJob, serializer: Serializer | None, now: int, keep: int) -> CronRun:
    """Make the job of one run; `now` and `keep` in ms: its data stays so long after it is due."""
    assert job.next_run is not None
    at = to_unix_ms(job.next_run)
    job_id = job.job_id or (f"{job.name}:{at}" if job.unique else uuid4().hex)
    payload = serialize_job(job.name, (), {}, None, now, serializer=serializer)
    run, score = f"{job_id}:{at}" if job.job_id else job_id, max(at, now)
    return CronRun(run, job_id, payload, score, score - now + keep)
