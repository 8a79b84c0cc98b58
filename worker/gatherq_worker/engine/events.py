"""What happens in an engine, as values that its observers are told."""

from dataclasses import dataclass
from typing import TypeAlias

from gatherq.contract.records import Times, Verdict
from gatherq_worker.attempt import Attempt
from gatherq_worker.context import CurrentJob


@dataclass(frozen=True, slots=True)
class JobStarted:
    """An execution begins, at `now` in ms of Redis's clock."""

    attempt: Attempt
    now: int


@dataclass(frozen=True, slots=True)
class JobRetried:
    """An execution failed with `error`, and asks to be followed by another in `delay` seconds.

    A `JobEnded` follows where the job has had all its attempts.
    """

    attempt: Attempt
    error: BaseException
    delay: float
    times: Times


@dataclass(frozen=True, slots=True)
class JobReleased:
    """An attempt is given back to the queue, uncharged, because the worker stops."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class JobRefused:
    """A job cannot be executed: it is unknown, unreadable, or its arguments do not fit.

    A `JobEnded` follows.
    """

    attempt: Attempt
    error: BaseException


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job has an outcome, which is on its way to Redis."""

    attempt: Attempt
    verdict: Verdict
    times: Times


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Another worker has the job of an attempt, whose task is cancelled."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class GraceOver:
    """The worker stops, and waits no longer for the `running` attempts that have not ended."""

    running: int


@dataclass(frozen=True, slots=True)
class LoopBlocked:
    """The event loop did not answer for `seconds`, for the code of `job` where that is known."""

    seconds: float
    job: CurrentJob | None


Event: TypeAlias = (
    JobStarted
    | JobRetried
    | JobReleased
    | JobRefused
    | JobEnded
    | LeaseLost
    | GraceOver
    | LoopBlocked
)
