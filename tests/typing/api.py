"""What type checkers must say of the public API. Checked by mypy and pyright, never run."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, assert_type

import gatherq
import gatherq_worker
from gatherq import (
    Batch,
    BatchConflict,
    Call,
    Cancelled,
    Counts,
    CurrentJob,
    ErrorInfo,
    Failed,
    Handle,
    InvalidCall,
    JobCancelled,
    JobDefinition,
    JobLost,
    JobTimeout,
    Lost,
    Outcome,
    Producer,
    RemoteError,
    Retry,
    Succeeded,
    TaskGroup,
    TimedOut,
    call,
    cron,
    current_job,
    job,
)
from gatherq.progress import progress


@job(timeout=10)
async def chop(vegetable: str, seconds: float) -> str:
    return vegetable


@job()
async def weigh(vegetable: str) -> int:
    return len(vegetable)


@job()
def peel(vegetable: str) -> int:
    return len(vegetable)


def names() -> Iterator[str]:
    yield "leek"


async def more_names() -> AsyncIterator[str]:
    yield "leek"


@job(timeout=10, isolation="process", retries=2, retry_on=(OSError, ValueError))
def asks(path: str) -> list[int]:
    assert_type(current_job(), CurrentJob)
    assert_type(current_job().remaining(), float | None)
    raise Retry(1.5)


def submits_any(function: Callable[..., Coroutine[Any, Any, int]]) -> Call[int]:
    """A function that is made a job later."""
    return job()(function).call("a")


@job
async def bare(vegetable: str) -> int:
    return len(vegetable)


@job
def bare_plain(vegetable: str) -> int:
    return len(vegetable)


@cron("*/5 * * * *", tz="Europe/Berlin")
@cron("0 3 * * *")
@job(timeout=60)
async def refresh(full: bool = False) -> str:
    return "all" if full else "some"


@job(timeout=60)
@cron("0 3 * * *")
def tidy() -> int:
    return 3


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


def errors() -> None:
    assert_type(gatherq.__version__, str)
    try:
        pass
    except InvalidCall as error:
        assert_type(error.slot, int | None)
        assert_type(error.name, str | None)
    except BatchConflict as error:
        assert_type(error.batch_id, str)
    except RemoteError as error:
        assert_type(error.outcome, Failed | None)
    except JobTimeout as error:
        assert_type(error.outcome, TimedOut)
    except JobLost as error:
        assert_type(error.outcome, Lost)
    except JobCancelled as error:
        assert_type(error.outcome, Cancelled)
    except Retry as error:
        assert_type(error.delay, float)


async def about_a_batch(batch: Batch[str]) -> None:
    counts = await batch.counts()
    assert_type(counts, Counts)
    assert_type(counts.finished, int)
    assert_type(batch.id, str)
    assert_type(len(batch), int)
    assert_type(batch.handles(), Sequence[Handle[str]])
    assert_type([o.slot async for o in batch.as_completed()], list[int])
    await batch.detach()
    await batch.delete()
    async with progress(batch) as nothing:
        assert_type(nothing, None)
    assert_type(batch.handles()[0].id, str)


def about_a_job() -> None:
    assert_type(chop.definition, JobDefinition)
    assert_type(peel.definition.timeout, float | None)
    assert_type(asks.call("x"), Call[list[int]])
    assert_type(refresh.call(full=True), Call[str])
    assert_type(tidy.call(), Call[int])
    assert_type(tidy(), int)
    cron(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cron("0 3 * * *")(5)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    assert_type(asks("x"), list[int])
    assert_type(chop.call("leek", 1).with_timeout(1).with_queue_timeout(1), Call[str])
    assert_type(chop.call("leek", 1).with_priority(3).after(1.5), Call[str])
    job(max_at_once=1, max_per_second=0.5, per="name")
    job(max_at_once="1")  # type: ignore[call-overload]  # pyright: ignore
    assert_type(str(chop.call("leek", 1)), str)


async def maps(producer: Producer) -> None:
    made = producer.map(lambda name: chop.call(name, 3), names(), window=9)
    assert_type(made, AsyncGenerator[Outcome[str], None])
    lazily = producer.map(lambda name: chop.call(name, 3), more_names(), lease=9)
    assert_type(lazily, AsyncGenerator[Outcome[str], None])
    pairs = producer.map(lambda pair: chop.call(*pair), [("leek", 3.0)])
    assert_type(pairs, AsyncGenerator[Outcome[str], None])
    assert_type(producer.map("chop", names()), AsyncGenerator[Outcome[Any], None])


async def check(producer: Producer) -> None:
    assert_type(chop.call("carrot", 3), Call[str])
    assert_type(call("chop", "carrot", 3), Call[Any])
    assert_type(await chop("carrot", 3), str)
    assert_type(bare.call("carrot"), Call[int])
    assert_type(await bare("carrot"), int)
    assert_type(bare_plain.call("carrot"), Call[int])
    assert_type(bare_plain("carrot"), int)
    bare.call(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    job("chop")  # type: ignore[call-overload]  # pyright: ignore
    job(retry_on="OSError")  # type: ignore[call-overload]  # pyright: ignore
    assert_type(await producer.gather(chop.call("a", 1), weigh.call("a")), tuple[str, int])
    assert_type(await producer.gather(*[chop.call("a", 1)], max_at_once=5), list[str])
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
    by_name = await producer.submit([call("chop", "leek", 1)], tolerate=0.05, deadline=60)
    assert_type(by_name, Batch[Any])
    assert_type(await producer.batch("soup"), Batch[Any])
    producer.map(weigh.call, [1])  # type: ignore[arg-type]  # pyright: ignore
    await producer.submit_one("weigh")  # type: ignore[arg-type]  # pyright: ignore
    chop.call("carrot")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chop.call(1, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
