"""Stray claims: Redis holds jobs as claimed by this worker, which never saw the reply.

They are released uncharged, for nobody has started them.
"""

import logging
from time import monotonic

from gatherq.store.jobs import JobStore, Release
from gatherq_worker.attempt import Attempt

from .attempts import Attempts
from .clock import Clock
from .conclusion.recorder import Recorder

logger = logging.getLogger("gatherq.worker")


class StrayClaims:
    """Looks for stray claims after an error: at once, and again for one that came through late."""

    def __init__(
        self,
        store: JobStore,
        attempts: Attempts,
        recorder: Recorder,
        lease: float,
        clock: Clock = monotonic,
    ) -> None:
        self._clock = clock
        self._store, self._attempts, self._recorder = store, attempts, recorder
        self._later = lease / 4
        self._looks: list[float] = []

    def suspect(self) -> None:
        """Note that the reply of a claim may have been lost."""
        now = self._clock()
        self._looks = [now, now + self._later]

    @property
    def suspects(self) -> bool:
        """Whether it is to look for any."""
        return bool(self._looks)

    async def release(self) -> None:
        """Release the stray claims, if it is time to look for them."""
        if not self._looks or self._clock() < self._looks[0]:
            return
        _, found = await self._store.find_claims(jobs=False)
        del self._looks[0]
        for claimed in found:
            mine = self._attempts.claimed(claimed.job_id)
            if mine is None or mine.claim < claimed.claim:
                logger.debug("job %s: the reply of its claim was lost", claimed.job_id)
                self._recorder.release(Release(Attempt.read(claimed)))
