"""The places that executions run in and wait for: threads, processes, each handler's own limit."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from time import monotonic

from gatherq.store.parking import LaneRoom
from gatherq_worker.attempt import Attempt, Place
from gatherq_worker.engine.clock import Clock
from gatherq_worker.engine.conclusion.deadlines import Limit, limit_to_begin
from gatherq_worker.execution.capacity import Places
from gatherq_worker.execution.processes import Processes
from gatherq_worker.execution.result import ResultWriter
from gatherq_worker.execution.shortage import out_of_descriptors
from gatherq_worker.execution.threads import Threads
from gatherq_worker.registry import Handler

logger = logging.getLogger("gatherq.worker")

#: Threads, and least number of processes, that jobs run in at a time.
_THREADS, _PROCESSES = 32, 4
#: Processes beside these, for jobs that died before.
_APART = 2
#: Seconds after which a shortage that goes on is worth another line.
_WORTH_A_LINE = 10.0
#: Seconds without a descriptor for isolated jobs, after which a process is not used any longer.
_STARVED = 5.0


class WaitedTooLong(Exception):
    """An attempt waited for its place until a limit had passed."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit


class ExecutionPlaces:
    """The threads and processes of one worker, and how many jobs of each handler may run."""

    def __init__(self, write: ResultWriter, clock: Clock = monotonic) -> None:
        self._clock = clock
        #: Called when a place is free where none was.
        self.when_free: Callable[[], None] = lambda: None
        self._threads = Threads(_THREADS, write, self._freed)
        self._processes = Processes(_most_processes(), self._freed)
        self._apart = Processes(_APART)
        self._by_handler: dict[str, Places] = {}
        #: When a shortage was last logged.
        self._warned = -_WORTH_A_LINE
        #: Since when jobs are given back because this process has no descriptor left.
        self._short: float | None = None

    def kind_for(self, attempt: Attempt, handler: Handler) -> Processes | Threads | None:
        """Return what an attempt runs in; None for the event loop."""
        if attempt.apart and handler.definition.isolation != "process":
            return self._apart
        return self._kind_of(handler)

    async def take(
        self, attempt: Attempt, handler: Handler, kind: Processes | Threads | None, now: int
    ) -> Place:
        """Wait for all places that an attempt needs, `now` in ms of Redis's clock; return the last.

        The attempt holds them. Raises WaitedTooLong, Shortage, and errors of the operating system.
        """
        limit = limit_to_begin(attempt, now)
        try:
            async with asyncio.timeout(limit and limit.seconds) as waiting:
                await self._take_all(attempt, handler, kind)
        except TimeoutError:
            if limit is None or not waiting.expired():
                raise
            raise WaitedTooLong(limit) from None
        return attempt.places[-1]

    async def _take_all(
        self, attempt: Attempt, handler: Handler, kind: Processes | Threads | None
    ) -> None:
        own, seat = self._own(handler), None
        if attempt.places and kind is not None:
            seat, attempt.places = attempt.places[-1], attempt.places[:-1]
        elif not attempt.places and own is not None:
            attempt.places = (await own.take(),)
        if kind is not None:
            place = await kind.take(handler, seat)
            self._short = None
            attempt.places = (*attempt.places, place)

    def reserve(self, attempt: Attempt, handler: Handler) -> bool:
        """Take all places that an attempt needs, if they are free; say whether they were."""
        wanted = self._wanted(handler, self.kind_for(attempt, handler))
        if not all(places.left for places in wanted):
            return False
        attempt.places = tuple(seat for places in wanted if (seat := places.take_now()))
        return True

    def room(self, handler: Handler, lane: str) -> LaneRoom:
        """Return how many jobs of a lane could begin at once, by a handler of it."""
        wanted = self._wanted(handler, self._kind_of(handler))
        isolation = handler.definition.isolation
        kind = isolation if isolation in ("thread", "process") else lane
        return LaneRoom(lane, min(places.left for places in wanted), kind, wanted[-1].left)

    def _wanted(self, handler: Handler, kind: Processes | Threads | None) -> list[Places]:
        own = self._own(handler)
        found = [] if own is None else [own]
        return found if kind is None else [*found, kind.places]

    def _own(self, handler: Handler) -> Places | None:
        """Return the places of a handler that has a limit of its own."""
        concurrency = handler.definition.concurrency
        if concurrency is None:
            return None
        if handler.name not in self._by_handler:
            self._by_handler[handler.name] = Places(concurrency, self._freed)
        return self._by_handler[handler.name]

    def _kind_of(self, handler: Handler) -> Processes | Threads | None:
        isolation = handler.definition.isolation
        if isolation == "process":
            return self._processes
        return self._threads if isolation == "thread" else None

    def _freed(self) -> None:
        """Tell that a place is free where none was."""
        self.when_free()

    def note_shortage(self, error: Exception) -> None:
        """Note that a job cannot begin here just now, and log it once in a while."""
        if self._short is None and out_of_descriptors(error):
            self._short = self._clock()
        if self._clock() - self._warned > _WORTH_A_LINE:
            self._warned = self._clock()
            what = f"{type(error).__name__}: {error}"
            logger.warning(
                "jobs cannot begin here just now, and are left to other workers: %s", what
            )

    @property
    def starved(self) -> bool:
        """Whether jobs have long waited for a descriptor that this process will not have."""
        return self._short is not None and self._clock() - self._short >= _STARVED

    @property
    def abandoned_threads(self) -> int:
        """How many threads do not end although their time is over."""
        return self._threads.abandoned

    @property
    def left_apart(self) -> int:
        """How many suspects could begin at once, in processes of their own."""
        return self._apart.left

    @property
    def most(self) -> dict[str, int]:
        """How many jobs can run at a time outside of the event loop, by where."""
        return {"threads": _THREADS, "processes": _most_processes()}

    def close(self) -> None:
        """Kill what runs outside of the loop; may be called from any thread."""
        self._processes.close()
        self._apart.close()

    def stop(self) -> None:
        """End what runs outside of the loop, and close what is kept for it."""
        self._processes.stop()
        self._apart.stop()

    def descriptors(self) -> Iterator[int]:
        """Yield the file descriptors that forks of this worker must not keep open."""
        yield from self._processes.descriptors()
        yield from self._apart.descriptors()


def _most_processes() -> int:
    return max(os.cpu_count() or 1, _PROCESSES)
