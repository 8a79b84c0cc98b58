"""Jobs of a name that this worker does not know: left for a while to workers that do.

During a rolling deployment old workers meet the jobs of new producers. A claim passes over jobs of
names that were met before: they cost little, and workers that know them need not compete.
"""

import logging
from time import monotonic

from gatherq.contract.scheduling.schedules import is_run_of
from gatherq.contract.validation import MAX_NAME
from gatherq.contract.values import codec
from gatherq.store.queue_position import FRONT, Passing, QueuePosition
from gatherq_worker.attempt import Attempt
from gatherq_worker.registry import Registry, UnknownJob

from .clock import Clock

logger = logging.getLogger("gatherq.worker")

#: Seconds until a job that a claim cannot pass over is looked at again.
_AGAIN = 1.0
#: Most names that are kept.
_NAMES = 200
#: Seconds from the end of one pass over the queue to the next: for each claim that the pass took,
#: at least, and at most.
_PAUSE, _LEAST, _MOST = 0.1, 1.0, 10.0


class UnknownJobs:
    """The unknown names, whose jobs are left to others for `seconds`; 0 for never."""

    def __init__(self, registry: Registry, seconds: float, clock: Clock = monotonic) -> None:
        self._registry, self._seconds, self._clock = registry, seconds, clock
        #: When each name was met first; the oldest first.
        self._met: dict[str, float] = {}
        #: The names that the next claim passes over, as JSON; those of the last claim.
        self._names, self._told = b"", frozenset[str]()
        #: The position that this pass over the queue has come to, its claims so far, when it ended.
        self._position, self._claims, self._ended = FRONT, 0, 0.0

    def delay(self, attempt: Attempt, now: int) -> float | None:
        """Return the seconds after which others may have the job; None to run or fail it here.

        `now` is in ms of Redis's clock. Jobs without a batch are arq's, and fail at once as in arq,
        but for those of a schedule.
        """
        job = attempt.job
        if job is None or job.name in self._registry or not self._seconds:
            return None
        if not attempt.batch and not is_run_of(attempt.job_id, job.name):
            return None
        if attempt.cancelled_by or len(job.name) > MAX_NAME:
            return None
        waited = (now - job.enqueued) / 1000
        if self._meet(job.name):
            waited = min(waited, self._clock() - self._met[job.name])
        if waited >= self._seconds:
            return None
        return _AGAIN if job.name in self._told or job.name not in self._met else 0.0

    @property
    def passing(self) -> Passing:
        """What the next claim is to pass over, and where it begins."""
        if not self._names:
            return Passing()
        if self._ended:
            pause = min(max(_PAUSE * self._claims, _LEAST), _MOST)
            if self._clock() - self._ended > pause:
                self._position, self._claims, self._ended = FRONT, 0, 0.0
        self._told = frozenset(self._met)
        return Passing(self._names, round(self._seconds * 1000), self._position)

    def passed(self, position: QueuePosition, *, end: bool) -> None:
        """Note the position that a claim came to, and whether that is the end of the queue.

        The next claim goes on from there. Jobs that become visible from now on stand behind it;
        jobs queued for a time in the past, and jobs passed over for long enough, wait for the next
        pass.
        """
        self._position = position
        if not self._ended:
            self._claims += 1
            self._ended = self._clock() if end else 0.0

    def _meet(self, name: str) -> bool:
        """Note the name, if there is room for it; return whether there is."""
        if name in self._met:
            return True
        if len(self._met) >= _NAMES:
            oldest = next(iter(self._met))
            if self._clock() - self._met[oldest] < self._seconds:
                return False
            del self._met[oldest]
        self._met[name] = self._clock()
        self._names = codec.encode([codec.encode(name).decode() for name in self._met])
        try:
            self._registry.find(name)
        except UnknownJob as error:
            logger.warning("%s; its jobs are left to others for %g s", error, self._seconds)
        return True
