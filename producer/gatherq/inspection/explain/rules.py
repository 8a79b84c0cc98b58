"""All rules, and what they make of the facts."""

from collections.abc import Callable, Iterator, Sequence

from gatherq.escape import escape
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration

from . import rules_of_batches as batches
from . import rules_of_limits as limits
from . import rules_of_slots as slots
from . import rules_of_workers as workers
from .explanation import Cause, Explanation, by_level
from .facts import Facts, ServerFacts, counted

Rule = Callable[[Facts], Iterator[Cause]]
_RULES: Sequence[Rule] = (
    *(batches.replica, batches.data_gone, batches.submitting),
    *(workers.no_workers, workers.no_handler, workers.draining, workers.silent),
    *(workers.reclaim, workers.blocked),
    *(workers.away, workers.saturated, workers.behind, slots.plain, slots.straggler),
    *(limits.gates, limits.no_place, limits.max_at_once, limits.max_per_second),
    *(slots.running, slots.back_off, slots.later, slots.alone, slots.queued, limits.outside),
    *(batches.cancelling, batches.deadline, batches.lease, batches.evicting),
)
#: Every code, in the order of the documentation: docs/inspect.md has the same.
CODES: tuple[str, ...] = (
    *("GONE", "DELETING", "REDIS_LOADING", "REDIS_READONLY", "REDIS_EVICTS", "DATA_GONE"),
    *("SUBMITTING", "NO_WORKERS", "NO_HANDLER", "DRAINING", "SILENT", "RECLAIM", "BLOCKED", "AWAY"),
    *("SATURATED", "BEHIND", "PLAIN", "STRAGGLER", "GATE", "NO_PLACE", "MAX_AT_ONCE"),
    *("MAX_PER_SECOND", "RUNNING", "BACKOFF", "DEFERRED", "ALONE", "QUEUED", "WAITING"),
    *("CANCELLING", "DEADLINE", "LEASE_LEFT", "OK"),
)


def explain(target: str, facts: Facts) -> Explanation:
    """Say why slots have no outcome yet."""
    causes = [cause for rule in _RULES for cause in rule(facts)]
    causes.append(_ok(facts.server))
    return Explanation(target=target, summary=_summary(target, facts), causes=by_level(causes))


def finished(target: str, batch: BatchInfo) -> Explanation:
    """Say that there is nothing to wait for."""
    bad = batch.bad + batch.cancelled
    text = f"{target} is finished: {counted(batch.succeeded)} of {batch.size:,} succeeded"
    if bad:
        text += f"; see gatherq errors {batch.id}, run them again with gatherq redrive {batch.id}"
    return Explanation(target=target, summary=text, finished=True)


def gone(target: str, message: str, server: ServerFacts) -> Explanation:
    """Say that there is no such batch."""
    text = message
    if server.uptime is not None:
        text += f"; this server runs for {show_duration(server.uptime)}"
    cause = Cause(code="GONE", level="stuck", text=text, command="gatherq ls")
    return Explanation(target=target, summary=f"{target} is not in Redis", causes=[cause])


def deleting(target: str, size: int) -> Explanation:
    """Say that a batch is being deleted."""
    text = f"its deletion has begun, of {counted(size)}: who began it goes on, or you do"
    cause = Cause(code="DELETING", level="slow", text=text, command=f"gatherq rm {target}")
    return Explanation(target=target, summary=f"{target} is being deleted", causes=[cause])


def loading(target: str) -> Explanation:
    """Say that the server answers nothing yet."""
    text = "Redis reads its data from disk, and answers nothing until that is done"
    cause = Cause(code="REDIS_LOADING", level="slow", text=text)
    return Explanation(target=target, summary="Redis has just started", causes=[cause])


def _summary(target: str, facts: Facts) -> str:
    running, retrying = len(facts.of("running")), len(facts.of("retrying"))
    waiting = len(facts.of("waiting"))
    if facts.total > len(facts.pending):
        waiting = max(waiting, min(facts.batch.waiting, facts.total))
    parts = [
        f"{running:,} running" if running else "",
        f"{retrying:,} between two attempts" if retrying else "",
        f"{waiting:,} held back by limits" if waiting else "",
        "none was ever started" if not facts.batch.finished and not facts.batch.running else "",
    ]
    told = ", ".join(filter(None, parts))
    of = f" of {facts.batch.size:,}" if facts.total != facts.batch.size else ""
    what = f"{escape(target)} is not finished: {counted(facts.total)}{of} without an outcome"
    return f"{what}; {told}" if told else what


def _ok(server: ServerFacts) -> Cause:
    known = [
        "" if server.latency is None else f"Redis answers in {show_duration(server.latency)}",
        server.policy,
        server.role,
    ]
    text = ", ".join(filter(None, known)) or "Redis answers"
    return Cause(code="OK", level="info", text=escape(text))
