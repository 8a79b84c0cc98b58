"""The list of batches."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatherq.errors import InvalidSelector
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.field_values import time_of
from gatherq.inspection.filters import split_filters
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.progress.pace import remaining, stands_still
from gatherq_web.acts.said import said_of
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.numbers import number_in
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: Batches on a page; most that are passed over.
_SHOWN, _MOST = 50, 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A batch of the list, and how fast it goes."""

    batch: BatchInfo
    rate: float | None
    now: datetime

    @property
    def remaining(self) -> float | None:
        """Seconds until it has ended at this rate."""
        return remaining(self.batch.left, self.rate)

    @property
    def took(self) -> float | None:
        """Seconds from its submission to its end."""
        if self.batch.left or not self.batch.created or not self.batch.ended:
            return None
        return max((self.batch.ended - self.batch.created).total_seconds(), 0.0)

    @property
    def stuck(self) -> bool:
        """Whether nothing of it runs, and has not for a while."""
        return stands_still(self.batch, self.now)


async def batches(request: Request) -> Response:
    """Show the newest batches that the filters let through; `skip` of them are on earlier pages."""
    inspector = site_of(request).inspector(request)
    asked = request.query_params.get("q", "")
    skip = number_in(request, "skip", most=_MOST)
    values: dict[str, Any] = {
        "asked": asked,
        "skip": skip,
        "shown": _SHOWN,
        "said": said_of(request),
    }
    try:
        found = await inspector.batches(*split_filters(asked), limit=skip + _SHOWN + 1)
    except InvalidSelector as error:
        values |= {"rows": [], "more": False, "wrong": str(error)}
        return await page(request, "batches.html", 400, **values)
    now = time_of(await inspector.now())
    values |= {
        "rows": await rows_of(inspector, found[skip : skip + _SHOWN], now),
        "more": len(found) > skip + _SHOWN,
        "wrong": "",
        "now": now,
        "stream": links_of(request).to("live"),
    }
    return await page(request, "batches.html", **values)


async def rows_of(inspector: Inspector, found: list[BatchInfo], now: datetime) -> list[Row]:
    """Return batches as rows of a list."""
    rates = await inspector.rates(found)
    return [Row(batch, rates.get(batch.id), now) for batch in found]
