"""The outcome of a job: a closed union, its members told apart by `status`.

    match outcome:
        case Succeeded(value): ...
        case Failed(error): ...
        case TimedOut(which, limit): ...
        case Cancelled(by): ...
        case Lost(attempts): ...

The aliases are the names of arq's result record (`arq.jobs.serialize_result`), so the stored JSON
is read into these models in one pass.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from gatherq.errors import JobCancelled, JobLost, JobTimeout

from .remote_errors.error_info import ErrorInfo, rebuild
from .short_repr import PlainText, short_repr

T_co = TypeVar("T_co", covariant=True)

Status = Literal["succeeded", "failed", "timed_out", "cancelled", "lost"]


class AttemptInfo(BaseModel):
    """An earlier attempt of a job, and how it ended; `outcome.history` has them, oldest first.

    `status` is that of an outcome, or "died": the worker died with it. `worker` is empty where
    nobody knows it any more.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, populate_by_name=True)

    attempt: int
    worker: str = ""
    status: Literal["failed", "timed_out", "cancelled", "lost", "died"]
    #: The error that the job raised; for `died`, how the worker died.
    error: ErrorInfo | None = None
    started: datetime | None = Field(validation_alias="st", default=None)
    finished: datetime | None = Field(validation_alias="ft", default=None)

    def __str__(self) -> str:
        return f"attempt {self.attempt}: {self.error or self.status}"

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Tell pydantic, and rich, what to show."""
        yield from _shown(self, "attempt", "status", *(["error"] if self.error else []), "worker")
        yield from _duration(self.started, self.finished)


class _Outcome(BaseModel):
    """Fields that every outcome has; the three times are those of Redis's clock, in UTC."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, populate_by_name=True)

    job_id: str = Field(validation_alias="id")
    slot: int = 0
    name: str = Field(validation_alias="f")
    attempt: int = Field(validation_alias="t")
    worker: str
    enqueued: datetime = Field(validation_alias="et")
    started: datetime | None = Field(validation_alias="st", default=None)
    finished: datetime = Field(validation_alias="ft")
    #: Attempts before the one with this outcome, oldest first.
    history: tuple[AttemptInfo, ...] = ()

    def _job(self) -> str:
        return f"job {self.job_id} ({self.name})"

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Tell pydantic, and rich, what to show: a line of some 200 characters."""
        yield from _shown(self, *self.__match_args__, most=80)
        yield from _shown(self, "slot", "job_id", "name", "attempt")
        yield from _duration(self.started, self.finished)

    def __str__(self) -> str:
        return repr(self)


class Succeeded(_Outcome, Generic[T_co]):
    """The job returned `value`: of the type that the function is annotated with.

        match outcome:
            case Succeeded(value):
                print(outcome.slot, value)

    A job that was submitted by name alone has a value of JSON's types.
    """

    __match_args__: ClassVar[tuple[Literal["value"]]] = ("value",)
    status: Literal["succeeded"] = "succeeded"
    value: T_co = Field(validation_alias="r")

    def unwrap(self) -> T_co:
        """Return the value; of the other outcomes `unwrap()` raises."""
        return self.value


class Failed(_Outcome):
    """The job raised, or could not be run.

    `error` says what and where, as data:

        match outcome:
            case Failed(error):
                print(error.type, error.message, error.traceback)
    """

    __match_args__: ClassVar[tuple[Literal["error"]]] = ("error",)
    status: Literal["failed"] = "failed"
    error: ErrorInfo
    #: Signature of its error group, 8 hex digits; empty in records of earlier versions.
    signature: str = Field(validation_alias="sig", default="")

    def unwrap(self) -> NoReturn:
        """Raise the job's error.

        A builtin exception is raised as that builtin, any other as a `RemoteError` that is of the
        nearest builtin too. Its last note is the remote traceback.
        """
        origin = f"{self._job()}, attempt {self.attempt}, on {self.worker}"
        raise rebuild(self.error, outcome=self, origin=origin)


class TimedOut(_Outcome):
    """The job ran past `limit` seconds; `which` says whose limit it was.

    "execution": the job's own timeout. "queue": nobody started it in time. "batch": the deadline
    of the whole batch.

        match outcome:
            case TimedOut("execution", limit):
                print(f"more than {limit} s")
    """

    __match_args__: ClassVar[tuple[Literal["which"], Literal["limit"]]] = ("which", "limit")
    status: Literal["timed_out"] = "timed_out"
    which: Literal["execution", "queue", "batch"]
    limit: float
    #: Signature of its error group, 8 hex digits; empty in records of earlier versions.
    signature: str = Field(validation_alias="sig", default="")

    def unwrap(self) -> NoReturn:
        """Raise `JobTimeout`, a `TimeoutError`."""
        message = f"{self._job()} ran past its {self.which} limit of {self.limit:g} s"
        raise JobTimeout(message, outcome=self)


class Cancelled(_Outcome):
    """The job was cancelled; `by` says who did it.

    "producer", or what was given to `batch.cancel(by=)`; "policy": too many others had failed;
    "producer lost": the lease of its producer ran out; "job": its own code.

        match outcome:
            case Cancelled(by):
                print("cancelled by", by)
    """

    __match_args__: ClassVar[tuple[Literal["by"]]] = ("by",)
    status: Literal["cancelled"] = "cancelled"
    by: str
    #: Signature of its error group, 8 hex digits; empty in records of earlier versions.
    signature: str = Field(validation_alias="sig", default="")

    def unwrap(self) -> NoReturn:
        """Raise `JobCancelled`, an `asyncio.CancelledError`."""
        raise JobCancelled(f"{self._job()} was cancelled by: {self.by}", outcome=self)


class Lost(_Outcome):
    """The job was started `attempts` times, and each time its worker died.

    It may be what killed them, so it is started no more. `deaths` says how they died:

        match outcome:
            case Lost(attempts):
                print(attempts, [death.error for death in outcome.deaths])
    """

    __match_args__: ClassVar[tuple[Literal["attempts"]]] = ("attempts",)
    status: Literal["lost"] = "lost"
    attempts: int
    #: Signature of its error group, 8 hex digits; empty in records of earlier versions.
    signature: str = Field(validation_alias="sig", default="")

    @property
    def deaths(self) -> tuple[AttemptInfo, ...]:
        """The attempts that took their worker down; `error` says how it died."""
        return tuple(info for info in self.history if info.status == "died")

    def unwrap(self) -> NoReturn:
        """Raise `JobLost`."""
        message = f"{self._job()} was lost after {self.attempts} attempts"
        if self.deaths:
            message += f": {'; '.join(map(str, self.deaths))}"
        raise JobLost(message, outcome=self)


#: What became of a job: the union of all five, with the type of the value.
Outcome = TypeAliasType(
    "Outcome", Succeeded[T_co] | Failed | TimedOut | Cancelled | Lost, type_params=(T_co,)
)
if TYPE_CHECKING:
    AnyOutcome: TypeAlias = Succeeded[Any] | Failed | TimedOut | Cancelled | Lost
else:  # no type argument: a record becomes the very class that users name in `match`
    AnyOutcome = Succeeded | Failed | TimedOut | Cancelled | Lost


def _shown(model: BaseModel, *fields: str, most: int = 40) -> Iterator[tuple[str | None, Any]]:
    for name in fields:
        value = getattr(model, name)
        short = isinstance(value, ErrorInfo)  # by itself
        yield name, value if short else PlainText(short_repr(value, most))


def _duration(
    started: datetime | None, finished: datetime | None
) -> Iterator[tuple[str | None, Any]]:
    if started and finished:
        yield None, PlainText(f"{(finished - started).total_seconds():.2f} s")


def exception_of(outcome: Failed | TimedOut | Cancelled | Lost) -> BaseException:
    """Return the exception that `unwrap()` raises."""
    try:
        outcome.unwrap()
    except BaseException as error:
        return error.with_traceback(None)
