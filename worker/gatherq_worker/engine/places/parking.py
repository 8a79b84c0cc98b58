"""Parking: a claimed job that this worker has no place for, or whose gate is full, goes back.

It waits in Redis, in a lane or at its gate, where it costs the claims of other jobs nothing. A
lane is of all jobs that need the same kind of place: `thread`, `process`, or the name of a handler
with a `concurrency` of its own. Jobs in a lane are claimed by whoever has a place for them.
"""

from collections.abc import Sequence
from time import monotonic

from gatherq.store.jobs import JobStore, Release
from gatherq.store.parking import Admission, LaneRoom
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.clock import Clock
from gatherq_worker.engine.conclusion.recorder import Recorder
from gatherq_worker.registry import Handler, Registry

from .execution_places import ExecutionPlaces

#: Seconds between two looks at lanes that nobody may serve any more, with lanes and without.
_TEND, _TEND_OTHERS = 3.0, 10.0


class Parking:
    """Says which claimed jobs begin, and parks the others."""

    def __init__(
        self,
        store: JobStore,
        attempts: Attempts,
        recorder: Recorder,
        places: ExecutionPlaces,
        registry: Registry,
        clock: Clock = monotonic,
    ) -> None:
        self._store, self._attempts, self._recorder = store, attempts, recorder
        self._places, self._clock = places, clock
        self._tend_at = float("-inf")
        #: Handlers whose jobs may not begin without a look.
        self._limited: dict[str, Handler] = {
            handler.name: handler for handler in registry if handler.needs_place or handler.has_gate
        }
        #: Lanes that this worker takes jobs from, each with a handler of it.
        self._lanes = {h.lane: h for h in self._limited.values() if h.lane}

    @property
    def has_lanes(self) -> bool:
        """Whether this worker takes jobs from any lane."""
        return bool(self._lanes)

    def room(self) -> list[LaneRoom]:
        """Return for how many jobs of each lane there is a place."""
        return [self._places.room(handler, lane) for lane, handler in self._lanes.items()]

    async def tend(self) -> None:
        """Say now and then which lanes are served here; look after those that nobody serves."""
        if self._clock() >= self._tend_at:
            self._tend_at = self._clock() + (_TEND if self._lanes else _TEND_OTHERS)
            await self._store.tend_lanes(self._lanes)

    def sort(self, attempts: Sequence[Attempt]) -> tuple[list[Attempt], list[Admission[Attempt]]]:
        """Return which of these claims may begin, with their places, and those that must ask."""
        if not self._limited:
            return [*attempts], []
        begin: list[Attempt] = []
        asking: list[Admission[Attempt]] = []
        for attempt in attempts:
            admission = self._admission(attempt)
            if admission is None:
                begin.append(attempt)
            else:
                asking.append(admission)
        return begin, asking

    async def admit(self, asking: Sequence[Admission[Attempt]]) -> list[Attempt]:
        """Return those that may begin, with their places; park the others.

        Raises what Redis does, and gives all of them back then: nobody knows what it has done.
        """
        for each in asking:
            if each.lane:  # its lease is renewed no longer
                self._attempts.release(each.attempt)
        try:
            replies = await self._store.park(asking)
        except BaseException:
            for each in asking:
                self._give_back(each.attempt)
            raise
        begin = []
        for each, begins in zip(asking, replies, strict=True):
            attempt = each.attempt
            if begins:
                begin.append(attempt)
                continue
            attempt.free()
            self._attempts.release(attempt)
            self._attempts.released(Release(attempt))
        return begin

    def _admission(self, attempt: Attempt) -> Admission[Attempt] | None:
        """Return what is to be asked for a claim; None if it may begin."""
        handler = self._limited.get(attempt.name)
        if handler is None or attempt.concluded or attempt.job is None:
            return None
        if handler.needs_place and not self._places.reserve(attempt, handler):
            return Admission(attempt, handler.lane)
        gate = handler.gate(attempt.job.args, attempt.job.kwargs) if handler.has_gate else None
        return Admission(attempt, "", gate) if gate else None

    def _give_back(self, attempt: Attempt) -> None:
        """Give a claim back as soon as Redis answers."""
        attempt.free()
        self._attempts.release(attempt)
        self._recorder.release(Release(attempt))
