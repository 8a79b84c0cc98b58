"""The watchdog keeps timeouts when the event loop cannot, in the thread of the heartbeat.

It reads what the engine keeps anyway, ten times a second, so it costs a job nothing. It makes and
writes outcomes itself only while the loop is blocked (`Attempts.record` says why that is safe).
"""

import asyncio
import logging
import os
import threading
from typing import NoReturn

from gatherq.contract.current_job import CurrentJob
from gatherq.contract.worker_record import SignOff
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.server.errors import REDIS_ERRORS
from gatherq.store.server.outages import OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.conclusion.finalizer import Finalizer
from gatherq_worker.engine.conclusion.recorder import tell_refused
from gatherq_worker.engine.events import LoopBlocked
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.places.execution_places import ExecutionPlaces
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.execution import interrupt
from gatherq_worker.ipc.process_contract import RECYCLED, Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard

from .blocker import Culprit, blocking_job, place, stack
from .pulse import Pulse

logger = logging.getLogger("gatherq.worker")

#: Seconds between two looks; seconds without one that mean that the process was suspended.
_TICK, _STOPPED = 0.1, 0.5
#: Seconds without an answer after which the loop counts as blocked, and after which that is logged.
_BLOCKED, _WORTH_A_LINE = 0.25, 1.0
#: Seconds that threads and processes have to keep their own deadlines, before this does.
_LEAD = 0.2
#: Leases, or seconds if that is more, for which code that is no job's may block the loop.
_LONGEST_LEASES, _LONGEST = 2, 5.0


class Watchdog:
    """Watches the event loop that it is made in."""

    def __init__(
        self,
        attempts: Attempts,
        finalizer: Finalizer,
        places: ExecutionPlaces,
        options: EngineOptions,
        scoreboard: Scoreboard | None,
        news: News,
        *,
        blocked: float = _BLOCKED,
        longest: float | None = None,
    ) -> None:
        self._attempts, self._finalizer, self._places = attempts, finalizer, places
        self._recorder, self._observers = finalizer.recorder, finalizer.observers
        self._scoreboard, self._clock, self._news = scoreboard, options.clock, news
        self._blocked = blocked
        self._longest = (
            max(_LONGEST_LEASES * options.lease, _LONGEST) if longest is None else longest
        )
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._target = interrupt.install(self._is_over)
        self._pulse = Pulse(self._loop, options.clock)
        self._culprit = Culprit(self._loop, self._thread)
        #: Timeouts that Redis has not taken yet.
        self._records: list[Record[Attempt]] = []
        self._warned = False
        self._trouble = ""
        #: How often the loop was blocked for a second or more, or what blocked it was interrupted.
        self.blocks = 0

    def alive(self) -> bool:
        """Tell whether this worker takes jobs: what blocks its loop, if any, is a running job."""
        if self._pulse.silence(self._clock()) < self._longest:
            return True
        return self._blocker() is not None

    def lag(self) -> float:
        """Return for how many seconds the loop did not answer, at most, since this was asked."""
        return self._pulse.lag()

    def blocked_by(self) -> str:
        """Say what has blocked the loop for a second or more: the job, and where in the code."""
        if self._stuck(self._clock()) < _WORTH_A_LINE:
            return ""
        return " ".join(filter(None, (self._blocking_id() or "something", place(self._thread))))

    async def run(self, store: JobStore) -> None:
        """Watch until cancelled; runs in another thread's loop."""
        outages = OutageLog()
        while True:
            before = self._clock()
            await asyncio.sleep(_TICK)
            if self._scoreboard:
                self._scoreboard.tick()
            if (slept := self._clock() - before) > _STOPPED:
                self._pulse.forgive(slept)
            try:
                await self._look(store, self._clock())
                outages.note_answer()
                self._trouble = ""
            except REDIS_ERRORS as error:
                await outages.note_error("record a timeout", error)
            except Exception as error:
                if self._trouble != (what := repr(error)):
                    logger.exception("the watchdog fails; it goes on")
                self._trouble = what

    async def _look(self, store: JobStore, now: float) -> None:
        blocked = self._pulse.beat(now)
        stuck = self._stuck(now)
        limited = [attempt for attempt in self._attempts.running() if attempt.overdue]
        late = [a for a in limited if a.deadline and now >= a.deadline]
        self._warned = self._warned and blocked >= self._blocked
        interrupted = stuck >= self._blocked and self._target and (late or self._left_behind())
        if (blocked >= _WORTH_A_LINE or interrupted) and not self._warned:
            self._warn(blocked, stuck)  # before the interrupt: it tells where the code stands
        if interrupted and self._target:
            interrupt.interrupt(self._target)
        overdue = [a for a in limited if now >= _must_have_ended(a)]
        if blocked < self._blocked:
            self._leave_to_the_loop(overdue)
        elif overdue or self._records:
            await self._record(store, overdue)
            if self._hopeless(overdue):
                await self._recycle(store, overdue)
            return
        if not overdue and (self._hopeless([]) or self._starved()):
            await self._recycle(store, [])

    def _leave_to_the_loop(self, overdue: list[Attempt]) -> None:
        """Have the loop, which answers, do what is left to do."""
        records, self._records = self._records, []
        for record in records:
            self._loop.call_soon_threadsafe(self._recorder.put, record)
        if overdue:
            self._loop.call_soon_threadsafe(self._finalizer.expire, overdue)

    def _hopeless(self, overdue: list[Attempt]) -> bool:
        """Tell whether the loop is blocked now by what is not to run on, and cannot be stopped."""
        stuck = self._stuck(self._clock())
        if stuck < self._blocked:
            return False
        blocker = self._blocker()
        if blocker is None:
            return bool(overdue) or stuck >= self._longest
        return blocker in overdue

    def _stuck(self, now: float) -> float:
        """Return for how many seconds the loop does not answer for the same reason."""
        return min(self._culprit.lasts(now), self._pulse.silence(now))

    def _starved(self) -> bool:
        """Tell whether outcomes wait for a descriptor, and none will come: a job leaks them."""
        return self._recorder.short_for() >= self._longest

    async def _record(self, store: JobStore, overdue: list[Attempt]) -> None:
        """Record timeouts in place of the loop; its own verdict comes too late then."""
        for record in [r for a in overdue if (r := self._finalizer.time_out(a))]:
            self._records.append(record)
            self._loop.call_soon_threadsafe(self._attempts.unwind, record.attempt)
        records = self._records
        if not records:
            return
        replies = await store.record_and_maintain(records)
        self._news.recorded(records, replies)
        self._records = []
        tell_refused(records, replies)
        for record in records:
            self._loop.call_soon_threadsafe(self._attempts.recorded, record.attempt)

    async def _recycle(self, store: JobStore, overdue: list[Attempt]) -> None:
        """End this process, which cannot be freed; what else it runs starts elsewhere at once."""
        records, releases = self._recorder.waiting()
        if records:
            self._news.recorded(records, await store.record_and_maintain(records))
        stuck = self._hopeless(overdue)
        if not stuck and not self._starved():
            return  # it was freed while Redis was asked
        why = f"{self._name()} cannot be stopped" if stuck else "no descriptors are left"
        others = [attempt for attempt in self._attempts.running() if not attempt.concluded]
        try:
            await store.release([*releases, *map(Release, others)])
            end = SignOff(("worker_recycled", "why", why), self._news.take(last=True))
            await store.sign_off(end)
        except REDIS_ERRORS:
            if self._scoreboard is None:  # else the supervisor tries on
                raise
        logger.error(
            "%s; this process ends, and %d other jobs are released",
            why,
            len(others),
        )
        self._end()

    def _end(self) -> NoReturn:
        self._places.close()
        self._observers.deliver()  # the loop will not
        if self._scoreboard:
            self._scoreboard.farewell = Farewell.RECYCLE
        logging.shutdown()
        os._exit(RECYCLED)

    def _blocking_id(self) -> str:
        """Return the id of the job whose code blocks the loop, even if it has ended."""
        found = self._blocker() or blocking_job(self._loop, self._thread)
        return found.job_id if found else ""

    def _blocker(self) -> Attempt | None:
        """Find the running attempt whose code blocks the loop; None if it is none's, or unknown."""
        attempt = self._attempts.task_runs(asyncio.current_task(self._loop))
        if attempt:
            return attempt
        job = blocking_job(self._loop, self._thread)
        return self._attempts.find(job.job_id) if job and not self._is_over(job) else None

    def _left_behind(self) -> bool:
        """Tell whether the loop is blocked by what a job that has ended has left behind."""
        job = blocking_job(self._loop, self._thread)
        return job is not None and self._is_over(job)

    def _is_over(self, job: CurrentJob) -> bool:
        attempt = self._attempts.find(job.job_id)
        return attempt is None or attempt.number != job.attempt

    def _name(self) -> str:
        """Say who blocks the loop."""
        if attempt := self._blocker():
            return f"job {attempt.job_id!r} ({attempt.name})"
        job = blocking_job(self._loop, self._thread)
        return f"code left behind by job {job.job_id!r} ({job.name})" if job else "something"

    def _warn(self, blocked: float, stuck: float) -> None:
        """Log the job that blocks the loop, with its stack, in one line; at once, from here."""
        self._warned = True
        self.blocks += 1
        who = self._name() if stuck >= self._blocked else "the work of many jobs"
        calls = stack(self._thread)
        text, event = "%s blocks the event loop for %.1f s: %s", {"event": "worker.blocked"}
        logger.warning(text, who, blocked, calls, extra=event)
        job = blocking_job(self._loop, self._thread) if stuck >= self._blocked else None
        self._observers.post(LoopBlocked(blocked, job))
        if stuck >= self._blocked:
            job_id, where = self._blocking_id(), place(self._thread)
            self._news.note("worker_blocked", job=job_id, where=where)


def _must_have_ended(attempt: Attempt) -> float:
    assert attempt.overdue is not None
    return attempt.overdue + (_LEAD if attempt.outside else 0.0)
