"""Runs one job, and prints its value."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from gatherq.client.handle import Handle
from gatherq.contract.jobs import Call
from gatherq.contract.outcomes import AnyOutcome, Failed, Succeeded
from gatherq.escape import escape, escape_traceback
from gatherq.inspection.error_line import error_line
from gatherq.inspection.json_records import outcome_record
from gatherq_cli.common import exits
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output

#: What a Ctrl-C does.
_CANCELLING = "cancelling the job; Ctrl-C once more leaves at once"


class CallTerms(NamedTuple):
    """What is asked of one job: its limit (s), its priority, and when it may start (s)."""

    timeout: float | None
    priority: int
    after: float | None


async def run_one(
    server: Server,
    output: Output,
    job: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    terms: CallTerms,
    *,
    detach: bool,
) -> int:
    """Submit the job; print its outcome, or its id; return the exit code."""
    async with server.producer(waits=True) as producer:
        call: Call[Any] = Call(job, tuple(args), dict(kwargs), terms.timeout)
        if terms.priority:
            call = call.with_priority(terms.priority)
        if terms.after is not None:
            call = call.after(terms.after)
        try:
            handle = await producer.submit_one(call)
        except asyncio.CancelledError:  # it may run already, and was cancelled there
            click.echo(_CANCELLING, err=True)
            raise
        if detach:
            batch, _, slot = handle.id.rpartition(":")
            output.record({"batch": batch, "slot": int(slot), "job_id": handle.id})
            output.line(handle.id)
            return 0
        return _show(await _outcome(handle), output)


async def _outcome(handle: Handle[Any]) -> AnyOutcome:
    try:
        return await handle.outcome()
    except asyncio.CancelledError:
        handle.cancel()
        click.echo(_CANCELLING, err=True)
        await asyncio.wait([handle])
        raise


def _show(outcome: AnyOutcome, output: Output) -> int:
    if output.is_json:
        output.record(outcome_record(0, outcome))
    elif isinstance(outcome, Succeeded):
        _show_value(outcome.value, output)
    else:
        _show_error(outcome)
    return 0 if isinstance(outcome, Succeeded) else exits.UNSUCCESSFUL


def _show_value(value: Any, output: Output) -> None:
    """Print a text as it is where a person reads, and anything as JSON where a program does."""
    if output.terminal and isinstance(value, str):
        for line in value.split("\n"):
            output.line(line)
    else:
        output.value(value)


def _show_error(outcome: AnyOutcome) -> None:
    click.echo(f"Error: {escape(error_line(outcome))}", err=True)
    if isinstance(outcome, Failed) and outcome.error.traceback:
        click.echo(escape_traceback(outcome.error.traceback), err=True)
