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


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        *[({"max_at_once": n}, "max_at_once must be a whole number of jobs, 1 to 10,000,000, not ")
          for n in (0, -1, 1.5, True, "5", NAN, INF, 10**9)],
        *[({"max_per_second": n}, "max_per_second must be a number from 1e-05 ")
          for n in (0, -1, True, "5", NAN, INF, 10_001, 1e-9)],
        *[({"priority": n}, "priority must be a whole number from -9 to 9, higher first, not ")
          for n in (10, -10, 1.5, True, "5", None)],
        *[({"delay": n}, "delay must be 0 or more seconds, at most a year, not ")
          for n in (-1, True, "5", NAN, INF, 10**9)],
    ],
    ids=repr,
)  # fmt: skip
async def test_what_is_no_limit_of_a_batch(options, why):
    """None of these needs a server."""
    producer = Producer("redis://127.0.0.1:1")
    with pytest.raises(InvalidCall) as caught:
        await producer.submit([call("f")], **options)
    assert str(caught.value).startswith(why)
    if "delay" not in options:
        with pytest.raises(InvalidCall, match=f"^{why}"):
            await producer.gather(call("f"), **options)
        with pytest.raises(InvalidCall, match=f"^{why}"):
            producer.map("f", [1], **options)


async def test_a_delay_in_a_limited_batch_names_its_slot_and_what_to_do():
    producer = Producer("redis://127.0.0.1:1")
    for limit in ({"max_at_once": 2}, {"max_per_second": 2}):
        with pytest.raises(InvalidCall, match=r"^slot 1: .* submit\(\.\.\., delay=\)"):
            await producer.submit([call("f"), call("f").after(5)], **limit)


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
