"""The claims of this worker: whose leases are renewed, from the claim to the record."""

import asyncio
import logging

from gatherq.store.jobs import Record, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.scoreboard import Scoreboard

logger = logging.getLogger("gatherq.worker")


class Held:
    """The attempts by job id; what is on its way to Redis is held too."""

    def __init__(self, page: Scoreboard | None = None) -> None:
        self._page = page
        self.by_id: dict[str, Attempt] = {}
        #: Set whenever there may be room for another job.
        self.room = asyncio.Event()

    def __len__(self) -> int:
        return len(self.by_id)

    def take(self, attempt: Attempt) -> None:
        """Hold a claim."""
        self.by_id[attempt.job_id] = attempt

    def drop(self, attempt: Attempt) -> None:
        """Renew it no longer; from now on it cannot be blamed for the end of this process."""
        if self._page:
            self._page.leave(attempt)
        if self.by_id.get(attempt.job_id) is attempt:
            del self.by_id[attempt.job_id]
            self.room.set()

    def recorded(self, record: Record[Attempt], word: str) -> None:
        """Hear what Redis said to an outcome."""
        attempt = record.attempt
        self.drop(attempt)
        if word in ("refused", "gone"):
            logger.warning(
                "job %s: outcome %s, attempt %d is not the current one",
                attempt.job_id,
                word,
                attempt.number,
            )

    def released(self, release: Release[Attempt]) -> None:
        """Hear that an attempt is given back: it waits for its next."""
        self.drop(release.attempt)
