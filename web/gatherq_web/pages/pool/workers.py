"""The workers of a queue, and one of them with what it runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from gatherq.inspection.choosing.by_name import NoSuchName, worker_named
from gatherq.inspection.worker_info import RunningJob, WorkerInfo
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

from .missing import missing

#: States in the order of a list: who needs help comes first.
_ORDER = ("blocked", "silent", "away", "arq", "draining", "running")
#: Workers on a page.
_SHOWN = 500
#: What handlers call the places, and workers too.
_PLACES = {"loop": ("loop", "jobs"), "thread": ("threads",), "process": ("processes",)}


@dataclass(frozen=True, slots=True)
class Run:
    """A job that a worker runs, at the time of a look."""

    job: RunningJob
    now: datetime

    @property
    def ran(self) -> float | None:
        """Seconds since its start."""
        if self.job.started is None:
            return None
        return max((self.now - self.job.started).total_seconds(), 0.0)

    @property
    def left(self) -> float | None:
        """Seconds that it has left; None without a limit."""
        if self.ran is None or self.job.limit is None:
            return None
        return max(self.job.limit - self.ran, 0.0)


@dataclass(frozen=True, slots=True)
class Places:
    """Places of a kind, and how many jobs that are told of are in them."""

    kind: str
    taken: int
    all: int


async def workers(request: Request) -> Response:
    """Show all workers."""
    pool = await site_of(request).inspector(request).pool()
    found = sorted(pool.workers, key=lambda worker: _ORDER.index(worker.state))
    return await page(
        request,
        "pool/workers.html",
        now=pool.time,
        pool=pool,
        workers=found[:_SHOWN],
        states=_counted(found),
        stream=links_of(request).to("live"),
    )


async def worker(request: Request) -> Response:
    """Show a worker."""
    inspector, name = site_of(request).inspector(request), request.path_params["name"]
    pool = await inspector.pool()
    try:
        found = worker_named(pool.workers, name, inspector.queue)
    except NoSuchName as error:
        return await missing(request, error, "workers", name)
    return await page(
        request,
        "pool/worker.html",
        now=pool.time,
        worker=found,
        runs=[Run(job, pool.time) for job in found.jobs],
        places=places_of(found),
        stream=links_of(request).to("live"),
    )


def places_of(worker: WorkerInfo) -> list[Places]:
    """Return the places of a worker by kind, as far as it tells of them."""
    taken = Counter(job.where for job in worker.jobs)
    found = []
    for kind, names in _PLACES.items():
        count = next((worker.places[name] for name in names if name in worker.places), None)
        if count is not None:
            found.append(Places(kind, taken[kind], count))
    return found


def _counted(workers: Sequence[WorkerInfo]) -> Mapping[str, int]:
    """Return how many workers are in each state, in order."""
    counts = Counter[str](worker.state for worker in workers)
    return {state: counts[state] for state in reversed(_ORDER) if counts[state]}
