"""Error groups as rows."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from gatherq.inspection.choosing.missing_arguments import missing_arguments
from gatherq.inspection.error_group import ErrorGroup
from gatherq.inspection.json_records import error_record
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column

from . import texts

#: Slots of a group that are named.
_NAMED = 3


async def list_errors(server: Server, output: Output, target: str, filters: Sequence[str]) -> None:
    """Print the error groups of a batch."""
    async with server.inspector() as inspector:
        groups = await inspector.error_groups(target, *filters)
        now = datetime.fromtimestamp(await inspector.now() / 1000, UTC)
        count = await output.rows(groups, columns(groups, now), error_record)
        if not output.terminal:
            return
        if not count:
            missing = await missing_arguments(inspector, target, filters)
            matching = f" and matches{missing}" if filters else ""
            output.prose(f"nothing that did not succeed{matching}")
            return
        batch = await inspector.batch(target.partition(":")[0])
        signature = groups[0].signature
        if signature and not batch.left:
            output.prose(f"run again: gatherq redrive {shlex.quote(batch.id)} error:{signature}")


def columns(groups: Sequence[ErrorGroup], now: datetime) -> list[Column]:
    """Return the columns of a list of these groups."""
    total = sum(group.count for group in groups)
    return [
        Column("GROUP", lambda group: group.signature or "-"),
        Column("SLOTS", lambda group: f"{group.count:,}", right=True),
        Column("SHARE", lambda group: f"{group.count / total:.0%}", right=True, least_width=60),
        Column("WHAT", lambda group: group.text, flexible=True, style=_style),
        Column("WHERE", lambda group: group.where or "-", flexible=True, least_width=80),
        Column("FIRST", lambda group: texts.clock(group.first, now), least_width=100),
        Column("SLOTS", _slots, full=_all_slots, least_width=100),
    ]


def _style(group: ErrorGroup) -> str:
    return style_of(group.status)


def _slots(group: ErrorGroup) -> str:
    named = ", ".join(map(str, group.slots[:_NAMED]))
    return f"{named} ..." if group.count > _NAMED else named


def _all_slots(group: ErrorGroup) -> str:
    return ",".join(map(str, group.slots))
