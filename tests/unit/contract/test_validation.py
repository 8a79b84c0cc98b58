"""What is given by mistake is refused before anything is written, by an error that says what."""

import asyncio

import pytest

from gatherq import Producer, call, job
from gatherq.contract.validation import check_batch_id, check_slots, check_timeout
from gatherq.errors import InvalidCall

NO_NUMBERS = [b"x", "", "5", True, [], {}, ...]
NO_LIMITS = [-1, 0, 0.0, float("nan"), float("inf"), -float("inf"), 10**400, 365 * 86_400 + 1]


@pytest.mark.parametrize("given", NO_NUMBERS + NO_LIMITS, ids=lambda given: f"{given!r:.20}")
def test_what_is_no_limit(given):
    with pytest.raises(InvalidCall, match="^timeout must be"):
        check_timeout(given)


@pytest.mark.parametrize(
    "given", [5, 1.5, True, None, b"x", "", "a b", "é", "a\n", "x" * 129, [], ...], ids=repr
)
def test_what_is_no_batch_id(given):
    with pytest.raises(InvalidCall, match="^batch id .* must be text of 1 to 128"):
        check_batch_id(given)


@pytest.mark.parametrize("given", ["a", None, 1.0, True, b"1"])
def test_what_is_no_slot(given):
    with pytest.raises(TypeError, match="a slot is a whole number, not"):
        check_slots([0, given], 2)


@pytest.mark.parametrize(("given", "size"), [(2, 2), (-1, 2), (10**30, 2), (0, 0)])
def test_a_slot_that_is_not_there(given, size):
    with pytest.raises(IndexError, match=f"no(t {given}| slots)"):
        check_slots([given], size)


@job()
async def chop(name: str) -> str:
    return name


@pytest.mark.parametrize("given", [chop, "chop", None, [call("chop")], ("chop", 1), 5])
@pytest.mark.parametrize("verb", ["submit", "gather", "submit_one", "task_group", "map"])
async def test_what_is_no_call(given, verb):
    """None of these needs a server."""
    producer = Producer("redis://127.0.0.1:1")

    async def group():
        async with producer.task_group() as group:
            group.create_task(given)

    async def mapped():
        async for _ in producer.map(lambda _: given, [1]):
            pass

    verbs = {
        "submit": lambda: producer.submit([given]),
        "gather": lambda: producer.gather(given),
        "submit_one": lambda: producer.submit_one(given),
        "task_group": group,
        "map": mapped,
    }
    with pytest.raises((InvalidCall, ExceptionGroup)) as caught:
        async with asyncio.timeout(10):
            await verbs[verb]()
    error = caught.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert ": write " in str(error)
    await producer.aclose()
