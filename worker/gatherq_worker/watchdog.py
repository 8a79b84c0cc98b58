"""Keeps timeouts when the event loop cannot, from the thread of the heartbeat.

It reads what the engine keeps anyway, ten times a second, so it costs a job nothing.
"""

import asyncio
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from itertools import islice, takewhile
from time import monotonic

from . import interrupt
from .attempt import Attempt
from .context import job_of
from .execute import is_loop
from .health import ERRORS, Health
from .page import Page
from .record import Recorder
from .settle import Settler
from .store import Record, Release, Store
from .supervisor import RECYCLED

logger = logging.getLogger("gatherq.worker")

#: Seconds between two looks.
_TICK = 0.1
#: Seconds without an answer after which the loop counts as blocked, and is spoken of.
_BLOCKED, _WORTH_A_LINE = 0.25, 1.0
#: Seconds that threads and processes have to keep their own deadlines, before this does.
_LEAD = 0.2
#: Innermost frames of a stack that are shown.
_FRAMES = 12

Running = dict[str, tuple[Attempt, asyncio.Task[None]]]


class Watchdog:
    """Watches the loop it is made in."""

    def __init__(
        self,
        running: Running,
        settler: Settler,
        recorder: Recorder,
        expire: Callable[[list[Attempt]], None],
        on_recorded: Callable[[Record, str], None],
        before_exit: Callable[[], None],
        page: Page | None,
    ) -> None:
        self._running, self._settler, self._recorder = running, settler, recorder
        self._expire, self._on_recorded, self._before_exit = expire, on_recorded, before_exit
        self._page = page
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._target = interrupt.install()
        self._asked = self._answered = monotonic()
        self._told = False
        #: How often the loop was blocked for a second or more.
        self.blocks = 0

    async def run(self, store: Store) -> None:
        """Watch until cancelled; runs in another thread's loop."""
        health = Health()
        while True:
            await asyncio.sleep(_TICK)
            if self._page:
                self._page.tick()
            try:
                await self._look(store, monotonic())
                health.good()
            except ERRORS as error:
                await health.bad("record a timeout", error)

    def _pong(self) -> None:
        self._answered = monotonic()

    def _blocked_for(self, now: float) -> float:
        """Ask the loop for a sign of life; return for how many seconds it gave none."""
        if self._answered >= self._asked:
            self._asked = now
            self._told = False
            self._loop.call_soon_threadsafe(self._pong)
            return 0.0
        return now - self._asked

    async def _look(self, store: Store, now: float) -> None:
        blocked = self._blocked_for(now)
        asked = [a for a, _ in list(self._running.values()) if a.overdue]
        late = [a for a in asked if a.deadline and now >= a.deadline]
        if blocked >= _WORTH_A_LINE and not self._told:
            self._tell(blocked)
        if blocked >= _BLOCKED and late and self._target:
            interrupt.interrupt(self._target)
        overdue = [a for a in asked if a.overdue and now >= a.overdue + _LEAD * a.isolated]
        if not overdue:
            return
        if blocked < _BLOCKED:
            self._loop.call_soon_threadsafe(self._expire, overdue)
            return
        await self._record(store, overdue)
        blocker = self._blocker()
        if blocker is None or blocker in overdue:
            await self._recycle(store, blocker or overdue[0])

    async def _record(self, store: Store, overdue: list[Attempt]) -> None:
        """Record timeouts in place of the loop; its own late verdict finds them recorded."""
        records = [r for attempt in overdue if (r := self._settler.time_out(attempt))]
        if not records:
            return
        try:
            words = await store.finish_at_once(records)
        except ERRORS:
            for record in records:
                record.attempt.handed_over = False
            raise
        for record, word in zip(records, words, strict=True):
            self._loop.call_soon_threadsafe(self._on_recorded, record, word)

    async def _recycle(self, store: Store, blocker: Attempt) -> None:
        """End this process, which cannot be freed; what else it runs starts elsewhere at once."""
        others = [a for a, _ in list(self._running.values()) if not a.handed_over and not a.dropped]
        records, releases = self._recorder.waiting()
        if records:
            await store.finish_at_once(records)
        await store.release([*releases, *map(Release, others)])
        await store.sign_off()
        logger.error(
            "job %s (%s) cannot be stopped; this process ends, and %d other jobs are released",
            blocker.job_id,
            blocker.name,
            len(others),
        )
        self._before_exit()
        logging.shutdown()
        os._exit(RECYCLED)

    def _blocker(self) -> Attempt | None:
        """Find the attempt whose code blocks the loop; None if it cannot be told."""
        task = asyncio.current_task(self._loop)
        for attempt, its in list(self._running.values()):
            if its is task:
                return attempt
        job = job_of(task) if task else None
        return self._running[job.job_id][0] if job and job.job_id in self._running else None

    def _tell(self, blocked: float) -> None:
        """Name the job that blocks the loop, with its stack, in one line."""
        self._told = True
        self.blocks += 1
        blocker = self._blocker()
        frame = sys._current_frames().get(self._thread)
        steps = takewhile(lambda step: not is_loop(step[0]), traceback.walk_stack(frame))
        stack = traceback.StackSummary.extract(islice(steps, _FRAMES)).format()
        logger.warning(
            "%s blocks the event loop for %.1f s: %s",
            f"job {blocker.job_id} ({blocker.name})" if blocker else "something",
            blocked,
            " < ".join(" ".join(entry.split()) for entry in stack),
        )
