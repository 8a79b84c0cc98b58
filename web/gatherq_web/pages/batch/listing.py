"""The slots of a batch as a table, a page at a time, and as files."""

import csv
import json
from collections.abc import AsyncIterator, Callable
from io import StringIO
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gatherq.errors import InvalidSelector
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.filters import read_slot_filters, split_filters
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import slot_record
from gatherq.inspection.selector import Selector, Slots
from gatherq.inspection.slot_info import SlotInfo
from gatherq_web.rendering.given import number_in
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

from .columns import file_name

#: Rows of a page; most slots that are looked at for it.
_SHOWN, _LOOKED_AT = 100, 20_000
_MOST = 10**8
_COLUMNS = (
    *("slot", "status", "name", "args", "kwargs", "attempt", "worker"),
    *("enqueued", "started", "finished", "value", "error", "which", "by"),
)
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def listing(request: Request) -> Response:
    """Show the slots that the filters let through, from slot `from` on."""
    inspector = site_of(request).inspector(request)
    _check(request)
    batch = await inspector.batch(request.path_params["batch"])
    asked, first = request.query_params.get("q", ""), number_in(request, "from", most=_MOST)
    values: dict[str, Any] = {"batch": batch, "asked": asked, "first": first, "shown": _SHOWN}
    try:
        found, further = await _some(inspector, batch, asked, first)
    except InvalidSelector as error:
        values |= {"slots": [], "further": None, "wrong": str(error)}
        return await page(request, "batch/slots.html", 400, **values)
    return await page(request, "batch/slots.html", **values, slots=found, further=further, wrong="")


async def as_lines(request: Request) -> Response:
    """Answer with all slots that the filters let through: a line of JSON each."""
    return await _file(request, "slots.jsonl", "application/jsonl", _lines)


async def as_table(request: Request) -> Response:
    """Answer with all slots that the filters let through, for a spreadsheet."""
    return await _file(request, "slots.csv", "text/csv", _rows)


def _check(request: Request) -> None:
    """Raise HTTPException (400) for a choice by number: of an act it is known, here it is not."""
    if "slots" in request.query_params:
        raise HTTPException(
            400, "no slots are chosen by slots= here; filter by q=, or ask /api/v1 for them"
        )


async def _some(
    inspector: Inspector, batch: BatchInfo, asked: str, first: int
) -> tuple[list[SlotInfo], int | None]:
    """Return the slots of a page, and from which on to look further; None behind the last."""
    filters = read_slot_filters(split_filters(asked))
    end = min(first + _LOOKED_AT, batch.size)
    found: list[SlotInfo] = []
    if first >= end:
        return found, None
    async for slot in inspector.slots(Selector(batch.id, Slots(((first, end - 1),)), filters)):
        if len(found) == _SHOWN:
            return found, slot.slot
        found.append(slot)
    return found, end if end < batch.size else None


async def _file(
    request: Request, name: str, kind: str, write: Callable[[SlotInfo | None], str]
) -> Response:
    inspector = site_of(request).inspector(request)
    _check(request)
    batch = await inspector.batch(request.path_params["batch"])
    filters = split_filters(request.query_params.get("q", ""))
    read_slot_filters(filters)  # an error is to be said before the first line is sent
    headers = {"Content-Disposition": f'attachment; filename="{file_name(batch.id, name)}"'}
    lines = _written(inspector.slots(batch.id, *filters), write)
    return StreamingResponse(lines, media_type=kind, headers=headers)


async def _written(
    slots: AsyncIterator[SlotInfo], write: Callable[[SlotInfo | None], str]
) -> AsyncIterator[str]:
    yield write(None)
    async for slot in slots:
        yield write(slot)


def _lines(slot: SlotInfo | None) -> str:
    return f"{json.dumps(slot_record(slot), default=str)}\n" if slot else ""


def _rows(slot: SlotInfo | None) -> str:
    line = StringIO()
    values = _COLUMNS if slot is None else _cells(slot_record(slot))
    csv.writer(line).writerow(values)
    return line.getvalue()


def _cells(record: dict[str, Any]) -> list[str]:
    return [_cell(record.get(name)) for name in _COLUMNS]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, int | float):
        return "" if value is None else str(value)
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text
