"""An explanation, as lines."""

import textwrap
from dataclasses import asdict

from gatherq.escape import escape
from gatherq.inspection.explain.explanation import Cause, Explanation
from gatherq_cli.common import exits
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.table import width

_MARKS = {"stuck": "✗", "slow": "!", "info": "·"}
#: For terminals that have no other characters.
_PLAIN_MARKS = {"stuck": "x", "slow": "!", "info": "-"}
#: Columns of a mark and a code.
_CODE = 14


async def explain_target(server: Server, output: Output, target: str, *, strict: bool) -> int:
    """Print why it is not finished; return the exit code."""
    async with server.inspector() as inspector:
        found = await inspector.explain(target)
    output.record({**asdict(found), "stuck": found.stuck})
    for line in lines(found, width() if output.terminal else None, unicode=output.unicode):
        output.line(line)
    if any(cause.code == "GONE" for cause in found.causes):
        return exits.NOT_FOUND
    return exits.UNSUCCESSFUL if strict and found.stuck else 0


def lines(found: Explanation, room: int | None, *, unicode: bool = True) -> list[str]:
    """Return the lines: what is asked about, then each cause; wrapped where `room` is given."""
    marks = _MARKS if unicode else _PLAIN_MARKS
    made = [escape(found.summary)]
    for cause in found.causes:
        made += _wrapped(f"  {marks[cause.level]} {cause.code:<{_CODE}} ", cause, room)
    return made


def _wrapped(head: str, cause: Cause, room: int | None) -> list[str]:
    indent = " " * len(head)
    text = escape(cause.text)
    made = [head + text]
    if room is not None:
        made = textwrap.wrap(
            text, max(room, len(head) + 20), initial_indent=head, subsequent_indent=indent
        )
    return [*made, f"{indent}-> {escape(cause.command)}"] if cause.command else made
