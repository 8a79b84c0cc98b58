"""Taking jobs: no more than there is room for, as soon as there are any."""

import asyncio
import logging
from collections.abc import Callable

from .aborts import Aborts
from .attempt import Attempt
from .contact import Contact
from .health import ERRORS, Health
from .held import Held
from .record import Recorder
from .running import Running
from .store import Claim, Release, Store
from .wear import Wear

logger = logging.getLogger("gatherq.worker")

#: Longest wait for a wake-up, in seconds: plain arq producers give none.
_LOOK_AGAIN = 0.5
#: Where plain arq producers are about: shortest wait, and share of the time since their last job.
_LOOK_SOON, _LOOK_SHARE = 0.02, 0.05
#: Claims that fill all slots.
_CLAIMS = 3
#: Outcomes that may wait to be recorded, beside those of two full loads.
_BACKLOG = 256
PLAIN_WORKER = (
    "a plain arq worker takes jobs from this queue (it has %s): what it does is neither fenced nor "
    "recovered within the lease, and it cannot complete a batch; replace it when you can"
)


class Intake:
    """Claims, and starts what was claimed."""

    def __init__(
        self,
        store: Store,
        recorder: Recorder,
        held: Held,
        running: Running,
        contact: Contact,
        wear: Wear,
        *,
        concurrency: int,
        can_isolate: Callable[[Attempt], bool],
        aborts: Aborts | None,
    ) -> None:
        self._store, self._recorder, self._held = store, recorder, held
        self._running, self._contact, self._wear = running, contact, wear
        self._concurrency, self._can_isolate, self._aborts = concurrency, can_isolate, aborts
        self._health = Health()
        self._loop = asyncio.get_running_loop()
        self._suspects: list[Attempt] = []
        self._alone = ""
        self._unannounced = float("-inf")
        self._plain_seen = False

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return self._wear.out(self._running.started, self._running.abandoned)

    async def run(self, *, burst: bool, at_most: int) -> None:
        """Take jobs until cancelled or worn out; with `burst`, until the queue is empty."""
        me = asyncio.current_task()
        while not self.worn_out:
            if me and me.cancelling():
                raise asyncio.CancelledError  # it was swallowed on its way: see gatherq.ending
            if self._suspects or self._alone in self._running:
                await self._run_alone()
                continue
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
            except ERRORS as error:
                self._contact.broken()
                await self._health.bad("give work", error)

    async def take(self, room: int) -> float:
        """Claim and start up to `room` jobs; return the seconds to wait for more, 0 for none."""
        with self._running.claiming():
            claim = await self._store.claim(room, self._contact.since, self._contact.last)
            self._health.good()
            self._contact.seen(claim.now)
            self._look_at(claim)
            aborted: set[str] = set()
            if self._aborts:
                aborted = await self._aborts.among([a.job_id for a in claim.attempts])
            for attempt in claim.attempts:
                if attempt.job_id in aborted:
                    attempt.cancelled_by = "producer"
                if attempt.batch is None:
                    self._unannounced = self._loop.time()
                self._take_in(attempt, beside=bool(self._running) or len(claim.attempts) > 1)
        for batch in claim.late:
            self._recorder.look_after(self._store.extend(batch))
        if len(claim.attempts) == room or self._suspects:
            return 0.0
        next_in = _LOOK_AGAIN if claim.next_in is None else claim.next_in / 1000
        return max(min(next_in, self._patience()), 0.001)

    def give_back(self) -> None:
        """Release what was claimed and never started."""
        for attempt in self._suspects:
            self._recorder.give_back(Release(attempt))

    def _room(self, at_most: int) -> int:
        # Outcomes on their way to Redis are held too: no more are made than can be recorded.
        # A claim takes a part of the slots, so that Redis makes the next while this one runs.
        room = min(
            self._concurrency - len(self._running),
            2 * self._concurrency + _BACKLOG - len(self._held),
            -(-self._concurrency // _CLAIMS),
            self._wear.left(self._running.started),
        )
        return room if at_most < 0 else min(room, at_most - self._running.started)

    def _look_at(self, claim: Claim) -> None:
        for id_ in claim.foreign:
            logger.warning("queue member %r cannot be a job; it is put into quarantine", id_)
        if claim.plain and not self._plain_seen:
            self._plain_seen = True
            logger.warning(PLAIN_WORKER, claim.plain)

    def _take_in(self, attempt: Attempt, *, beside: bool) -> None:
        """Start what was claimed; a suspect not beside others, in this process."""
        self._held.take(attempt)
        if attempt.suspect and beside and self._can_isolate(attempt):
            attempt.isolated = True
        if attempt.suspect and not attempt.isolated:
            self._suspects.append(attempt)
        else:
            self._running.start(attempt)

    async def _run_alone(self) -> None:
        """Run what took its worker down before with nothing beside it that could suffer."""
        self._held.room.clear()
        if not self._running:
            self._alone = self._suspects[0].job_id
            self._running.start(self._suspects.pop(0))
        await self._held.room.wait()

    def _patience(self) -> float:
        """Say when to look for jobs that nobody announces: soon, where some came lately."""
        since = self._loop.time() - self._unannounced
        return min(max(since * _LOOK_SHARE, _LOOK_SOON), _LOOK_AGAIN)
