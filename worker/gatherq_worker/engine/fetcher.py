"""The fetcher claims jobs: no more than there is room for, and as soon as there are any."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from gatherq.store.jobs import ClaimReply, JobStore, Release
from gatherq.store.server.errors import REDIS_ERRORS
from gatherq.store.server.outages import OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.guarded_task import guarded

from .cancellations import AbortPoll, CancellationListener
from .conclusion.recorder import Recorder
from .executor import Executor
from .options import EngineOptions
from .places.execution_places import ExecutionPlaces
from .places.parking import Parking
from .recycling import RecycleLimits
from .redis_clock import RedisClock
from .stray_claims import StrayClaims
from .unknown_jobs import UnknownJobs

if TYPE_CHECKING:
    from gatherq.store.parking import LaneRoom

logger = logging.getLogger("gatherq.worker")

#: Where plain arq producers are about, which wake nobody: seconds between two looks at the queue,
#: at most and at least, and their share of the time since the last such job.
_LOOK_AGAIN, _LOOK_SOON, _LOOK_SHARE = 0.5, 0.02, 0.05
#: Most time between two looks, as a share of a lease: they keep a worker in contact, which half a
#: lease of silence breaks.
_LOOK_LEASE = 0.4
#: One claim asks for this part of all slots, so that Redis prepares the next while it runs.
_CLAIMS = 2
#: Jobs that one script call claims: it stays well below 5 ms.
_MOST_CLAIMED = 200
#: Seconds after which a job that must run apart is looked at again, where there was no place.
_ELSEWHERE = 1.0
#: Outcomes that may wait to be recorded, beside those of two full loads.
_BACKLOG = 256
PLAIN_WORKER = (
    "a plain arq worker takes jobs from this queue (it has %s): what it does is neither fenced nor "
    "recovered within the lease, and it cannot complete a batch; replace it when you can"
)


class Wait(NamedTuple):
    """How long a worker waits to be woken, before it claims again."""

    seconds: float
    #: Whether it is to end in time: for a job that is due then, or may have come.
    punctual: bool = True
    #: Whether a job is known to be due then.
    due: bool = False


class Fetcher:
    """Claims jobs, and has the executor start them."""

    def __init__(
        self,
        store: JobStore,
        executor: Executor,
        places: ExecutionPlaces,
        recorder: Recorder,
        clock: RedisClock,
        options: EngineOptions,
        unknown: UnknownJobs,
        cancellations: CancellationListener,
        parking: Parking,
        aborts: AbortPoll | None = None,
    ) -> None:
        self._store, self._attempts = store, executor.attempts
        self._executor, self._places = executor, places
        self._recorder, self._clock, self._options = recorder, clock, options
        self._unknown, self._cancellations, self._aborts = unknown, cancellations, aborts
        self._parking, places.when_free = parking, self._place_freed
        self._limits = RecycleLimits(options.most_jobs, options.most_memory)
        self.outages = OutageLog()
        self._loop = asyncio.get_running_loop()
        self._strays = StrayClaims(store, self._attempts, recorder, options.lease, options.clock)
        #: How many places there were in each lane at the last claim, and whether it waits for more.
        self._offered: list[LaneRoom] = []
        self._waits = False
        self._nudge: asyncio.Task[None] | None = None
        #: When a job came that nobody had announced, by the loop's clock; None for never.
        self._unannounced: float | None = None
        self._plain_worker_seen = False
        #: Why this process takes no more jobs, and another should begin in its place; else empty.
        self.worn_out = ""

    def _wears_out(self) -> bool:
        abandoned = self._attempts.abandoned_count + self._places.abandoned_threads
        starved = "no descriptors are left" if self._places.starved else ""
        self.worn_out = self._limits.reached(self._attempts.started, abandoned) or starved
        return bool(self.worn_out)

    async def run(self, *, burst: bool, at_most: int) -> None:
        """Fetch until cancelled or worn out; with `burst`, until the queue is empty."""
        me, attempts, looks = asyncio.current_task(), self._attempts, False
        while not self._wears_out():
            if me and me.cancelling():
                raise asyncio.CancelledError  # it was swallowed on its way: see gatherq.aio
            room = self._room(at_most)
            if room <= 0:
                if burst and 0 <= at_most <= attempts.started and not attempts.task_count:
                    return
                await attempts.wait_for_room()
                continue
            try:
                wait = await (self._look() if looks else self.fetch(room))
                if wait and burst and not attempts.task_count and not await self._store.queued():
                    return
                woken = await self._be_woken(wait) if wait else True
                looks = bool(wait and not woken and not wait.due and self._may_look())
                # Not before: where writes are refused, the claim is answered and the wait is not.
                self.outages.note_answer()
            except Exception as error:  # whatever stands in Redis
                looks = False
                self._strays.suspect()
                self._clock.failed(error)
                await self.outages.note_error("give work", error)

    async def _be_woken(self, wait: Wait) -> bool:
        """Wait until there may be work, or a place for what waits in a lane; False for neither."""
        if not self._parking.has_lanes:
            return await self._store.wait(wait.seconds, punctual=wait.punctual)
        room = self._parking.room()
        if any(new.left > old.left for new, old in zip(room, self._offered, strict=False)):
            return True  # a place was freed since the claim
        self._waits = True
        try:
            lanes = [lane.name for lane in room if lane.left]
            return await self._store.wait(wait.seconds, lanes, punctual=wait.punctual)
        finally:
            self._waits = False

    def _place_freed(self) -> None:
        if self._waits:
            self._waits = False
            self._nudge = guarded(self._tell_free_place())

    async def _tell_free_place(self) -> None:
        with contextlib.suppress(*REDIS_ERRORS):  # the wait is over soon
            await self._store.tell_free_place()

    def _may_look(self) -> bool:
        """Tell whether a claim would do no more than to look for due jobs."""
        others = self._parking.has_lanes or self._unknown.passing.names or self._strays.suspects
        return not others

    async def _look(self) -> Wait | None:
        """Look for jobs that nobody has announced; return how long to wait, None to claim now."""
        look = await self._store.look()
        self._clock.seen(look.now)
        return None if look.next_in == 0 else self._wait_for(look.next_in)

    async def fetch(self, room: int) -> Wait | None:
        """Claim and start up to `room` jobs; return how long to wait for more, None for not."""
        await self._strays.release()
        await self._parking.tend()
        clock, heard = self._clock, self._cancellations.heard
        self._offered = self._parking.room()
        claim = await self._store.claim(
            room, clock.since, clock.last, self._unknown.passing, self._offered
        )
        clock.seen(claim.now)
        self._warn_of(claim)
        parked = await self._start_all(claim)
        if self._cancellations.heard != heard:  # a message may be about what the claim brought
            self._cancellations.look_soon()
        self._recorder.extend(claim.to_extend)
        self._recorder.sweep(claim.to_sweep)
        if parked:
            return None  # the next claim says when the first of them may not wait any longer
        return self._wait_after(claim, full=len(claim.jobs) == room)

    async def _start_all(self, claim: ClaimReply) -> bool:
        """Start what can begin, and park the rest; tell whether there is any."""
        attempts = list(map(self._options.read, claim.jobs))
        for attempt in attempts:
            self._attempts.claim(attempt)
        aborted: set[str] = set()
        if self._aborts:
            aborted = await self._aborts.requested([a.job_id for a in attempts])
        for attempt in attempts:
            if attempt.job_id in aborted:
                attempt.cancelled_by = "producer"
            if attempt.batch is None:
                self._unannounced = self._loop.time()
        here = [each for each in attempts if not each.concluded and self._stays(each, claim.now)]
        begin, asking = self._parking.sort(here)
        for attempt in begin:
            self._executor.launch(attempt)
        admitted = await self._parking.admit(asking) if asking else []
        for attempt in admitted:
            if attempt.concluded:
                attempt.free()  # it was lost meanwhile
            else:
                self._executor.launch(attempt)
        return len(admitted) < len(asking)

    def _wait_after(self, claim: ClaimReply, *, full: bool) -> Wait | None:
        """Return how long to wait until the next claim; None if the queue may have more."""
        if claim.position:
            self._unknown.passed(claim.position, end=not full and claim.next_in != 0)
        if full or (claim.position and claim.next_in == 0):
            return None
        return self._wait_for(claim.next_in)

    def _wait_for(self, next_in: int | None) -> Wait:
        """Return how long to wait if the next job is due in so many ms; None for none."""
        look_in = self._look_in()
        if next_in is not None and next_in / 1000 <= look_in:
            return Wait(max(next_in / 1000, 0.001), due=True)
        return Wait(look_in, punctual=look_in < _LOOK_AGAIN)

    def _room(self, at_most: int) -> int:
        # Outcomes on their way to Redis are claimed too: no more are made than can be recorded.
        concurrency, attempts = self._options.concurrency, self._attempts
        room = min(
            concurrency - attempts.task_count,
            2 * concurrency + _BACKLOG - attempts.claim_count,
            -(-concurrency // _CLAIMS),
            _MOST_CLAIMED,
            self._limits.left(attempts.started),
        )
        return room if at_most < 0 else min(room, at_most - attempts.started)

    def _warn_of(self, claim: ClaimReply) -> None:
        for id_ in claim.quarantined:
            logger.warning("queue member %r cannot be a job; it is put into quarantine", id_)
        if claim.held_by_arq and not self._plain_worker_seen:
            self._plain_worker_seen = True
            logger.warning(PLAIN_WORKER, claim.held_by_arq)

    def _stays(self, attempt: Attempt, now: int) -> bool:
        """Release an attempt to other workers that cannot start here `now` (ms); say if it can."""
        delay = self._unknown.delay(attempt, now)
        suspect = delay is None and attempt.history and attempt.suspect
        if suspect and self._executor.can_isolate(attempt):
            attempt.apart = True
            if self._places.left_apart <= 0:  # it keeps nobody waiting here
                delay = _ELSEWHERE
        if delay is None:
            return True
        if self._attempts.release(attempt):
            self._recorder.release(Release(attempt, delay))
        return False

    def _look_in(self) -> float:
        """Return when to look for jobs that nobody announces (s): soon, where one came lately."""
        if self._unannounced is None:
            return min(self._options.look_again, _LOOK_LEASE * self._options.lease)
        since = self._loop.time() - self._unannounced
        return min(max(since * _LOOK_SHARE, _LOOK_SOON), _LOOK_AGAIN)
