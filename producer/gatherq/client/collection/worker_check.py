"""Looks whether anybody is there to run what waits in silence, and says so where nobody is."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from gatherq.errors import NoWorkers
from gatherq.settings import NoWorkersPolicy
from gatherq.store.batches import BatchStore
from gatherq.store.server.errors import is_transient
from gatherq.store.worker_presence import Presence

from .absence import Absence, Waiting, absence, missing, present

if TYPE_CHECKING:
    from .janitor import WatchedBatch

logger: logging.Logger = logging.getLogger("gatherq")

#: Seconds of silence of a batch after which its workers are looked for.
SILENCE = 3.0
#: Seconds from a look to the next: after the first of a silence, and after any later one.
_PAUSES = 10.0, 30.0
#: Shortest time between two looks of a producer, in seconds.
LEAST_PAUSE = 1.0
#: Of how many batches that were attached by their id one look reads names, and of how many jobs.
_SAMPLED, _JOBS = 20, 4


class Silence:
    """The silence of a batch: since when it lasts, and when to look for workers next."""

    def __init__(self, now: float) -> None:
        self.since = now
        self.look_at: float = now + SILENCE
        self._looks = 0

    def note_look(self, now: float) -> None:
        """Note a look: the next is due after a pause, which grows."""
        self.look_at = now + _PAUSES[min(self._looks, 1)]
        self._looks += 1

    def look_soon(self, now: float) -> None:
        """Have another look soon: what the last one found may pass."""
        self.look_at, self._looks = now + SILENCE, 0


class WorkerCheck:
    """One check for all silent batches of a producer; it never raises.

    An absence is logged once, until it changes or is over, as long as anything waits. With the
    policy "raise" nothing is logged, and `fail` is called with each batch that waits in vain.
    """

    def __init__(
        self,
        store: BatchStore,
        batches: "Mapping[str, WatchedBatch]",
        fail: Callable[[str, NoWorkers], None],
        policy: NoWorkersPolicy,
        where: str,
    ) -> None:
        self._store, self._batches, self._fail = store, batches, fail
        self._policy, self._where = policy, where
        self._refused = False
        self.begin()

    def begin(self) -> None:
        """Begin with nothing said: what waits from now on has not been told."""
        self._looked = float("-inf")
        #: What was said of each queue.
        self._said: dict[str, Absence] = {}
        #: What the living workers of each queue have told.
        self._told: dict[str, Mapping[str, frozenset[str] | None]] = {}

    def due(self) -> float:
        """Return when to look next, by the clock of the loop; infinity for never."""
        if self._policy == "ignore" or not self._batches:
            return float("inf")
        silences = [watched.silence for watched in self._batches.values()]
        due = min(silence.look_at for silence in silences)
        if self._said and any(silence.since > self._looked for silence in silences):
            due = self._looked  # something has come: is somebody there again?
        return max(due, self._looked + LEAST_PAUSE)

    async def look(self) -> None:
        """Look for the workers of all batches that have been silent for long enough."""
        now = self._looked = asyncio.get_running_loop().time()
        silent = {b: w for b, w in self._batches.items() if w.silence.look_at <= now}
        silences = {batch: watched.silence for batch, watched in silent.items()}
        for silence in silences.values():
            silence.note_look(now)
        try:
            waiting = await self._waiting(silent)
            for queue in {*waiting, *self._said}:
                before = self._told.get(queue, {})
                presence = await self._store.presence.look(queue, before)
                self._told[queue] = presence.workers
                still = [w for w in waiting.get(queue, []) if self._lasts(w, silences[w.batch])]
                if before and not presence.workers:  # one may be replaced just now
                    for each in still:
                        silences[each.batch].look_soon(now)
                else:
                    self._judge(queue, presence, still)
        except Exception as error:
            level = logging.DEBUG if self._refused or is_transient(error) else logging.INFO
            self._refused |= level == logging.INFO
            logger.log(level, "cannot tell whether workers are there: %s", error)

    def _lasts(self, waiting: Waiting, silence: Silence) -> bool:
        """Tell whether nothing has come, and nobody has left, while Redis was asked."""
        watched = self._batches.get(waiting.batch)
        return watched is not None and watched.silence is silence

    async def _waiting(self, silent: "Mapping[str, WatchedBatch]") -> dict[str, list[Waiting]]:
        """Return what waits, by queue."""
        own = self._store.keys.queue
        found: dict[str, list[Waiting]] = {own: []}
        attached: dict[str, Sequence[int]] = {}
        for batch, watched in silent.items():
            slots, names = watched.pending(), watched.names
            if slots and names is not None:
                found[own].append(Waiting(batch, len(slots), count_names(names, slots)))
            elif slots and len(attached) < _SAMPLED:
                attached[batch] = slots
        few = {batch: slots[:_JOBS] for batch, slots in attached.items()}
        for batch, sample in (await self._store.presence.sample(few)).items():
            jobs = len(attached[batch])
            waiting = Waiting(batch, jobs, Counter(sample.names), sampled=jobs > _JOBS)
            found.setdefault(sample.queue or own, []).append(waiting)
        return {queue: waiting for queue, waiting in found.items() if waiting}

    def _judge(self, queue: str, presence: Presence, waiting: Sequence[Waiting]) -> None:
        if self._policy == "raise":
            for each in waiting:
                if found := absence(presence, each.names):
                    self._fail(each.batch, self._error(found, presence, queue, each))
            return
        said = self._said.get(queue)
        found = absence(presence, (name for each in waiting for name in each.names))
        if waiting and found and (new := found.news(said)):
            self._said[queue] = Absence(new.names | said.names if said and new.names else new.names)
            concerned = [each for each in waiting if absence(presence, new.names & {*each.names})]
            logger.warning(missing(new, presence, queue, self._where, concerned))
        elif said and (over := said.over(presence)):
            del self._said[queue]
            if left := said.names - over.names:
                self._said[queue] = Absence(left)
            logger.info(present(over, queue, self._where))

    def _error(self, found: Absence, presence: Presence, queue: str, waiting: Waiting) -> NoWorkers:
        message = missing(found, presence, queue, self._where, [waiting])
        names = tuple(sorted(found.names or waiting.names))
        return NoWorkers(message, queue=queue, batch_id=waiting.batch, names=names)


def count_names(names: Sequence[str], slots: Sequence[int]) -> Mapping[str, int]:
    """Count the names of the jobs in these slots; a single name is that of all."""
    return {names[0]: len(slots)} if len(names) == 1 else Counter(names[slot] for slot in slots)
