"""What happens in an engine, as values that its observers are told.

They are named tuples: a frozen dataclass takes twice as long to make, and one is made for each job.
"""

from typing import NamedTuple, TypeAlias

from gatherq.contract.current_job import CurrentJob
from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt


class JobStarted(NamedTuple):
    """An execution begins, at `now` in ms of Redis's clock."""

    attempt: Attempt
    now: int


class JobRetried(NamedTuple):
    """An execution failed with `error`, and asks to be followed by another in `delay` seconds.

    A `JobEnded` follows where the job has had all its attempts: the other is not `granted`. `info`
    is the error as data.
    """

    attempt: Attempt
    error: BaseException
    delay: float
    times: Times
    info: ErrorInfo
    granted: bool


class JobDied(NamedTuple):
    """An execution took its process down, and is followed by another; `how` it died."""

    attempt: Attempt
    how: str


class JobReleased(NamedTuple):
    """An attempt is given back to the queue, uncharged, because the worker stops."""

    attempt: Attempt


class JobRefused(NamedTuple):
    """A job cannot be executed: it is unknown, unreadable, or its arguments do not fit.

    A `JobEnded` follows.
    """

    attempt: Attempt
    error: BaseException


class JobEnded(NamedTuple):
    """A job has an outcome, which is on its way to Redis."""

    attempt: Attempt
    verdict: Verdict
    times: Times


class LeaseLost(NamedTuple):
    """Another worker has the job of an attempt, whose task is cancelled."""

    attempt: Attempt


class GraceOver(NamedTuple):
    """The worker stops, and waits no longer for the `running` attempts that have not ended."""

    running: int


class LoopBlocked(NamedTuple):
    """The event loop did not answer for `seconds`, for the code of `job` where that is known."""

    seconds: float
    job: CurrentJob | None


Event: TypeAlias = (
    JobStarted
    | JobRetried
    | JobDied
    | JobReleased
    | JobRefused
    | JobEnded
    | LeaseLost
    | GraceOver
    | LoopBlocked
)
