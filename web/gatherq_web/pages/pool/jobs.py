"""The jobs of a queue by name, and one of them with its times."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gatherq.contract.statistics import BOUNDS, UNKNOWN
from gatherq.inspection.choosing.by_name import NoSuchName, job_named
from gatherq.inspection.durations import show_duration
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

from .charts import charts_of
from .missing import missing
from .workers import Run

#: Running jobs on a page.
_RUNNING = 50


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many took longer than the bound before, and at most `upto`; and that for a bar."""

    upto: str
    count: int
    #: 0 to 1: its part of the largest, and of all.
    height: float
    share: float


async def jobs(request: Request) -> Response:
    """Show all jobs."""
    found = await site_of(request).inspector(request).jobs()
    live = links_of(request).to("live")
    return await page(request, "pool/jobs.html", jobs=found, unknown=UNKNOWN, stream=live)


async def job(request: Request) -> Response:
    """Show what is known of the jobs of a name."""
    inspector, name = site_of(request).inspector(request), request.path_params["name"]
    links, pool = links_of(request), await inspector.pool()
    try:
        found = job_named(await inspector.jobs(pool.workers), name, inspector.queue)
    except NoSuchName as error:
        return await missing(request, error, "jobs", name)
    running = [
        (worker, Run(each, pool.time))
        for worker in pool.workers
        for each in worker.jobs
        if each.name == name
    ]
    since = request.query_params.get("since")
    return await page(
        request,
        "pool/job.html",
        now=pool.time,
        job=found,
        unknown=UNKNOWN,
        running=sorted(running, key=lambda pair: -(pair[1].ran or 0))[:_RUNNING],
        charts=await charts_of(request, inspector, job=name),
        histograms={of: buckets(getattr(found.statistics, of)) for of in ("run", "wait")},
        refresh=links.to("jobs", name, since=since, charts="no"),
        stream=links.to("live"),
    )


def buckets(counts: Sequence[int]) -> list[Bucket]:
    """Return the bars of a histogram from the first to the last that is not empty."""
    filled = [at for at, count in enumerate(counts) if count]
    most, whole = max(counts), sum(counts)
    bounds = [f"up to {show_duration(bound)}" for bound in BOUNDS]
    names = [*bounds, f"over {show_duration(BOUNDS[-1])}"]
    return [
        Bucket(names[at], counts[at], counts[at] / most, counts[at] / whole)
        for at in (range(filled[0], filled[-1] + 1) if filled else ())
    ]
