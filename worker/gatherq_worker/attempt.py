"""One execution of a job, from its claim to its record."""

from dataclasses import dataclass
from typing import NamedTuple

from gatherq.wire import UNKNOWN, JobRecord, decode_job


class Deadline(NamedTuple):
    """When a batch must have ended, in ms of Redis's clock, and its limit in seconds."""

    at: int
    limit: float


@dataclass(slots=True, eq=False)
class Attempt:
    """A claimed job; `job` is None where its data is missing or damaged, and `problem` says so."""

    job_id: str
    number: int
    job: JobRecord | None
    size: int = 0
    problem: str = ""
    #: The deadline of its batch.
    batch_deadline: Deadline | None = None
    #: Who asked for its cancellation, once somebody has.
    cancelled_by: str | None = None
    #: Whether its outcome is on its way.
    handed_over: bool = False

    @classmethod
    def read(cls, job_id: str, number: int, payload: bytes | None) -> "Attempt":
        """Read the job of a claim; never raises."""
        if payload is None:
            return cls(job_id, number, None, problem="its data has expired or was deleted")
        try:
            return cls(job_id, number, decode_job(payload), len(payload))
        except ValueError as error:
            if payload[:1] == b"\x80":
                problem = "it is pickled, and this worker reads JSON"
            else:
                problem = f"its data is damaged: {str(error)[:500]}"
            return cls(job_id, number, None, len(payload), problem)

    @property
    def name(self) -> str:
        """Name of the job, as far as it is known."""
        return self.job.name if self.job else UNKNOWN

    @property
    def batch(self) -> str | None:
        """Batch of the job."""
        return self.job.batch if self.job else None
