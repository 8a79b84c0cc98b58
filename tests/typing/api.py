"""What type checkers must say of the public API. Checked by mypy and pyright, never run."""

from typing import Any, assert_type

from gatherq import Batch, Call, Outcome, Producer, call, job


@job(timeout=10)
async def chop(vegetable: str, seconds: float) -> str:
    return vegetable


@job()
async def weigh(vegetable: str) -> int:
    return len(vegetable)


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
    chop.call("carrot")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chop.call(1, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
