"""Calls as JSON: checked and encoded, all of a batch before the first one reaches Redis. Pure."""

from collections.abc import Awaitable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from gatherq.contract import records
from gatherq.contract.interruptions import INTERRUPTIONS
from gatherq.contract.jobs import Call
from gatherq.contract.short_repr import with_article
from gatherq.contract.validation import (
    MAX_NAME,
    MAX_PAYLOAD,
    check_name,
    check_priority,
    check_timeout,
)
from gatherq.contract.values import codec
from gatherq.contract.values.arguments import ArgumentError
from gatherq.contract.values.error_text import text_of
from gatherq.contract.values.json_limits import ALWAYS_READABLE, Unreadable, check_readable
from gatherq.errors import InvalidCall, PayloadTooLarge, check_delay

#: Most jobs, and most bytes, that one script call writes: it stays well below 5 ms.
_CHUNK_JOBS = 400
_CHUNK_BYTES = 1024 * 1024


def encode_all(
    calls: Sequence[Call[Any]],
    batch: str,
    timeout: float | None,
    queue_timeout: float | None = None,
    priority: int = 0,
    delay: float = 0.0,
) -> list[bytes]:
    """Return every call as JSON; raises InvalidCall for the first that cannot be written so."""
    terms = (timeout, queue_timeout, priority, delay)
    return [_encode(call, batch, slot, *terms) for slot, call in enumerate(calls)]


def digests(jobs: Sequence[bytes]) -> bytes:
    """Return a digest of 8 bytes for each job, of its name and arguments."""
    return b"".join(blake2b(records.identity(job), digest_size=8).digest() for job in jobs)


def shortest_queue_timeout(calls: Sequence[Call[Any]], queue_timeout: float | None) -> float | None:
    """Return the shortest queue timeout of a batch and its calls, in seconds; None for none."""
    timeouts = [call.queue_timeout for call in calls if call.queue_timeout is not None]
    timeouts += [] if queue_timeout is None else [queue_timeout]
    return min(timeouts, default=None)


def own_terms(calls: Sequence[Call[Any]]) -> dict[int, tuple[int | None, float | None]]:
    """Return priority and delay (s) of the calls that have their own, by slot."""
    return {
        slot: (call.priority, call.delay)
        for slot, call in enumerate(calls)
        if call.priority is not None or call.delay is not None
    }


def chunks(jobs: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Cut jobs into (first slot, jobs) for one script call each; one empty chunk for no jobs."""
    start = size = 0
    for slot, job in enumerate(jobs):
        if slot > start and (slot - start == _CHUNK_JOBS or size + len(job) > _CHUNK_BYTES):
            yield start, jobs[start:slot]
            start, size = slot, 0
        size += len(job)
    yield start, jobs[start:]


def encode_once(call: Call[Any]) -> Call[Any]:
    """Return this call with name and arguments as JSON, so that no iterator is read twice.

    Raises InvalidCall and PayloadTooLarge, as `encode_all`.
    """
    name_and_arguments = records.identity(_encode(call, "", 0, None, None))
    # As `replace`, in half of its time.
    limits = (call.timeout, call.function, call.queue_timeout, call.priority, call.delay)
    return Call(call.name, call.args, call.kwargs, *limits, name_and_arguments)


def _encode(
    call: Call[Any],
    batch: str,
    slot: int,
    timeout: float | None,
    queue_timeout: float | None,
    priority: int = 0,
    delay: float = 0.0,
) -> bytes:
    _check_parts(call, slot)
    try:
        job = records.encode_job(call, batch, slot, timeout, queue_timeout, priority, delay)
    except INTERRUPTIONS:
        raise
    except BaseException as error:  # the code of an argument may raise any
        cause = error.__cause__ if isinstance(error, ArgumentError) else error
        raise _unwritable(call, slot, error) from cause
    if len(job) > MAX_PAYLOAD:
        raise PayloadTooLarge(
            f"slot {slot}: {call.name}(...) is {len(job):,} bytes of JSON, the limit is "
            f"{MAX_PAYLOAD:,}; store the data elsewhere and pass its name",
            size=len(job),
            limit=MAX_PAYLOAD,
            slot=slot,
            name=call.name,
        )
    if len(job) > ALWAYS_READABLE:
        try:
            check_readable(job, b"}")
        except Unreadable as error:
            raise _unwritable(call, slot, error) from None
    return job


def _check_parts(call: Call[Any], slot: int) -> None:
    """Raise InvalidCall for a name, limits or arguments of wrong types: anyone can make a Call."""
    name, kwargs = call.name, call.kwargs
    try:
        if type(name) is not str or not 0 < len(name) <= MAX_NAME:
            check_name(name)
        if call.timeout is not None or call.queue_timeout is not None:
            check_timeout(call.timeout)
            check_timeout(call.queue_timeout, "queue_timeout")
        if call.priority is not None:
            check_priority(call.priority)
        if call.delay is not None:
            check_delay(call.delay, "after")
        if type(call.args) is not tuple and not isinstance(call.args, tuple | list):
            raise InvalidCall(f"the arguments are a {type(call.args).__name__}, not a tuple")
        if kwargs is not None and type(kwargs) is not dict:
            raise InvalidCall(f"the keyword arguments are a {type(kwargs).__name__}, not a dict")
        for key in kwargs or ():
            if type(key) is not str:
                raise InvalidCall(f"the name of a keyword argument is text, not {key!r:.200}")
    except InvalidCall as error:
        text = name if isinstance(name, str) else None
        raise InvalidCall(f"slot {slot}: {error}", slot=slot, name=text) from None


def _unwritable(call: Call[Any], slot: int, error: BaseException) -> InvalidCall:
    """Name the argument that cannot be written, and why."""
    if isinstance(error, ArgumentError):
        return _refused(call, slot, error.where, error.value, f"cannot travel: {error}")
    arguments = [(f"argument {i}", arg) for i, arg in enumerate(call.args)]
    arguments += [(f"argument {name}=", value) for name, value in (call.kwargs or {}).items()]
    for where, value in arguments:
        try:
            payload = codec.encode(value)
        except INTERRUPTIONS:
            raise
        except BaseException as cause:
            problem = f"cannot be written as JSON: {text_of(cause)}"
        else:
            try:
                check_readable(b"[[%b]]" % payload)
                continue
            except Unreadable as cause:
                problem = f"could not be read by a worker: {cause}"
        return _refused(call, slot, where, value, problem)
    return InvalidCall(
        f"slot {slot}: {call.name}(...): {text_of(error)}", slot=slot, name=call.name
    )


def _refused(call: Call[Any], slot: int, where: str, value: Any, problem: str) -> InvalidCall:
    if isinstance(value, Awaitable):  # a call, a handle, a coroutine
        problem = "cannot travel: a job takes values, so await it first, and give its result"
    what = with_article(type(value).__name__)
    return InvalidCall(
        f"slot {slot}: {where} of {call.name}(...), {what}, {problem}",
        slot=slot,
        name=call.name,
    )
