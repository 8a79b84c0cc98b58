"""What the rules look at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatherq.escape import escape
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.limits.gate_info import GateInfo
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.worker_info import WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What INFO says; a field is None or empty where this user may not ask."""

    role: str = ""
    #: Of a replica: its master, as `host:port`.
    master: str = ""
    loading: bool = False
    policy: str = ""
    maxmemory: int = 0
    evicted: int = 0
    #: Seconds since it started.
    uptime: int | None = None
    #: Seconds that it took to answer.
    latency: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """A gate, and how many of the pending slots wait at it."""

    gate: GateInfo
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A batch that is not finished, its pending slots, and all that may hold them up."""

    batch: BatchInfo
    now: datetime
    #: Slots without an outcome: all of them, or the first some thousand.
    pending: Sequence[SlotInfo] = ()
    #: How many slots without an outcome are meant: more than `pending` in a large batch.
    total: int = 0
    workers: Sequence[WorkerInfo] = ()
    queue: QueueInfo | None = None
    #: Gates that pending slots wait at, those with the most of them first.
    gates: Sequence[GateFacts] = ()
    #: Jobs in the queue before the first of the queued slots.
    ahead: int = 0
    #: Other queues with workers, and how many; None for a number that is not known.
    elsewhere: Mapping[str, int | None] = field(default_factory=dict)
    #: 99th percentile of the seconds that each job took, as far as the batch tells.
    usual: Mapping[str, float] = field(default_factory=dict)
    server: ServerFacts = ServerFacts()

    def of(self, *statuses: str) -> list[SlotInfo]:
        """Return the pending slots in these states."""
        return [slot for slot in self.pending if slot.status in statuses]

    @property
    def idle(self) -> list[SlotInfo]:
        """Slots that nobody runs now, and whose data is there."""
        return [slot for slot in self.of("queued", "waiting", "retrying") if slot.bytes]

    @property
    def alive(self) -> list[WorkerInfo]:
        """Workers of ours that have their jobs in hand."""
        return [worker for worker in self.workers if worker.alive and worker.state != "arq"]

    def worker(self, name: str) -> WorkerInfo | None:
        """Return the worker of that name; None for one that is gone."""
        return next((worker for worker in self.workers if worker.name == name), None)


def counted(number: int, what: str = "slot", does: str = "") -> str:
    """Return `1 slot`, `2 slots`; with a verb, `1 slot waits`, `2 slots wait`."""
    one = number == 1
    verb = f" {does}{'s' if one else ''}" if does else ""
    return f"{number:,} {what}{'' if one else 's'}{verb}"


def named(slots: Iterable[SlotInfo], most: int = 3) -> str:
    """Return slots by number, the first few: `:7, :9 and 12 more`."""
    numbers = [f":{slot.slot}" for slot in slots]
    more = f" and {len(numbers) - most:,} more" if len(numbers) > most else ""
    return ", ".join(numbers[:most]) + more


def names_in_line(names: Sequence[str], count: int | None = None, most: int = 3) -> str:
    """Return the first few names: `a, b, c and 12 more`; `count` is of all where some are given."""
    more = (len(names) if count is None else count) - min(len(names), most)
    return ", ".join(map(escape, names[:most])) + (f" and {more:,} more" if more > 0 else "")


def by_name(slots: Iterable[SlotInfo]) -> list[tuple[str, int]]:
    """Return how many slots call each job, the most frequent first."""
    return Counter(slot.name for slot in slots).most_common()
