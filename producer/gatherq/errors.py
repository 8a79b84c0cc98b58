"""What gatherq raises. All of it is to be imported from `gatherq`, too.

GatherqError
├── InvalidCall (ValueError)             a call that cannot be submitted: which slot, and why
│   ├── InvalidArguments (TypeError)     no call at all, or not what its function takes
│   └── PayloadTooLarge                  its size and the limit, in bytes
├── InvalidSetting (ValueError)          an argument of a producer, or its variable: which, and why
├── RedisUnavailable (ConnectionError)   Redis does not answer, or refuses us
├── BatchNotFound (LookupError)          no such batch: never submitted, deleted or expired
├── InvalidSelector (ValueError)         what names a batch, slots or a filter cannot be read
├── BatchConflict (ValueError)           this batch id already holds another batch
├── NoWorkers                            no worker is there to run what you wait for
├── ProducerClosed (RuntimeError)        used after `aclose()`
├── ProducerElsewhere (RuntimeError)     used in another event loop than before
├── MissingExtra (ImportError)           needs an extra of the package that is not installed
├── RemoteError                          a job raised something that is not a builtin
├── JobTimeout (TimeoutError)            a job ran past its limit
├── JobLost                              every worker that took the job died
└── Retry                                raised by a job that wants to be run again

JobCancelled (asyncio.CancelledError)    a job was cancelled; like asyncio's own, not an Exception

A builtin exception that a job raised is raised again as that builtin, as asyncio would.

    try:
        text = await (await producer.submit_one(chop.call("onion", 12)))
    except gatherq.JobTimeout as late:  # or TimeoutError
        print(late.outcome.limit)
    except gatherq.GatherqError as error:
        print(error)
"""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract.outcomes import Cancelled, Failed, Lost, TimedOut


class _Portable(BaseException):
    """Pickles and copies an error whose constructor wants more than `args`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class GatherqError(_Portable, Exception):
    """The root of gatherq's own errors."""


class InvalidCall(GatherqError, ValueError):
    """A call, or an option, that cannot be: nothing of its batch was written.

    `slot` is the index of the call, and `name` the job's, where it is about one call.
    """

    def __init__(self, message: str, *, slot: int | None = None, name: str | None = None) -> None:
        self.slot = slot
        self.name = name
        super().__init__(message)


class InvalidArguments(InvalidCall, TypeError):
    """Something that is no call was given for one, or arguments that its function does not take.

    Python's own error for that is TypeError, so it is one.
    """


class PayloadTooLarge(InvalidCall):
    """A job is larger than may be: `size` and `limit` are in bytes of JSON."""

    def __init__(self, message: str, *, size: int, limit: int, **where: Any) -> None:
        self.size = size
        self.limit = limit
        super().__init__(message, **where)


class InvalidSetting(GatherqError, ValueError):
    """A setting is refused; `name` is that of the argument, or of the `GATHERQ_` variable."""

    def __init__(self, message: str, *, name: str) -> None:
        self.name = name
        super().__init__(message)


class InvalidSelector(GatherqError, ValueError):
    """What names a batch, slots or a filter cannot be read, or may mean several batches."""


class RedisUnavailable(GatherqError, ConnectionError):
    """Redis does not answer, or refuses us, for longer than the producer's `patience`.

    `url` is the server's, its password masked. The driver's own error is its `__context__`, which
    no traceback shows: the message says all of it.
    """

    def __init__(self, message: str, *, url: str) -> None:
        self.url = url
        super().__init__(message)


class BatchNotFound(GatherqError, LookupError):
    """The batch `batch_id`, or the result of one of its slots, is not in Redis (any more)."""

    def __init__(self, message: str, *, batch_id: str) -> None:
        self.batch_id = batch_id
        super().__init__(message)

    @classmethod
    def gone(cls, batch_id: str, what: str) -> "BatchNotFound":
        """Say that something of a batch was there, and is no longer."""
        return cls(
            f"batch {batch_id}: {what} is no longer in Redis; it was deleted, has expired, or "
            "Redis was flushed or restarted without persistence",
            batch_id=batch_id,
        )

    @classmethod
    def replaced(cls, batch_id: str) -> "BatchNotFound":
        """Say that another batch stands under the id of one."""
        return cls(
            f"batch {batch_id}: it is no longer in Redis, and another one was submitted under its "
            "id; producer.batch(id) attaches to that",
            batch_id=batch_id,
        )


class BatchConflict(GatherqError, ValueError):
    """The batch id is taken by other jobs; `slot` is the first that differs, or None: the size."""

    def __init__(self, message: str, *, batch_id: str, slot: int | None = None) -> None:
        self.batch_id = batch_id
        self.slot = slot
        super().__init__(message)


class NoWorkers(GatherqError):
    """No worker is on the queue, or none that knows the names of jobs that somebody waits for.

    Raised where `Producer(no_workers="raise")`. `names` are those of the jobs that nobody runs, as
    far as they are known here.
    """

    def __init__(
        self, message: str, *, queue: str, batch_id: str, names: tuple[str, ...] = ()
    ) -> None:
        self.queue = queue
        self.batch_id = batch_id
        self.names = names
        super().__init__(message)


class ProducerClosed(GatherqError, RuntimeError):
    """The producer was closed, and is used again or was waited for; its batches go on."""

    @classmethod
    def now(cls) -> "ProducerClosed":
        """Say what to do."""
        return cls(
            "this producer is closed; the batch goes on, and `await producer.batch(id)` of another "
            "producer comes back to it"
        )

    @classmethod
    def with_its_block(cls) -> "ProducerClosed":
        """Say what to do where the producer was that of `gatherq.local`."""
        return cls(
            "the block of `async with gatherq.local(...)` has ended, and its producer and workers "
            "with it: await outcomes and results inside of the block"
        )


class ProducerElsewhere(GatherqError, RuntimeError):
    """The producer belongs to another event loop, which is not closed: make one for each."""


class MissingExtra(GatherqError, ImportError):
    """A part of gatherq needs an extra of the package that is not installed."""


class RemoteError(GatherqError):
    """A job raised an exception of a type that is not a builtin; `outcome.error` has it as data.

    It is of the nearest builtin of that type too: `except ValueError` catches a `JSONDecodeError`.
    `outcome` is None for an error behind another: a cause, a member of a group.
    """

    def __init__(self, message: str, *, outcome: "Failed | None" = None) -> None:
        self.outcome = outcome
        self._text = message
        super().__init__(message)

    def __str__(self) -> str:
        return self._text


class JobTimeout(GatherqError, TimeoutError):
    """A job ran past its limit; `outcome.which` and `outcome.limit` say which."""

    def __init__(self, message: str, *, outcome: "TimedOut") -> None:
        self.outcome = outcome
        super().__init__(message)


class JobLost(GatherqError):
    """Every worker that took the job died before it was done; see `outcome.deaths`."""

    def __init__(self, message: str, *, outcome: "Lost") -> None:
        self.outcome = outcome
        super().__init__(message)


class Retry(GatherqError):
    """Raised by a job that wants to be run again, after `delay` seconds.

        @job(retries=3)
        async def fetch(url: str) -> str:
            raise Retry(delay=2.5)

    It is, up to the job's `max_attempts` (2, or `retries` + 1); after the last one the job has
    failed with this error. Raises InvalidCall for a delay that is negative or over a year.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay: float = check_delay(delay)
        super().__init__(f"run again after {self.delay:g} s")


def check_delay(delay: float, what: str = "delay") -> float:
    """Return `delay` in seconds, or raise `InvalidCall` unless it is at most a year."""
    if (
        isinstance(delay, bool)
        or not isinstance(delay, int | float)
        or not 0 <= delay <= 31_536_000
    ):
        raise InvalidCall(f"{what} must be 0 or more seconds, at most a year, not {delay!r}")
    return float(delay)


class JobCancelled(_Portable, asyncio.CancelledError):
    """A job was cancelled; `outcome.by` says who did it. No Exception, as asyncio's own."""

    def __init__(self, message: str, *, outcome: "Cancelled") -> None:
        self.outcome = outcome
        super().__init__(message)
