"""What must be of each slot of each batch, whatever producers and workers do: a model in Python."""

from dataclasses import dataclass, field

#: Slots from this many on are gradual.
WINDOW = 200


@dataclass
class Slot:
    """One slot, as Redis must have it."""

    #: Whether its data is there.
    data: bool = False
    #: Its place in the queue: "" for none, fresh (never claimed since it was queued), back (it was
    #: released), lease (it is held, or was until its lease ran out).
    place: str = ""
    #: The token that stands there, and the attempts that count.
    token: str = ""
    retry: int = 0
    #: Attempts before the last redrive: what comes of those is refused.
    base: int = 0
    #: Its outcome, as it is written.
    status: str = ""
    result: bytes = b""
    #: Numbers of the attempts in its history; and of those that its outcome tells.
    history: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    #: Who wants it cancelled by itself.
    marked: str = ""

    @property
    def is_begun(self):
        """Whether it counts as running."""
        return self.retry > 0 and self.place in ("lease", "back")

    def end(self, status, result):
        """Give it an outcome."""
        self.place, self.token, self.retry, self.marked = "", "", 0, ""
        self.status, self.result = status, result


@dataclass
class Known:
    """One life of a batch."""

    name: str
    queue: int
    size: int
    life: str
    named: bool
    tolerate: int | None = None
    most: int | None = None
    slots: list[Slot] = field(default_factory=list)
    written: int = 0
    by: str = ""
    #: Completions: the first of them are in the stream already, and checked.
    done: list[tuple[int, str]] = field(default_factory=list)
    checked: int = 0
    #: How many redrives queued anything.
    generation: int = 0

    def __post_init__(self):
        self.slots = [Slot() for _ in range(self.size)]

    @property
    def is_gradual(self):
        return self.size > WINDOW or self.most is not None

    @property
    def chunk(self):
        """How many slots its producer writes at a time."""
        return 100 if self.size > 100 else 4

    @property
    def left(self):
        return sum(not slot.status for slot in self.slots)

    def count(self, *statuses):
        return sum(slot.status in statuses for slot in self.slots)

    @property
    def outside(self):
        """Slots that are written, and wait to be admitted."""
        return [
            n
            for n, slot in enumerate(self.slots[: self.written])
            if not slot.status and not slot.place
        ]

    def is_over(self, slot):
        """Whether a slot that nobody holds may end in the queue."""
        return bool(self.by or slot.marked) and not slot.token

    # --- what is done to it

    def write(self, first, n):
        """Its producer writes a chunk; what is there already stays."""
        for at in range(first, first + n):
            slot = self.slots[at]
            if at < self.written or (slot.status and self.by):
                continue
            if slot.status:  # it ended before it was written, and its batch goes on
                self.done.append((at, "redriven"))
                self.slots[at] = slot = Slot()
            slot.data = True
            slot.place = "" if self.is_gradual else "fresh"
        self.written = max(self.written, first + n)

    def end(self, at, status, result):
        self.slots[at].end(status, result)
        self.done.append((at, status))

    def judge(self):
        """Cancel it by its policy, once it has more failures than it tolerates."""
        bad = self.count("failed", "timed_out", "lost")
        if self.tolerate is not None and bad > self.tolerate and self.left and not self.by:
            self.by = "policy"

    def redrivable(self):
        """Slots that a redrive queues again."""
        return [
            n
            for n, slot in enumerate(self.slots)
            if slot.status not in ("", "succeeded") and slot.data
        ]

    def redrive(self):
        """Queue again what did not succeed; return how many."""
        slots = self.redrivable()
        for at in slots:
            slot = self.slots[at]
            slot.history, slot.told = slot.history + slot.told, []
            slot.base = slot.retry = attempt_in(slot.result)
            slot.status, slot.result = "", b""
            slot.place = "" if self.is_gradual else "fresh"
            self.done.append((at, "redriven"))
        self.by = ""
        self.generation += bool(slots)
        return len(slots)


def attempt_in(result):
    """Return the number of the attempt that a result tells."""
    return int(result.partition(b'"t":')[2].partition(b",")[0])


@dataclass
class Claim:
    """A claim that a worker was told of."""

    worker: int
    known: Known
    attempt: object

    @property
    def slot(self):
        return self.known.slots[self.attempt.slot]

    @property
    def token(self):
        return f"w{self.worker}:{self.attempt.number}:{self.attempt.claim}"

    @property
    def is_current(self):
        """Whether Redis must take a renewal or a release of it."""
        return self._is_in_force(("lease",))

    @property
    def may_record(self):
        """Whether Redis must take its outcome."""
        return self._is_in_force(("lease", "back"))

    def _is_in_force(self, places):
        slot, number = self.slot, self.attempt.number
        if slot.token or slot.status:
            return slot.token == self.token
        return slot.base < number == slot.retry and slot.place in places
