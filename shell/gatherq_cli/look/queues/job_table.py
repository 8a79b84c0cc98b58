"""Jobs by name as rows, and one of them in full."""

from collections.abc import Iterator
from typing import Literal

from gatherq.contract.statistics import JobStatistics
from gatherq.inspection.choosing.by_name import job_named
from gatherq.inspection.job_info import JobInfo, bad
from gatherq.inspection.json_records import job_record
from gatherq.inspection.words.quantiles import show_quantile
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column


async def list_jobs(server: Server, output: Output) -> None:
    """Print a row for each job."""
    async with server.inspector() as inspector:
        count = await output.rows(await inspector.jobs(), COLUMNS, job_record)
    if not count and output.terminal:
        output.prose(f"no jobs on {inspector.queue}: no worker tells of any")


async def show_job(server: Server, output: Output, name: str) -> None:
    """Print one job."""
    async with server.inspector() as inspector:
        job = job_named(await inspector.jobs(), name, inspector.queue)
    output.record(job_record(job))
    for title, said in _told(job):
        output.line(f"{title:<9} {said}")


def _told(job: JobInfo) -> Iterator[tuple[str, str]]:
    counted = job.statistics
    yield job.name, f"{job.running} run now, {counted.ended} have ended"
    yield "served by", ", ".join(job.workers) or "no worker that tells"
    statuses = ("succeeded", "failed", "timed_out", "cancelled", "lost")
    counts = [(status.replace("_", " "), getattr(counted, status)) for status in statuses]
    yield "ended", ", ".join(f"{count} {status}" for status, count in counts if count) or "none"
    if counted.retried:
        yield "retried", f"{counted.retried} times"
    if any(counted.run):
        yield "runs", _shares(counted, "run")
    if any(counted.wait):
        yield "waits", _shares(counted, "wait")


def _shares(counted: JobStatistics, of: Literal["run", "wait"]) -> str:
    shares = (50, 95, 99)
    return ", ".join(f"p{share} {show_quantile(counted, share, of)}" for share in shares)


def _served(job: JobInfo) -> str:
    return style_of("failed") if not job.workers else ""


def _bad(job: JobInfo) -> str:
    return style_of("failed") if bad(job.statistics) else ""


def _quantile(of: Literal["run", "wait"], share: int, *, least_width: int) -> Column:
    def text(job: JobInfo) -> str:
        return show_quantile(job.statistics, share, of)

    return Column(f"{of.upper()} P{share}", text, right=True, least_width=least_width)


#: The columns of a list of jobs.
COLUMNS: list[Column] = [
    Column("JOB", lambda job: job.name, flexible=True),
    Column("WORKERS", lambda job: f"{len(job.workers)}", right=True, style=_served),
    Column("RUNNING", lambda job: f"{job.running}", right=True),
    Column("ENDED", lambda job: f"{job.statistics.ended}", right=True),
    Column("BAD", lambda job: f"{bad(job.statistics)}", right=True, style=_bad),
    _quantile("run", 50, least_width=60),
    _quantile("run", 95, least_width=60),
    _quantile("wait", 50, least_width=80),
    _quantile("wait", 95, least_width=80),
]
