"""An explanation, as lines."""

from dataclasses import asdict

from gatherq.escape import escape
from gatherq.inspection.explain.explanation import Cause, Explanation
from gatherq_cli.common import exits
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.prose import wrapped
from gatherq_cli.output.table import width

_MARKS = {"stuck": "✗", "slow": "!", "info": "·"}
#: For terminals that have no other characters.
_PLAIN_MARKS = {"stuck": "x", "slow": "!", "info": "-"}
#: Columns of a mark and a code.
_CODE = 14
#: Least columns beside them for a text, and what is before its further lines where there are fewer.
_LEAST, _NARROW = 24, "    "


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
    summary = escape(found.summary)
    made = [summary] if room is None else wrapped(summary, room)
    for cause in found.causes:
        made += _wrapped(f"  {marks[cause.level]} {cause.code:<{_CODE}} ", cause, room)
    return made


def _wrapped(head: str, cause: Cause, room: int | None) -> list[str]:
    indent = " " * len(head)
    text, command = escape(cause.text), escape(cause.command)
    if room is None:
        made = [head + text]
        return [*made, f"{indent}-> {command}"] if command else made
    if room < len(head) + _LEAST:  # a narrow terminal has no room for a column of its own
        indent = _NARROW
    made = wrapped(text, room, head=head, indent=indent)
    if not command:
        return made
    before = indent if len(f"{indent}-> {command}") <= room else _NARROW
    return [*made, *wrapped(command, room, head=f"{before}-> ", indent=f"{before}   ")]
