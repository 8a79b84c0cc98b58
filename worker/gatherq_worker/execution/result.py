"""Writing what an execution left: a value as JSON, an error as data. Once, and in its time.

The code of the job runs in it: lazy iterators, serializers, `__str__`. So it is done where the
job runs, under the same deadline.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import Interrupted, describe, say
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.validation import MAX_PAYLOAD
from gatherq.contract.values.codec import Encoder, encode
from gatherq.contract.values.json_limits import Unreadable, check_readable
from gatherq.contract.values.lazy_values import Untransportable
from gatherq.contract.values.unannotated_values import plain

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt


@dataclass(slots=True)
class ExecutionResult:
    """How an execution ended: with `value`, or with `error`; `expired` if its limit was reached."""

    value: Any = None
    error: BaseException | None = None
    expired: bool = False
    limit: float | None = None
    #: Whose limit that is: execution or batch.
    which: str = "execution"
    #: Who asked for the cancellation that ended it, if it was asked for.
    cancelled_by: str | None = None
    #: The value as JSON.
    written: bytes | None = None
    #: What `error` says; without one, why the value cannot be a result.
    info: ErrorInfo | None = None
    #: The whole result, where its producer reads another format than ours.
    record: bytes | None = None


#: Writes what an execution left; see `put_down`.
ResultWriter: TypeAlias = Callable[[ExecutionResult, "Attempt"], None]


class ProcessDied(Exception):
    """The process of a job ended under it; says how."""


class Unwritable(Exception):
    """A value cannot be a result; `info` says why."""

    def __init__(self, kind: str, message: str) -> None:
        self.info = ErrorInfo(type=kind, message=message[:2000])
        super().__init__(message)


def write_value(value: Any, prepare: Encoder = plain) -> bytes:
    """Write a value as JSON that can be read again; raises Unwritable.

    `prepare` makes of it what JSON writes in its place, by the annotation of the result.
    """
    try:
        written = encode(prepare(value))
    except Interrupted:
        raise
    except Untransportable as error:
        message = f"the result, a {type(value).__name__}, cannot travel: {say(error)}"
        raise Unwritable("UnwritableResult", message) from None
    except BaseException as error:  # whatever the value's own code raises
        named = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        message = f"the result cannot be written as JSON: {named}{say(error)}"
        raise Unwritable("UnwritableResult", message) from None
    if len(written) > MAX_PAYLOAD:
        message = (
            f"the result is {len(written):,} bytes of JSON, the limit is {MAX_PAYLOAD:,}; "
            "store the data elsewhere and return its name"
        )
        raise Unwritable("ResultTooLarge", message)
    try:
        check_readable(written)
    except Unreadable as error:
        message = f"the result could not be read again: {error}"
        raise Unwritable("UnwritableResult", message) from None
    return written


def write_result(ending: ExecutionResult, attempt: "Attempt") -> None:
    """Write the value, or describe the error, in our format."""
    error = ending.error
    if error is None:
        try:
            ending.written = write_value(ending.value, attempt.prepare)
        except Unwritable as failure:
            ending.info = failure.info
    elif not is_a(error, asyncio.CancelledError):
        ending.info = describe(error)


class Writer:
    """As `put_down`, for a worker that knows another format too, or tells of every result."""

    def __init__(self, other_format: ResultWriter | None, look: ResultWriter | None) -> None:
        self._other_format, self._look = other_format, look

    def __call__(self, ending: ExecutionResult, attempt: "Attempt") -> None:
        write = self._other_format if attempt.other_format and self._other_format else write_result
        write(ending, attempt)
        if self._look:
            self._look(ending, attempt)
