"""Taking jobs: no more than there is room for, as soon as there are any."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from gatherq.store.jobs import Claim, JobStore, Release
from gatherq.store.server.outages import OutageLog
from gatherq_worker.arq.aborts import Aborts
from gatherq_worker.attempt import Attempt

from .claims import Held
from .conclusion.recorder import Recorder
from .executions import Running
from .options import Reader
from .recycling import RecycleLimits
from .redis_clock import RedisClock
from .stray_claims import StrayClaims
from .unknown_jobs import UnknownJobs

logger = logging.getLogger("gatherq.worker")

#: Longest wait for a wake-up, in seconds: plain arq producers give none.
_LOOK_AGAIN = 0.5
#: Where plain arq producers are about: shortest wait, and share of the time since their last job.
_LOOK_SOON, _LOOK_SHARE = 0.02, 0.05
#: Claims that fill all slots.
_CLAIMS = 3
#: Jobs that one script call takes: it stays well below 5 ms.
_MOST_CLAIMED = 200
#: Seconds after which a job is looked for again that had to run apart, where there was no place.
_ELSEWHERE = 1.0
#: Outcomes that may wait to be recorded, beside those of two full loads.
_BACKLOG = 256
PLAIN_WORKER = (
    "a plain arq worker takes jobs from this queue (it has %s): what it does is neither fenced nor "
    "recovered within the lease, and it cannot complete a batch; replace it when you can"
)


class Apart(NamedTuple):
    """Processes of their own for what took its worker down before."""

    #: Whether a job can run in one, and how many places there are.
    can: Callable[[Attempt], bool]
    room: Callable[[], int]


class Fetcher:
    """Claims, and starts what was claimed."""

    def __init__(
        self,
        store: JobStore,
        recorder: Recorder,
        held: Held,
        running: Running,
        contact: RedisClock,
        wear: RecycleLimits,
        *,
        read: Reader,
        concurrency: int,
        lease: float,
        apart: Apart,
        unknown: UnknownJobs,
        aborts: Aborts | None,
        renew_soon: Callable[[], None],
    ) -> None:
        self._store, self._recorder, self._held = store, recorder, held
        self._running, self._contact, self._wear = running, contact, wear
        self._concurrency, self._apart, self._aborts = concurrency, apart, aborts
        self._renew_soon, self._unknown = renew_soon, unknown
        self._read = read
        self._health = OutageLog()
        self._loop = asyncio.get_running_loop()
        self._strays = StrayClaims(store, held, recorder, lease)
        self._unannounced = float("-inf")
        self._plain_seen = False
        self._claiming = self._hinted = False
        #: Whether this process takes no more, and another should begin in its place.
        self.worn_out = False

    def _wears_out(self) -> bool:
        worn = self._wear.out(self._running.started, self._running.abandoned)
        self.worn_out = worn or self._running.starved
        return self.worn_out

    def hint(self) -> None:
        """Hear that something was cancelled: it may be what a claim under way brings."""
        self._hinted = self._claiming

    async def run(self, *, burst: bool, at_most: int) -> None:
        """Take jobs until cancelled or worn out; with `burst`, until the queue is empty."""
        me = asyncio.current_task()
        while not self._wears_out():
            if me and me.cancelling():
                raise asyncio.CancelledError  # it was swallowed on its way: see gatherq.aio
            room = self._room(at_most)
            if room <= 0:
                if burst and 0 <= at_most <= self._running.started and not self._running:
                    return
                self._held.room.clear()
                await self._held.room.wait()
                continue
            try:
                wait = await self.take(room)
                if wait and burst and not self._running and not await self._store.queued():
                    return
                if wait:
                    await self._store.wait(wait)
            except Exception as error:  # whatever stands in Redis
                self._strays.suspect()
                await self._health.bad("give work", error)

    async def take(self, room: int) -> float:
        """Claim and start up to `room` jobs; return the seconds to wait for more, 0 for none."""
        await self._strays.give_back()
        self._claiming, self._hinted = True, False
        try:
            claim = await self._store.claim(
                room, self._contact.since, self._contact.last, self._unknown.passing
            )
            self._health.good()
            self._contact.seen(claim.now)
            self._look_at(claim)
            attempts = [self._read(job) for job in claim.jobs]
            for attempt in attempts:
                self._held.take(attempt)
            aborted: set[str] = set()
            if self._aborts:
                aborted = await self._aborts.among([a.job_id for a in attempts])
            for attempt in attempts:
                if attempt.job_id in aborted:
                    attempt.cancelled_by = "producer"
                if attempt.batch is None:
                    self._unannounced = self._loop.time()
                self._start(attempt, claim.now)
        finally:
            self._claiming = False
        if self._hinted:
            self._renew_soon()
        for batch in claim.late:
            self._recorder.look_after(self._store.extend(batch))
        full = len(claim.jobs) == room
        if claim.place:
            self._unknown.passed(claim.place, end=not full and claim.next_in != 0)
        if full or (claim.place and claim.next_in == 0):
            return 0.0
        next_in = _LOOK_AGAIN if claim.next_in is None else claim.next_in / 1000
        return max(min(next_in, self._patience()), 0.001)

    def _room(self, at_most: int) -> int:
        # Outcomes on their way to Redis are held too: no more are made than can be recorded.
        # A claim takes a part of the slots, so that Redis makes the next while this one runs.
        room = min(
            self._concurrency - len(self._running),
            2 * self._concurrency + _BACKLOG - len(self._held),
            -(-self._concurrency // _CLAIMS),
            _MOST_CLAIMED,
            self._wear.left(self._running.started),
        )
        return room if at_most < 0 else min(room, at_most - self._running.started)

    def _look_at(self, claim: Claim) -> None:
        for id_ in claim.foreign:
            logger.warning("queue member %r cannot be a job; it is put into quarantine", id_)
        if claim.plain and not self._plain_seen:
            self._plain_seen = True
            logger.warning(PLAIN_WORKER, claim.plain)

    def _start(self, attempt: Attempt, now: int) -> None:
        """Start what was claimed; what may take a process down, in one of its own, or elsewhere."""
        delay = self._unknown.delay(attempt, now)
        if delay is not None:
            self._recorder.give_back(Release(attempt, delay))
            return
        if attempt.suspect and self._apart.can(attempt):
            if self._apart.room() <= 0:  # it keeps nobody waiting here
                self._recorder.give_back(Release(attempt, _ELSEWHERE))
                return
            attempt.isolated = True
        self._running.start(attempt)

    def _patience(self) -> float:
        """Say when to look for jobs that nobody announces: soon, where some came lately."""
        since = self._loop.time() - self._unannounced
        return min(max(since * _LOOK_SHARE, _LOOK_SOON), _LOOK_AGAIN)
