"""The result of an execution, and how it is written: a value as JSON, an error as data.

Writing runs code of the job: lazy iterators, serializers, `__str__`. It is done once, where the job
runs, and under the same deadline.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import Interrupted, describe, say
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.short_repr import with_article
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


#: Writes what an execution left, as `write_result` does.
ResultWriter: TypeAlias = Callable[[ExecutionResult, "Attempt"], None]


class ProcessDied(Exception):
    """The process of a job ended before the job did; the message says how."""


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
        message = f"the result, {with_article(type(value).__name__)}, cannot travel: {say(error)}"
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


def write_result(result: ExecutionResult, attempt: "Attempt") -> None:
    """Write the value, or describe the error, in our format."""
    error = result.error
    if error is None:
        try:
            result.written = write_value(result.value, attempt.prepare)
        except Unwritable as failure:
            result.info = failure.info
    elif not is_a(error, asyncio.CancelledError):
        result.info = describe(error)


class Writer:
    """As `write_result`, in another format too, or with a look at every result for an observer."""

    def __init__(self, other_format: ResultWriter | None, look: ResultWriter | None) -> None:
        self._other_format, self._look = other_format, look

    def __call__(self, result: ExecutionResult, attempt: "Attempt") -> None:
        write = self._other_format if attempt.other_format and self._other_format else write_result
        write(result, attempt)
        if self._look:
            self._look(result, attempt)
