"""What type checkers must say of `match` over outcomes. Checked by mypy and pyright, never run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never, assert_type

from pydantic import BaseModel

from gatherq import (
    AttemptInfo,
    Batch,
    Cancelled,
    ErrorInfo,
    Failed,
    Handle,
    Lost,
    Outcome,
    Succeeded,
    TimedOut,
)


@dataclass
class Checksum:
    sha256: str


class Weight(BaseModel):
    grams: int


def with_positions(outcome: Outcome[str]) -> None:
    match outcome:
        case Succeeded(value):
            assert_type(value, str)
        case Failed(error):
            assert_type(error, ErrorInfo)
        case TimedOut(which, limit):
            assert_type(which, Literal["execution", "queue", "batch"])
            assert_type(limit, float)
        case Cancelled(by):
            assert_type(by, str)
        case Lost(attempts):
            assert_type(attempts, int)
            assert_type(outcome.deaths, tuple[AttemptInfo, ...])
        case _:
            assert_never(outcome)


def without_positions(outcome: Outcome[str]) -> str:
    """All ways out return: no `case _` is needed."""
    match outcome:
        case Succeeded():
            return assert_type(outcome.value, str)
        case Failed():
            return outcome.error.message
        case TimedOut(limit=limit):
            return str(limit)
        case Cancelled() | Lost():
            return outcome.name


def one_is_missing(outcome: Outcome[str]) -> None:
    match outcome:
        case Succeeded() | Failed() | TimedOut() | Cancelled():
            pass
        case _:
            assert_type(outcome, Lost)
            assert_never(outcome)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def too_many_positions(outcome: Outcome[str]) -> None:
    match outcome:
        case Succeeded(_, _):  # type: ignore[misc]  # pyright: ignore
            pass
        case _:
            pass


def nested(outcome: Outcome[Checksum]) -> str:
    match outcome:
        case Succeeded(Checksum(sha256)):
            return assert_type(sha256, str)
        case Failed(ErrorInfo(type="OSError", message=message)):
            return assert_type(message, str)
        case Failed(error) if error.notes:
            return error.notes[0]
        case Failed() | TimedOut("queue") | TimedOut() | Cancelled("policy") | Cancelled() | Lost():
            return outcome.status
        case _:
            assert_never(outcome)


def of_a_model(outcome: Outcome[Weight]) -> int:
    match outcome:
        case Succeeded(Weight(grams=grams)):
            return assert_type(grams, int)
        case _:
            return 0


def optional(outcome: Outcome[str | None]) -> None:
    match outcome:
        case Succeeded(str(text)):
            assert_type(text, str)
        case Succeeded(value):
            assert_type(value, str | None)
        case Failed() | TimedOut() | Cancelled() | Lost():
            pass
        case _:
            assert_never(outcome)


def untyped(outcome: Outcome[Any]) -> None:
    match outcome:
        case Succeeded(value):
            assert_type(value, Any)
        case Failed() | TimedOut() | Cancelled() | Lost():
            pass
        case _:
            assert_never(outcome)


def by_status(outcome: Outcome[str]) -> None:
    if outcome.status == "succeeded":
        assert_type(outcome.value, str)
    elif outcome.status == "failed":
        assert_type(outcome.error, ErrorInfo)
    elif outcome.status == "timed_out":
        assert_type(outcome.limit, float)
    elif outcome.status == "cancelled":
        assert_type(outcome.by, str)
    elif outcome.status == "lost":
        assert_type(outcome.attempts, int)
    else:
        assert_never(outcome)


def by_class(outcomes: list[Outcome[str]]) -> list[str]:
    return [outcome.value for outcome in outcomes if isinstance(outcome, Succeeded)]


def in_a_for(outcomes: Sequence[Outcome[int]]) -> int:
    total = 0
    for outcome in outcomes:
        match outcome:
            case Succeeded(value):
                total += assert_type(value, int)
            case Failed() | TimedOut() | Cancelled() | Lost():
                continue
            case _:
                assert_never(outcome)
    return total


async def in_an_async_for(batch: Batch[Checksum], handle: Handle[str]) -> None:
    async for outcome in batch:
        match outcome:
            case Succeeded(Checksum(sha256)):
                assert_type(sha256, str)
            case Failed() | TimedOut() | Cancelled() | Lost():
                pass
            case _:
                assert_never(outcome)
    async for ended in batch.as_completed(timeout=10):
        if isinstance(ended, Succeeded):
            assert_type(ended.value, Checksum)
    match await handle.outcome():
        case Succeeded(text):
            assert_type(text, str)
        case Failed() | TimedOut() | Cancelled() | Lost() as other:
            assert_type(other, Failed | TimedOut | Cancelled | Lost)


def wider(outcome: Outcome[bool]) -> Outcome[int | None]:
    """An outcome is covariant in its value."""
    return outcome


def other_value(outcome: Outcome[str]) -> Outcome[int]:
    return outcome  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
