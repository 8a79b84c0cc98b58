"""The first page: how the pool is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gatherq.contract.statistics import JobStatistics
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.checks.finding import Finding
from gatherq.inspection.checks.here import version_of
from gatherq.inspection.checks.pool import check_pool
from gatherq.inspection.error_group import ErrorGroup
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.job_info import bad
from gatherq.inspection.queue_info import PoolInfo
from gatherq_web.pages.batches import rows_of
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

from .charts import charts_of

#: Batches that are looked at, the newest: so many are read at a time; and those with errors.
_BATCHES, _BAD = 500, 50
#: Most rows of each kind.
_MOVING, _ERRORS, _EVENTS = 8, 6, 10


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error group of several batches, as the newest of them tells of it."""

    batch: BatchInfo
    group: ErrorGroup
    #: How many slots of how many batches have it.
    count: int
    batches: int


async def overview(request: Request) -> Response:
    """Show the queue, its workers, and what is new."""
    inspector, links = site_of(request).inspector(request), links_of(request)
    pool = await inspector.pool()
    newest = await inspector.batches(limit=_BATCHES)
    moving = [batch for batch in newest if batch.left][:_MOVING]
    return await page(
        request,
        "pool/overview.html",
        now=pool.time,
        pool=pool,
        share=share_of(pool.late),
        findings=[*_wrong(pool, newest)],
        charts=await charts_of(request, inspector, oldest=pool.queue.waiting),
        moving=await rows_of(inspector, moving, pool.time),
        looked_at=len(newest),
        trouble=await _trouble(inspector, newest),
        events=await inspector.latest_events(limit=_EVENTS),
        refresh=links.exact("", since=request.query_params.get("since"), charts="no"),
        stream=links.to("live"),
    )


def share_of(counted: JobStatistics) -> float | None:
    """Return which share of what ended was bad; None where nothing ended."""
    return bad(counted) / counted.ended if counted.ended else None


def _wrong(pool: PoolInfo, batches: Sequence[BatchInfo]) -> Iterator[Finding]:
    """Yield what is not well, as far as what was read tells."""
    version = version_of("gatherq")
    for finding in check_pool(pool.queue, pool.workers, batches, pool.time, version):
        if finding.level != "ok":
            yield finding


async def _trouble(inspector: Inspector, newest: Sequence[BatchInfo]) -> list[Trouble]:
    """Return the error groups of the newest batches that have any, the newest first."""
    found = [batch for batch in newest if batch.bad][:_BAD]
    return trouble_of(found, await inspector.counted_errors(found))[:_ERRORS]


def trouble_of(
    batches: Sequence[BatchInfo], groups: Sequence[Sequence[ErrorGroup]]
) -> list[Trouble]:
    """Return the error groups of batches, those of one signature as one; the newest come first."""
    found: dict[str, list[tuple[BatchInfo, ErrorGroup]]] = {}
    for batch, each in zip(batches, groups, strict=True):
        for group in each:
            if group.signature:
                found.setdefault(group.signature, []).append((batch, group))
    return [
        Trouble(*pairs[0], sum(group.count for _, group in pairs), len(pairs))
        for pairs in found.values()
    ]
