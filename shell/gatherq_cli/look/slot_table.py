"""Slots as rows."""

from collections.abc import Sequence

from gatherq.contract.outcomes import Succeeded
from gatherq.contract.short_repr import short_repr
from gatherq.inspection.durations import show_duration
from gatherq.inspection.json_records import slot_record
from gatherq.inspection.slot_info import SlotInfo
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column

#: Most characters of a value, or of an error, in a row.
_SAID = 200


async def list_slots(server: Server, output: Output, target: str, filters: Sequence[str]) -> None:
    """Print slots."""
    async with server.inspector() as inspector:
        count = await output.rows(inspector.slots(target, *filters), COLUMNS, slot_record)
    if not count and output.terminal:
        output.line("no slots that match")


def _said(slot: SlotInfo) -> str:
    if isinstance(slot.outcome, Succeeded):
        return short_repr(slot.outcome.value, _SAID)
    return slot.error_line[:_SAID]


#: The columns of a list of slots.
COLUMNS: list[Column] = [
    Column("SLOT", lambda slot: str(slot.slot), right=True),
    Column("STATUS", lambda slot: slot.status, style=lambda slot: style_of(slot.status)),
    Column("CALL", lambda slot: slot.call, flexible=True),
    Column("TOOK", lambda slot: "-" if slot.took is None else show_duration(slot.took), right=True),
    Column("ATTEMPT", lambda slot: str(slot.attempt), right=True, least_width=90),
    Column("WORKER", lambda slot: slot.worker or "-", flexible=True, least_width=100),
    Column("OUTCOME", _said, flexible=True),
]
