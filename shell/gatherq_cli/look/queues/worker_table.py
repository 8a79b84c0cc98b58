"""Workers as rows, and one of them in full."""

from collections.abc import Iterator
from datetime import datetime

from gatherq.inspection.choosing.by_name import worker_named
from gatherq.inspection.json_records import worker_record
from gatherq.inspection.words.amounts import show_age, show_bytes, show_seconds, show_share
from gatherq.inspection.worker_info import RunningJob, WorkerInfo
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column

from .now import time_there


async def list_workers(server: Server, output: Output) -> None:
    """Print a row for each worker."""
    async with server.inspector() as inspector:
        found = await inspector.workers()
        now = await time_there(inspector)
        count = await output.rows(found, _columns(now), worker_record)
    if not count and output.terminal:
        output.prose(f"no workers on {inspector.queue}")


async def show_worker(server: Server, output: Output, name: str) -> None:
    """Print one worker, and what it runs."""
    async with server.inspector() as inspector:
        worker = worker_named(await inspector.workers(), name, inspector.queue)
        now = await time_there(inspector)
    output.record(worker_record(worker))
    for title, said in _told(worker, now):
        output.line(f"{title:<9} {said}")
    if worker.jobs and not output.is_json:
        output.line()
        await output.rows(worker.jobs, _job_columns(now), str)


def _columns(now: datetime) -> list[Column]:
    return [
        Column("WORKER", lambda worker: worker.name, flexible=True),
        Column("STATE", lambda worker: worker.state, style=lambda worker: style_of(worker.state)),
        Column("RUNNING", _running, right=True),
        Column("DONE", lambda worker: f"{worker.done}", right=True, least_width=70),
        Column("LAG", lambda worker: show_seconds(worker.lag), right=True, least_width=80),
        Column("MEMORY", lambda worker: show_bytes(worker.memory), right=True, least_width=80),
        Column("UP", lambda worker: show_age(worker.started, now), right=True, least_width=60),
        Column("SEEN", lambda worker: show_seconds(worker.age), right=True),
        Column("JOBS", _jobs, flexible=True, least_width=60),
    ]


def _running(worker: WorkerInfo) -> str:
    return f"{worker.running}" + (f"/{worker.capacity}" if worker.capacity else "")


def _jobs(worker: WorkerInfo) -> str:
    if worker.state == "arq":
        return f"plain arq: holds {', '.join(job.id for job in worker.jobs)}"
    if worker.state == "blocked" and worker.blocked_by:
        return f"loop held by {worker.blocked_by}"
    return " ".join(sorted(worker.handlers)) if worker.handlers is not None else "?"


def _told(worker: WorkerInfo, now: datetime) -> Iterator[tuple[str, str]]:
    seen = f", last seen {show_seconds(worker.age)} ago" if worker.age is not None else ""
    yield worker.name, f"{worker.state}{seen}"
    if worker.host:
        yield "host", f"{worker.host}, pid {worker.pid}"
    if worker.version or worker.python:
        yield "versions", f"gatherq {worker.version or '?'}, Python {worker.python or '?'}"
    if worker.started:
        yield "up", f"{show_age(worker.started, now)}, since {worker.started:%Y-%m-%d %H:%M:%S} UTC"
    places = ", ".join(f"{count} {name}" for name, count in worker.places.items())
    yield (
        "load",
        f"{worker.running} run, {worker.held} held" + (f"; places: {places}" * bool(places)),
    )
    yield "done", f"{worker.done} recorded, {worker.unrecorded} wait for Redis"
    if worker.refused:
        yield "refused", f"{worker.refused} outcomes, of jobs that were not its own any more"
    if worker.lag is not None:
        yield "loop", f"late by {show_seconds(worker.lag)}, memory {show_bytes(worker.memory)}"
    if worker.blocked_by:
        yield "blocked", f"by {worker.blocked_by}"
    if worker.abandoned:
        yield "abandoned", f"{worker.abandoned} threads whose code does not end"
    if worker.redis_errors:
        yield "errors", f"{worker.redis_errors} of Redis"
    if worker.handlers is not None:
        yield "jobs", " ".join(sorted(worker.handlers))


def _job_columns(now: datetime) -> list[Column]:
    return [
        Column("JOB", lambda job: job.id, flexible=True),
        Column("NAME", lambda job: job.name or "?", flexible=True),
        Column("RUNS", lambda job: show_age(job.started, now), right=True),
        Column("LIMIT", lambda job: show_seconds(job.limit), right=True),
        Column("ATTEMPT", lambda job: f"{job.attempt}", right=True, least_width=70),
        Column("WHERE", lambda job: job.where or "?", least_width=60),
        Column("PROGRESS", _progress, flexible=True),
    ]


def _progress(job: RunningJob) -> str:
    if job.progress is None:
        return ""
    note = f" {job.progress.note}" if job.progress.note else ""
    return show_share(job.progress.done, job.progress.total) + note
