"""Causes that stand in the batch itself, and in its server."""

from collections.abc import Iterator

from gatherq.escape import escape
from gatherq.inspection.durations import show_duration

from .explanation import Cause, Level
from .facts import Facts, counted, named


def cancelling(facts: Facts) -> Iterator[Cause]:
    """Say that somebody has cancelled it, and what of it still runs."""
    if not facts.batch.cancelled_by:
        return
    running = facts.of("running")
    text = f"it was cancelled by {escape(facts.batch.cancelled_by)}"
    if running:
        text += f"; {counted(len(running), 'job')} that ran were asked to end: {named(running)}"
    yield Cause(code="CANCELLING", level="info", text=text)


def deadline(facts: Facts) -> Iterator[Cause]:
    """Say when its deadline ends it."""
    ends = facts.batch.deadline
    if ends is None:
        return
    left = (ends - facts.now).total_seconds()
    limit = "" if facts.batch.limit is None else f" of {show_duration(facts.batch.limit)}"
    if left > 0:
        text = f"its deadline{limit} ends what is left in {show_duration(left)}"
    else:
        text = (
            f"its deadline{limit} was over {show_duration(-left)} ago: what has not begun ends "
            "when a worker or a collector looks"
        )
    command = "" if left > 0 else f"gatherq watch {facts.batch.id}"
    yield Cause(code="DEADLINE", level="info", text=text, command=command)


def lease(facts: Facts) -> Iterator[Cause]:
    """Say until when its producer must renew its lease."""
    if facts.batch.leased is None or facts.batch.cancelled_by:
        return
    left = (facts.batch.leased - facts.now).total_seconds()
    if left >= 0:
        text = f"its producer must renew its lease within {show_duration(left)}, or it is cancelled"
        yield Cause(code="LEASE_LEFT", level="info", text=text)
    else:
        text = (
            f"its producer's lease ran out {show_duration(-left)} ago: it is cancelled when a "
            "worker or a collector looks"
        )
        yield Cause(code="LEASE_LEFT", level="slow", text=text)


def submitting(facts: Facts) -> Iterator[Cause]:
    """Say that its producer has not written all of it."""
    missing = facts.batch.size - facts.batch.written
    if missing > 0:
        text = (
            f"its producer has written {facts.batch.written:,} of {counted(facts.batch.size)}: it "
            "still submits, or it died"
        )
        yield Cause(code="SUBMITTING", level="slow", text=text)


def data_gone(facts: Facts) -> Iterator[Cause]:
    """Say that Redis has lost the place of a slot in the queue, or its data."""
    # What its producer has not written was never there.
    lost = [slot for slot in facts.of("missing") if slot.slot < facts.batch.written]
    lost += [slot for slot in facts.of("queued", "waiting", "retrying") if not slot.bytes]
    if lost:
        text = (
            f"{counted(len(lost))} {'has' if len(lost) == 1 else 'have'} lost data in Redis, "
            f"expired, evicted or deleted: {named(lost)}; a program that waits for the batch mends "
            f"that: await (await producer.batch({facts.batch.id!r})).outcomes()"
        )
        yield Cause(code="DATA_GONE", level="stuck", text=text)


def replica(facts: Facts) -> Iterator[Cause]:
    """Say that the server takes no writes."""
    if facts.server.role in ("slave", "replica"):
        master = escape(facts.server.master) or "another server"
        text = f"this server is a replica of {master}: workers and producers must name that one"
        yield Cause(code="REDIS_READONLY", level="stuck", text=text, command="gatherq doctor")


def evicting(facts: Facts) -> Iterator[Cause]:
    """Say that the server throws keys away when it is full."""
    server = facts.server
    if server.policy in ("", "noeviction") or not (server.evicted or server.maxmemory):
        return
    level: Level = "slow" if server.evicted else "info"
    text = (
        f"maxmemory-policy is {escape(server.policy)}, and {counted(server.evicted, 'key')} were "
        "evicted: jobs may be among them; set noeviction"
    )
    yield Cause(code="REDIS_EVICTS", level=level, text=text, command="gatherq doctor")
