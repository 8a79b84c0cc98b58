"""Redis's clock, and for how long this worker has been in contact with it.

Only a worker in contact for a full lease may claim jobs whose leases have run out: after an outage
all have run out, and their owners are alive. claim_jobs.lua has the rule. Silence breaks contact;
one error does not, for it kept no worker from renewing. A server that refuses writes does: a claim
that finds nothing is answered all the same, and nobody can renew.
"""

from time import monotonic

from gatherq.store.server.errors import is_read_only

from .clock import Clock


class RedisClock:
    """An estimate of Redis's time, updated by every reply that carries it (ms); from any thread."""

    def __init__(self, lease: float, clock: Clock = monotonic) -> None:
        self._clock = clock
        #: Longest silence that does not break contact, in ms.
        self._longest = lease * 500
        self._offset: float | None = None
        self.since = 0
        self.last = 0
        #: When the last reply came, by this process's clock; 0 before the first.
        self.heard = 0.0

    def seen(self, now: int) -> None:
        """Note a reply; after a long silence, contact begins anew.

        Two threads have replies, and one that is a little older may come later.
        """
        if abs(now - self.last) > self._longest:  # if less: the server's clock was set back
            self.since = self.last = now
        self.last = max(self.last, now)
        self.heard = self._clock()
        self._offset = now - self.heard * 1000

    def failed(self, error: BaseException) -> None:
        """Note an error; where the server refuses writes, contact begins anew."""
        if is_read_only(error) and self._offset is not None:
            self.since = self.now()

    def now(self) -> int:
        """Return the time in ms by Redis's clock; needs one reply."""
        if self._offset is None:
            raise RuntimeError("no reply from Redis yet")
        return round(self._clock() * 1000 + self._offset)
