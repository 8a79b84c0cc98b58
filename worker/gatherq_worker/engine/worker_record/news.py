"""What a worker has to tell once: it is told again until Redis has answered."""

from collections import deque
from collections.abc import Iterable, Sequence
from time import monotonic

from gatherq.contract.worker_record import WorkerNews
from gatherq.escape import escape
from gatherq.store.jobs import Record, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.clock import Clock

from .job_counts import JobCounts

#: Most events that wait, and most characters of a value.
_MOST_EVENTS, _LONGEST = 100, 500


class News:
    """Events and counts of one worker; the thread of the heartbeat takes them.

    Counts are told every `interval` seconds; never for 0. Events are told with the next heartbeat.
    Jobs of other names than those of `names`, if there are any, are counted as one. `teller` is who
    tells them, where it is not the worker itself.
    """

    def __init__(
        self,
        names: Iterable[str] | None = None,
        interval: float = 10.0,
        clock: Clock = monotonic,
        *,
        teller: str = "",
    ) -> None:
        self._counts, self._interval, self._clock = JobCounts(names), interval, clock
        self._events: deque[tuple[str, ...]] = deque(maxlen=_MOST_EVENTS)
        #: What was told and not answered.
        self._pending: WorkerNews | None = None
        self._teller, self._number, self._counted_at = teller, 0, clock()

    @property
    def done(self) -> int:
        """Outcomes that Redis has recorded, since this worker began."""
        return self._counts.done

    @property
    def refused(self) -> int:
        """Outcomes that Redis has refused, since this worker began."""
        return self._counts.refused

    @property
    def seq(self) -> str:
        """What tells the last news from all others of the worker."""
        return f"{self._teller}{self._number}"

    def recorded(self, records: Sequence[Record[Attempt]], replies: Sequence[str]) -> None:
        """Count outcomes, by what Redis replied to each; from any thread."""
        answered = zip(records, replies, strict=True)
        self._counts.recorded([record for record, reply in answered if reply == "recorded"])
        self._counts.refuse([*replies].count("refused"))

    def released(self, releases: Sequence[Release[Attempt]]) -> None:
        """Count attempts that are followed by another."""
        for release in releases:
            if release.charge:
                self._counts.retried(release.attempt)

    def note(self, event: str, **fields: str | int) -> None:
        """Note an event; from any thread."""
        pairs = (part for name, value in fields.items() for part in (name, escape(str(value))))
        self._events.append((event, *(part[:_LONGEST] for part in pairs)))

    def waits(self) -> bool:
        """Tell whether there is anything that it is time to tell."""
        counts = self._interval and self._counts.any and self._is_due()
        return bool(self._pending or self._events or counts)

    def take(self, *, last: bool = False) -> bytes:
        """Return what is to be told with this heartbeat, empty for nothing; all with the `last`."""
        if self._pending:
            return self._pending.encode()
        events = [self._events.popleft() for _ in range(len(self._events))]
        jobs = self._counts.take() if last or self._is_time() else []
        if not events and not (jobs and self._interval):
            return b""
        self._number += 1
        self._pending = WorkerNews(self.seq, events, jobs if self._interval else [])
        return self._pending.encode()

    def told(self) -> None:
        """Note that Redis has answered."""
        self._pending = None

    def _is_time(self) -> bool:
        if not self._is_due():
            return False
        self._counted_at = self._clock()
        return True

    def _is_due(self) -> bool:
        return self._clock() - self._counted_at >= self._interval
