"""Queues as rows, and one of them as a line."""

from collections.abc import Iterator
from datetime import datetime

from gatherq.inspection.durations import show_duration
from gatherq.inspection.json_records import gate_record, queue_record
from gatherq.inspection.limits.gate_info import GateInfo
from gatherq.inspection.limits.places import lane_in_words
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.words.amounts import show_age, show_rate, show_seconds
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column

from .now import time_there


async def list_queues(server: Server, output: Output) -> None:
    """Print a row for each queue."""
    async with server.inspector() as inspector:
        await output.rows(await inspector.queues(), COLUMNS, queue_record)


async def show_queue(server: Server, output: Output) -> None:
    """Print one queue as a line."""
    async with server.inspector() as inspector:
        queue = await inspector.queue_info()
        gates = await inspector.gates()
        now = await time_there(inspector)
    if output.terminal and not output.is_json:
        output.line(f"{queue.name}   {' · '.join(_said(queue, now))}")
        for lane, count in queue.lanes.items():
            output.line(f"  {count:,} wait {lane_in_words(lane)}")
        if gates:
            await output.rows(gates, GATES, gate_record)
    elif output.is_json:
        output.record(queue_record(queue) | {"gates": [gate_record(gate) for gate in gates]})
    else:
        await output.rows([queue], COLUMNS, queue_record)


def _said(queue: QueueInfo, now: datetime) -> Iterator[str]:
    yield f"{queue.claimable:,} claimable"
    yield f"{queue.running:,} running"
    if queue.deferred:
        soon = show_age(now, queue.next_deferred) if queue.next_deferred else "-"
        yield f"{queue.deferred:,} deferred (next in {soon})"
    if queue.held_back:
        parts = [(queue.in_lanes, "for a place"), (queue.at_gates, "at a gate")]
        parts.append((queue.outside, "for others of their batch"))
        yield f"{queue.held_back:,} waiting ({', '.join(f'{n:,} {at}' for n, at in parts if n)})"
    if queue.claimable:
        yield f"oldest waits {show_duration(queue.waiting)}"
    if queue.rate is not None:
        yield f"out {show_rate(queue.rate)}"
    if queue.claimable and queue.drain is not None:
        yield f"drains in ~{show_duration(queue.drain)}"
    yield _workers(queue)
    if queue.arq:
        yield "a plain arq worker is about"
    if queue.quarantined:
        yield f"{queue.quarantined} in quarantine"


def _workers(queue: QueueInfo) -> str:
    noun = "worker" if queue.workers == 1 else "workers"
    places = f" with {queue.places:,} places" if queue.places else ""
    return f"{queue.workers or 'no'} {noun}{places}"


def _limit(gate: GateInfo) -> str:
    parts = [
        f"{gate.max_at_once:,} at once" if gate.max_at_once is not None else "",
        f"{gate.max_per_second:,.4g} a second" if gate.max_per_second else "",
    ]
    return ", ".join(filter(None, parts)) or "-"


def _bad(queue: QueueInfo) -> str:
    return style_of("failed") if queue.claimable and not queue.workers else ""


#: The columns of a list of queues.
COLUMNS: list[Column] = [
    Column("QUEUE", lambda queue: queue.name, flexible=True),
    Column("CLAIMABLE", lambda queue: f"{queue.claimable}", right=True),
    Column("RUNNING", lambda queue: f"{queue.running}", right=True),
    Column("DEFERRED", lambda queue: f"{queue.deferred}", right=True, least_width=60),
    Column("WAITING", lambda queue: f"{queue.held_back}", right=True, least_width=65),
    Column("OLDEST", lambda queue: show_seconds(queue.waiting), right=True, least_width=50),
    Column("WORKERS", lambda queue: f"{queue.workers}", right=True, style=_bad),
    Column("OUT", lambda queue: show_rate(queue.rate), right=True, least_width=80),
    Column("DRAINS", lambda queue: show_seconds(queue.drain), right=True, least_width=90),
    Column("QUARANTINE", lambda queue: f"{queue.quarantined}", right=True, least_width=100),
    Column("DEMAND", lambda queue: f"{queue.demand}", right=True, least_width=110),
]
#: The columns of the gates of a queue.
GATES: list[Column] = [
    Column("GATE", lambda gate: gate.name, flexible=True),
    Column("INSIDE", lambda gate: f"{gate.holders}", right=True),
    Column("LIMIT", _limit),
    Column("WAITING", lambda gate: f"{gate.waiting}", right=True),
]
