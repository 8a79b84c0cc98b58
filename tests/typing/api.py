"""What type checkers must say of the public API. Checked by mypy and pyright, never run."""

import asyncio
from typing import Any, assert_type

import gatherq
import gatherq_worker
from gatherq import (
    Batch,
    Call,
    Cancelled,
    ErrorInfo,
    Failed,
    Handle,
    Lost,
    Outcome,
    Producer,
    Succeeded,
    TaskGroup,
    TimedOut,
    call,
    job,
)


@job(timeout=10)
async def chop(vegetable: str, seconds: float) -> str:
    return vegetable


@job()
async def weigh(vegetable: str) -> int:
    return len(vegetable)


@job()
def peel(vegetable: str) -> int:
    return len(vegetable)


def words(outcome: Outcome[str]) -> str:
    match outcome:
        case Succeeded(value):
            return assert_type(value, str)
        case Failed(error):
            return assert_type(error, ErrorInfo).message
        case TimedOut(which, limit):
            return f"{which} {assert_type(limit, float)}"
        case Cancelled(by):
            return assert_type(by, str)
        case Lost(attempts):
            return "lost" * assert_type(attempts, int)


def misspelt() -> None:
    _ = gatherq.Producr  # type: ignore[attr-defined]  # pyright: ignore
    _ = gatherq.current_jobs  # type: ignore[attr-defined]  # pyright: ignore
    _ = gatherq_worker.Wroker  # type: ignore[attr-defined]  # pyright: ignore
    assert_type(gatherq.errors.BatchNotFound.__name__, str)
    assert_type(gatherq.wire.job_deserializer(b"{}"), dict[str, Any])


async def check(producer: Producer) -> None:
    assert_type(chop.call("carrot", 3), Call[str])
    assert_type(call("chop", "carrot", 3), Call[Any])
    assert_type(await chop("carrot", 3), str)
    assert_type(await producer.gather(chop.call("a", 1), weigh.call("a")), tuple[str, int])
    assert_type(await producer.gather(*[chop.call("a", 1)]), list[str])
    assert_type(
        await producer.gather(chop.call("a", 1), return_exceptions=True),
        tuple[str | BaseException],
    )
    assert_type(
        await producer.gather(*[chop.call("a", 1)], return_exceptions=True),
        list[str | BaseException],
    )
    batch = await producer.submit([chop.call("a", 1)])
    assert_type(batch, Batch[str])
    assert_type(await batch.cancel(0, by="somebody"), int)
    assert_type(await batch.redrive(), int)
    outcomes: list[Outcome[str]] = await batch.outcomes()
    for outcome in outcomes:
        assert_type(outcome.unwrap(), str)
    handle = await producer.submit_one(chop.call("a", 1))
    assert_type(handle, Handle[str])
    assert_type(await handle, str)
    assert_type(handle.cancel(), bool)
    outcome_: Outcome[str] = await handle.outcome()
    assert_type(outcome_.unwrap(), str)
    assert_type(await asyncio.wait_for(handle, 1), str)
    done, pending = await batch.wait(timeout=1, return_when=asyncio.FIRST_COMPLETED)
    assert_type(done, set[Handle[str]])
    assert_type(pending, set[Handle[str]])
    async with producer.task_group() as group:
        assert_type(group, TaskGroup)
        assert_type(group.create_task(weigh.call("a")), Handle[int])
    async for each in producer.map(weigh, ["a"], window=3, ordered=False):
        assert_type(each.unwrap(), int)
    async for each in producer.map(weigh.call, ["a"]):
        assert_type(each.unwrap(), int)
    async for each in producer.map(peel, ["a"]):
        assert_type(each.unwrap(), int)
    async for each in producer.map(peel.call, ["a"]):
        assert_type(each.unwrap(), int)
    async for anything in producer.map("weigh", ["a"]):
        assert_type(anything.unwrap(), Any)
    producer.map(weigh.call, [1])  # type: ignore[arg-type]  # pyright: ignore
    await producer.submit_one("weigh")  # type: ignore[arg-type]  # pyright: ignore
    chop.call("carrot")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chop.call(1, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
