"""A batch in a list: what is said of it beside what its hash says."""

from dataclasses import dataclass
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo

from .pace import remaining, stands_still


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch, how many of its slots end in a second, and Redis's time of the look."""

    batch: BatchInfo
    rate: float | None
    now: datetime

    @property
    def remaining(self) -> float | None:
        """Seconds until it has ended at this rate."""
        return remaining(self.batch.left, self.rate)

    @property
    def took(self) -> float | None:
        """Seconds from its submission to its end; None where it has not ended."""
        if self.batch.left or not self.batch.created or not self.batch.ended:
            return None
        return max((self.batch.ended - self.batch.created).total_seconds(), 0.0)

    @property
    def stuck(self) -> bool:
        """Whether nothing of it runs, and has not for a while."""
        return stands_still(self.batch, self.now)
