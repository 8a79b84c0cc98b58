"""Slots as rows."""

import json
from collections.abc import Sequence

from gatherq.contract.outcomes import Succeeded
from gatherq.inspection.choosing.missing_arguments import missing_arguments
from gatherq.inspection.durations import show_duration
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import slot_record
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.words.standing import outcome_in_words
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column


async def list_slots(
    server: Server, output: Output, target: str, filters: Sequence[str], *, values: bool = False
) -> None:
    """Print slots, or their values alone."""
    async with server.inspector() as inspector:
        if values:
            await _print_values(inspector, output, target, filters)
        else:
            await print_slots(inspector, output, target, filters)


async def print_slots(
    inspector: Inspector, output: Output, target: str, filters: Sequence[str]
) -> None:
    """Print slots."""
    count = await output.rows(inspector.slots(target, *filters), COLUMNS, slot_record)
    if not count and output.terminal:
        missing = await missing_arguments(inspector, target, filters) if filters else ""
        output.prose(f"no slot that matches{missing}" if filters else "no slots")


async def _print_values(
    inspector: Inspector, output: Output, target: str, filters: Sequence[str]
) -> None:
    """Print a line of JSON for each slot: its value, or null where it has none."""
    async for slot in inspector.slots(target, *filters):
        output.value(_value(slot))


def _value(slot: SlotInfo) -> object:
    return slot.outcome.value if isinstance(slot.outcome, Succeeded) else None


def _full(slot: SlotInfo) -> str:
    if isinstance(slot.outcome, Succeeded):
        return json.dumps(slot.outcome.value, default=str, ensure_ascii=False)
    return slot.unread or slot.error_line or (outcome_in_words(slot) if slot.waits_at else "")


#: The columns of a list of slots.
COLUMNS: list[Column] = [
    Column("SLOT", lambda slot: str(slot.slot), right=True),
    Column("STATUS", lambda slot: slot.status, style=lambda slot: style_of(slot.status)),
    Column("CALL", lambda slot: slot.call, flexible=True),
    Column("TOOK", lambda slot: "-" if slot.took is None else show_duration(slot.took), right=True),
    Column("ATTEMPT", lambda slot: str(slot.attempt), right=True, least_width=90),
    Column("WORKER", lambda slot: slot.worker or "-", flexible=True, least_width=100),
    Column("OUTCOME", outcome_in_words, full=_full, flexible=True),
]
