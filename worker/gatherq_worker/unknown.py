"""Jobs of a name that this worker does not know: left for a while to workers that do.

While a deployment rolls, old workers meet the jobs of new producers. A claim passes over those of
names that were met before; so they cost little, and whoever knows them need not compete.
"""

import json
import logging
from time import monotonic

from .attempt import Attempt
from .handlers import Handlers, UnknownJob
from .passing import Passing

logger = logging.getLogger("gatherq.worker")

#: Seconds until a job is looked at again that a claim cannot pass over.
_AGAIN = 1.0
#: Most names that are known to be unknown, and the longest of them that a claim is told.
_NAMES, _LONGEST = 100, 200
#: Members of the queue that one claim passes over at most, and the seconds until it begins anew.
_PASSED, _ANEW = 400, 1.0


class Unknown:
    """Knows since when names have been met here, `seconds` long; 0: none is left to others."""

    def __init__(self, handlers: Handlers, seconds: float) -> None:
        self._handlers, self._seconds = handlers, seconds
        #: When each name was met first; the oldest first.
        self._met: dict[str, float] = {}
        self._names = ""
        self._first, self._began = 0, 0.0

    def delay(self, attempt: Attempt, now: int) -> float | None:
        """Return after how many seconds others may have it; None: it is to be run, or fail, here.

        `now` is Redis's, in ms. Jobs without a batch are arq's, and fail at once as they do there.
        """
        job = attempt.job
        if job is None or job.name in self._handlers or not self._seconds or not attempt.batch:
            return None
        if attempt.cancelled_by:
            return None
        name = job.name
        if name not in self._met:
            self._meet(name)
        waited = min(monotonic() - self._met[name], (now - attempt.score) / 1000)
        if waited >= self._seconds:
            return None
        return 0.0 if _is_plain(name) else _AGAIN

    @property
    def passing(self) -> Passing:
        """What the next claim is to pass over."""
        if not self._names:
            return Passing()
        if monotonic() - self._began > _ANEW:
            self._first, self._began = 0, monotonic()
        return Passing(self._names, round(self._seconds * 1000), self._first)

    def passed(self) -> None:
        """Note that a claim saw as much of the queue as it may: the next goes on from there."""
        if self._names:
            self._first += _PASSED

    def _meet(self, name: str) -> None:
        while len(self._met) >= _NAMES:
            del self._met[next(iter(self._met))]
        self._met[name] = monotonic()
        plain = [name for name in self._met if _is_plain(name)]
        self._names = json.dumps(plain) if plain else ""
        try:
            self._handlers.find(name)
        except UnknownJob as error:
            logger.warning("%s; its jobs are left to others for %g s", error, self._seconds)


def _is_plain(name: str) -> bool:
    """Tell whether a claim finds the name in a job as it is."""
    return len(name) <= _LONGEST and name.isprintable() and not set('"\\') & set(name)
