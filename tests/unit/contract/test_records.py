"""The contract both sides share, with no server."""

import asyncio
import dataclasses
import enum
import inspect
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel

import gatherq
from gatherq import Failed, RemoteError, Succeeded, TimedOut, call, job
from gatherq.contract import records
from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.outcomes import exception_of
from gatherq.contract.remote_errors.capture import describe
from gatherq.contract.remote_errors.error_info import ErrorInfo, rebuild
from gatherq.contract.values import codec
from gatherq.errors import InvalidCall
from gatherq.store.server.urls import masked
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.execution.result import ExecutionResult
from gatherq_worker.registry import Handler, LoadError, Registry, UnknownJob

WHO: dict[str, Any] = {
    "job_id": "b:0",
    "slot": 0,
    "name": "f",
    "attempt": 1,
    "worker": "w",
    "enqueued": 1_700_000_000_000,
    "started": None,
    "finished": 1_700_000_000_001,
}


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    raw: bytes


class Model(BaseModel):
    when: datetime


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (datetime, datetime(2026, 1, 2, tzinfo=UTC)),
        (UUID, UUID(int=7)),
        (Decimal, Decimal("1.10")),
        (bytes, b"\xff\x00"),
        (Colour, Colour.RED),
        (Point, Point(1, b"\xff")),
        (Model, Model(when=datetime(2026, 1, 2, tzinfo=UTC))),
        (set[int], {1, 2}),
        (tuple[int, bytes], (1, b"\xfe")),
        (dict[int, Point], {1: Point(2, b"")}),
        (Point | None, None),
        (list[str], ["a"]),
        (Literal["a"], "a"),
    ],
)
def test_an_annotated_value_comes_back_as_its_type(annotation, value):
    raw = json.loads(codec.encode(value))
    decode = codec.decoder(annotation)
    assert (decode(raw) if decode else raw) == value


@pytest.mark.parametrize("annotation", [int, str, Any, None, list[int], dict[str, Any], int | None])
def test_jsons_own_types_are_handed_over_as_they_are(annotation):
    assert codec.decoder(annotation) is None


def test_a_decorated_function_stays_an_ordinary_coroutine_function():
    @job(name="chop", timeout=3)
    async def chop(vegetable: str) -> str:
        return vegetable

    assert inspect.iscoroutinefunction(chop)
    assert asyncio.run(chop("leek")) == "leek"
    assert chop.definition.timeout == 3


def test_what_cannot_be_a_job_is_refused_where_it_is_written():
    async def streams():
        yield 1

    with pytest.raises(TypeError, match="yields"):
        job()(streams)
    with pytest.raises(TypeError, match="plain def"):
        job(name="one", isolation="loop")(lambda: 1)
    with pytest.raises(InvalidCall, match="isolation='process' too"):
        job(memory=1)
    with pytest.raises(InvalidCall, match="retries must be"):
        job(retries=-1)
    with pytest.raises(InvalidCall, match="timeout must be more than 0"):
        job(timeout=0)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("k"),
        OSError(2, "gone", "/f"),
        TimeoutError(),
        ZeroDivisionError("z"),
    ],
)
def test_a_builtin_exception_survives_the_wire(error):
    again = rebuild(ErrorInfo.model_validate_json(describe(error).model_dump_json()))
    assert type(again) is type(error)
    assert again.args == error.args
    assert str(again) == str(error)


def test_anything_else_comes_back_as_a_remote_error():
    class Own(Exception):
        pass

    for error in (Own("x"), StopIteration(1), KeyboardInterrupt(), SystemExit(3)):
        again = rebuild(describe(error))
        assert isinstance(again, RemoteError)
        assert type(error).__name__ in str(again)


def test_groups_causes_and_notes_survive():
    cause = KeyError("k")
    error = ExceptionGroup("two", [ValueError("a"), ExceptionGroup("in", [TypeError("b")])])
    error.__cause__ = cause
    error.add_note("a note")
    again = rebuild(describe(error))
    assert isinstance(again, ExceptionGroup)
    assert again.subgroup(TypeError)
    assert again.__notes__[0] == "a note"
    assert isinstance(again.__cause__, KeyError)


def test_exceptions_that_cannot_be_shown_are_described():
    class Bad(Exception):
        def __str__(self):
            raise RuntimeError

    assert describe(Bad()).message == "<unprintable: RuntimeError>"
    assert len(describe(ValueError("x" * 10_000_000)).message) < 40_000
    assert describe(ValueError("\ud800")).message == "?"


def test_outcomes_match_and_unwrap():
    match Succeeded(value=3, **WHO):
        case Succeeded(value):
            assert value == 3
    timed_out = TimedOut(which="execution", limit=1.5, **WHO)
    with pytest.raises(TimeoutError, match=r"job b:0 \(f\) ran past its execution limit of 1.5 s"):
        timed_out.unwrap()
    assert isinstance(exception_of(timed_out), gatherq.GatherqError)


def test_a_result_reads_back_and_begins_with_its_fence():
    verdict = verdicts.verdict(ExecutionResult(error=ValueError("no")))
    at = 1_700_000_000_000
    record = records.decode_job(b'{"f":"f","a":[],"k":{},"et":%d}' % at)
    times = records.Times(at + 1000, at + 2000)
    verdict, payload = verdicts.encode_outcome(
        verdict, Attempt("b:3", 2, record, slot=3), times, "w", "q"
    )
    assert payload.decode().startswith(records.result_head("w", 2))
    assert json.loads(payload)["r"] == "ValueError: no"
    outcome = records.decode_result(payload)
    assert isinstance(outcome, Failed)
    assert (outcome.job_id, outcome.slot, outcome.attempt, outcome.name) == ("b:3", 3, 2, "f")
    times = (outcome.enqueued, outcome.started, outcome.finished)
    assert [moment.timestamp() - 1_700_000_000 for moment in times] == [0, 1, 2]


def test_the_deadline_wins_over_what_the_code_made_of_it():
    for error in (None, ValueError(), asyncio.CancelledError(), TimeoutError()):
        verdict = verdicts.verdict(ExecutionResult(value=1, error=error, expired=True, limit=2.0))
        assert (verdict.status, verdict.fields) == ("timed_out", {"which": "execution", "limit": 2})
    assert verdicts.verdict(ExecutionResult(error=TimeoutError())).status == "failed"
    assert verdicts.verdict(ExecutionResult(error=asyncio.CancelledError())).status == "cancelled"


def test_near_matches_are_named_and_two_of_a_name_refused():
    async def chop() -> None: ...

    async def other() -> None: ...

    handlers = Registry([Handler(JobDefinition("chop"), chop)])
    with pytest.raises(UnknownJob, match="no job named 'chpo' here; did you mean 'chop'"):
        handlers.find("chpo")
    with pytest.raises(LoadError, match="two jobs are named 'chop'"):
        Registry([Handler(JobDefinition("chop"), chop), Handler(JobDefinition("chop"), other)])


def test_a_password_is_never_shown():
    assert masked("redis://me:secret@h:1/0") == "redis://:***@h:1/0"
    assert masked("redis://h:1/0") == "redis://h:1/0"


def test_a_call_takes_a_timeout():
    assert call("f", 1).with_timeout(2).timeout == 2.0
