"""The heartbeat renews leases in a thread of its own: a handler that blocks the loop loses none.

The answer to a renewal tells what is lost or cancelled. A message about a cancellation is a hint to
renew at once, for only what stands in Redis counts. With each renewal go the fields of the worker's
record that change, and its news; a supervisor is told these fields, too. The others are written
again and again, so that a record that was flushed, or lost in a failover, comes back.

A worker that has no claims has nothing to renew: a claim that finds nothing is its sign of life,
and keeps it in contact.
"""

import asyncio
import contextlib
import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

from gatherq.aio import cancel_and_wait
from gatherq.contract.worker_record import Beat, SignOff, WorkerRecord
from gatherq.store.jobs import JobStore, RenewalReply
from gatherq.store.server.connection import Server, disconnect
from gatherq.store.server.errors import REDIS_ERRORS, is_transient
from gatherq.store.server.outages import OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.guarded_task import within
from gatherq_worker.ipc.scoreboard import Scoreboard

from .attempts import Attempts
from .conclusion.recorder import Recorder
from .loop_watch.watchdog import Watchdog
from .redis_clock import RedisClock
from .worker_record.live_fields import LiveFields
from .worker_record.news import News

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis.asyncio import Redis

logger = logging.getLogger("gatherq.worker")

#: Longest pause between two renewals, which are this worker's signs of life, in seconds.
_LONGEST = 10.0
#: Seconds between two writes of the worker's record.
ANNOUNCE_AGAIN = 20.0


class Heartbeat:
    """Renews the leases of all claimed attempts four times a lease, or each ten seconds.

    Of a worker that has had nothing to do since the last time, each ten seconds.

    The watchdog runs beside it, and what writes the record of this worker.
    """

    def __init__(
        self,
        server: Server,
        make_store: "Callable[[Redis], JobStore]",
        attempts: Attempts,
        recorder: Recorder,
        clock: RedisClock,
        watchdog: Watchdog,
        lease: float,
        record: WorkerRecord,
        live: LiveFields,
        news: News,
        scoreboard: Scoreboard | None = None,
    ) -> None:
        self._server, self._make_store = server, make_store
        self._attempts, self._recorder, self._clock = attempts, recorder, clock
        self._watchdog, self._interval = watchdog, min(lease / 4, _LONGEST)
        self._record, self._live, self._news = record, live, news
        self._live_failed, self._scoreboard = False, scoreboard
        #: When it last renewed; how many attempts were started by then, None if any was held.
        self._renewed = 0.0
        self._started: int | None = None
        #: Why the worker ends, as an event.
        self.end: tuple[str, ...] = ("worker_drained",)
        self.outages = OutageLog()
        #: When Redis answered last before an outage, in ms; 0 for none.
        self._away_since = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping, self._hint, self._announced = False, asyncio.Event(), asyncio.Event()
        #: Set after an outage, in which the record may have gone.
        self._announce_now = asyncio.Event()
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._main = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="gatherq-heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()
        self._ready.wait()

    def renew_soon(self) -> None:
        """Renew at once: a claimed job may be cancelled; called by the event loop's thread."""
        if self._loop and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # its loop has just ended
                self._loop.call_soon_threadsafe(self._hint.set)

    async def stop(self, timeout: float) -> None:
        """End the thread, which signs the worker off; wait at most `timeout` seconds for it."""
        if not self._thread.is_alive():
            return
        self._stopping = True
        self.renew_soon()
        await within(monotonic() + timeout, self._ended.wait())

    def _run(self) -> None:
        try:
            asyncio.run(self._beat())
        finally:
            with contextlib.suppress(RuntimeError):  # the main loop has ended before
                self._main.call_soon_threadsafe(self._ended.set)

    async def _beat(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        redis, outages = self._server.connect(), self.outages
        store = self._make_store(redis)
        watching = asyncio.create_task(self._watchdog.run(store))
        announcing: asyncio.Task[None] | None = None
        while not self._stopping:
            if self._hint.is_set() or not self._is_idle():
                self._hint.clear()
                try:
                    await self._renew(store)
                except Exception as error:
                    self._live.tell_all()
                    self._tell_supervisor()
                    self._away_since = self._away_since or self._clock.last
                    self._clock.failed(error)
                    await outages.note_error("renew leases", error)
                    continue
                outages.note_answer()
                self._note_back()
                # Not before: the two would need a connection each, for good.
                announcing = announcing or asyncio.create_task(self._announce(store))
            self._tell_supervisor()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), self._interval)
        watching.cancel()
        if announcing:
            await self._announced.wait()  # a worker that ends at once has begun, too
            await cancel_and_wait(announcing)
        with contextlib.suppress(*REDIS_ERRORS):  # the entry goes by itself
            await store.sign_off(SignOff(self.end, self._news.take(last=True)))
        await disconnect(redis)

    async def _announce(self, store: JobStore) -> None:
        """Write the record of this worker, at once and again and again; nothing depends on it."""
        started, logged = 0, False
        while True:
            try:
                started = await store.announce(self._record, started)
            except Exception as error:
                level = logging.DEBUG if logged or is_transient(error) else logging.INFO
                logged |= level == logging.INFO
                logger.log(level, "the record of this worker is not written: %s", error)
            self._announced.set()
            self._live.tell_all()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._announce_now.wait(), ANNOUNCE_AGAIN)
            self._announce_now.clear()

    def _is_idle(self) -> bool:
        """Tell whether nothing was held, and nothing has happened since the last renewal."""
        return (
            self._started == self._attempts.started
            and not self._attempts.claim_count
            and not self._news.waits()
            and self._live.runs_as_told
            and monotonic() < self._renewed + _LONGEST
        )

    async def _renew(self, store: JobStore) -> None:
        self._started, started = None, self._attempts.started
        claims = {attempt.job_id: attempt for attempt in self._attempts.claims()}
        since, last = self._clock.since, self._clock.last
        alive = self._watchdog.alive()
        news = self._news.take()  # which the fields number
        beat = Beat(self._fields(), news)
        renewal = await store.renew(claims.values(), since, last, sign=alive, beat=beat)
        self._news.told()
        self._renewed = monotonic()
        self._started = None if claims else started
        self._clock.seen(renewal.now)
        self._post(renewal, claims)

    def _fields(self) -> "Mapping[str, str | int]":
        """Return what the record is to say now; nothing depends on it."""
        try:
            return self._live.changes()
        except Exception:  # a fault of ours
            if not self._live_failed:
                logger.exception("the record of this worker cannot be made; it goes on")
            self._live_failed = True
            return {}

    def _tell_supervisor(self) -> None:
        if self._scoreboard:
            self._scoreboard.status = self._live.status(self._clock.heard)

    def _note_back(self) -> None:
        """Note an outage that is over."""
        since, self._away_since = self._away_since, 0
        if since:
            self._news.note("redis_away", since=since)
            self._news.note("redis_back", since=since)
            self._announce_now.set()

    def _post(self, renewal: RenewalReply, claims: dict[str, Attempt]) -> None:
        """Post to the event loop what a renewal said."""
        post = self._main.call_soon_threadsafe
        # An attempt that was finished meanwhile, or claimed anew, is not lost.
        lost = [a for id_ in renewal.lost if self._attempts.is_claimed(a := claims[id_])]
        if lost:
            post(self._attempts.lose, lost)
        for job_id, by in renewal.cancelled.items():
            if job_id in claims:
                post(self._attempts.cancel, claims[job_id], by)
        if renewal.to_extend:
            post(self._recorder.extend, renewal.to_extend)
        if renewal.to_sweep:
            post(self._recorder.sweep, renewal.to_sweep)
