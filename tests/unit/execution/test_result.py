"""What an execution left is written once, in its time, and handed over when it is."""

import asyncio
import inspect
import sys
from time import monotonic
from typing import Any

import pytest

from gatherq.contract import records
from gatherq.contract.values import codec
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.execution.loop import Interrupted, in_handler, in_loop
from gatherq_worker.execution.result import ExecutionResult, Writer, write_result, write_value
from gatherq_worker.ipc.scoreboard import Scoreboard


def attempt(**fields: Any) -> Attempt:
    made = Attempt("b:3", 2, records.decode_job(b'{"f":"f","a":[1],"k":{},"et":5}'), slot=3)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class Counted:
    """A value that counts how often it is written, and where."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    def __iter__(self) -> Any:
        self.written.append(in_handler(sys._getframe()))
        yield 1


def lazily(counted: Counted) -> Any:
    return (item for item in counted)


async def test_a_value_is_written_once_as_the_handlers_own_code():
    counted, page = Counted(), Scoreboard()
    marks = []

    async def run() -> Any:
        return (marks.append(page.running_job()) or item for item in counted)

    ending = await in_loop(attempt(), run, page)
    _, payload = verdicts.encode_outcome(
        verdicts.verdict(ending), attempt(), records.Times(1, 2), "w", "q"
    )
    assert codec.from_json(payload)["r"] == [1]
    assert counted.written == [True]
    assert marks[0].is_of(attempt())
    assert page.running_job() is None
    page.close()


async def test_an_error_is_described_as_the_handlers_own_code():
    seen = []

    class Told(Exception):
        def __str__(self) -> str:
            seen.append(in_handler(sys._getframe()))
            return "told"

    async def run() -> Any:
        raise Told

    ending = await in_loop(attempt(), run, None)
    assert ending.info
    assert ending.info.message == "told"
    verdicts.verdict(ending)
    assert seen == [True]


def test_the_engines_own_frames_are_not_the_handlers():
    seen = []

    async def run() -> Any:
        return 1

    def write(ending: ExecutionResult, attempt: Attempt) -> None:
        frame = inspect.currentframe()
        while frame:
            if frame.f_code is in_loop.__code__ or frame.f_code.co_name == "wrap_up":
                seen.append(in_handler(frame))
            frame = frame.f_back

    asyncio.run(in_loop(attempt(), run, None, write))
    assert seen == [False, False]


@pytest.mark.parametrize("late", ["value", "error"])
async def test_what_is_interrupted_while_it_is_written_is_late(late):
    class Late(Exception):
        def __str__(self) -> str:
            raise Interrupted

    def never() -> Any:
        yield 1
        running.deadline = monotonic()
        raise Interrupted

    async def run() -> Any:
        if late == "value":
            return never()
        running.deadline = monotonic() + 0.01
        while monotonic() < running.deadline:
            pass
        raise Late

    running = attempt(limit=1.0)
    ending = await in_loop(running, run, None)
    ending.limit = 1.0
    assert verdicts.verdict(ending).status == "timed_out"


async def test_nothing_is_written_of_what_is_late_or_cancelled():
    for fields in ({"deadline": 0.0}, {"cancelled_by": "me"}, {"state": State.LOST}):
        counted = Counted()

        async def run(counted: Counted = counted) -> Any:
            return lazily(counted)

        ending = await in_loop(attempt(**fields), run, None)
        assert ending.written is None
        assert counted.written == []


def test_a_generator_that_raises_half_way_is_a_failure():
    def breaks() -> Any:
        yield 1
        raise KeyError("half-way")

    ending = ExecutionResult(value=breaks())
    write_result(ending, attempt())
    verdict = verdicts.verdict(ending)
    assert verdict.status == "failed"
    assert verdict.fields["error"].type == "UnwritableResult"
    assert "half-way" in verdict.result


def test_who_looks_does_so_after_the_writing():
    seen = []
    write = Writer(None, lambda ending, attempt: seen.append(ending.written))
    write(ExecutionResult(value=[1]), attempt())
    assert seen == [b"[1]"]
    assert write_value({"a": b"b"}) == b'{"a":"Yg=="}'
