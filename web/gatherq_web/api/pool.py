"""Workers, jobs, queues and events, as the API answers."""

from dataclasses import asdict

from gatherq.inspection.choosing.by_name import job_named, worker_named
from gatherq.inspection.json_records import (
    Record,
    event_record,
    gate_record,
    job_record,
    period_record,
    queue_record,
    worker_record,
)

from .operation import Asked, Page


async def workers(asked: Asked) -> Page:
    """Return the workers of a queue."""
    return Page([worker_record(each) for each in await asked.inspector.workers()])


async def worker(asked: Asked) -> Record:
    """Return a worker."""
    inspector = asked.inspector
    found = worker_named(await inspector.workers(), asked["worker"], inspector.queue)
    return worker_record(found)


async def jobs(asked: Asked) -> Page:
    """Return the jobs of a queue."""
    return Page([job_record(each) for each in await asked.inspector.jobs()])


async def job(asked: Asked) -> Record:
    """Return a job."""
    inspector = asked.inspector
    return job_record(job_named(await inspector.jobs(), asked["job"], inspector.queue))


async def queues(asked: Asked) -> Page:
    """Return all queues."""
    return Page([queue_record(each) for each in await asked.inspector.queues()])


async def queue(asked: Asked) -> Record:
    """Return a queue."""
    return queue_record(await asked.inspector.on(asked["queue"]).queue_info())


async def gates(asked: Asked) -> Page:
    """Return the gates of a queue."""
    found = await asked.inspector.on(asked["queue"]).gates()
    return Page([gate_record(each) for each in found])


async def demand(asked: Asked) -> Record:
    """Return how many jobs of a queue need workers now."""
    found = await asked.inspector.on(asked["queue"]).queue_info()
    return {"queue": found.name, "demand": found.demand}


async def statistics(asked: Asked) -> Page:
    """Return what ended in each minute, or hour."""
    found = await asked.inspector.statistics(asked["since"])
    return Page([period_record(each) for each in found])


async def events(asked: Asked) -> Page:
    """Return what happened, the newest first."""
    limit = asked["limit"]
    found = await asked.inspector.latest_events(
        *(asked["q"] or ()), before=asked["before"] or "", limit=limit
    )
    return Page(
        [event_record(each) for each in found], found[-1].id if len(found) == limit else None
    )


async def check(asked: Asked) -> Page:
    """Return what is well and what is wrong."""
    return Page([asdict(each) for each in await asked.inspector.check(scan=asked["scan"])])
