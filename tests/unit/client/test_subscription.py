"""One reader's queue of slots that have ended."""

import asyncio

import pytest

from gatherq.client.collection.subscription import Subscription
from gatherq.store.completions import Entry


def entry(position, *slots, results=()):
    return Entry(position, [(slot, "succeeded") for slot in slots], dict(results))


async def test_each_slot_comes_once_in_the_order_it_ended():
    subscription = Subscription(4)
    subscription.put([(2, "failed"), (0, "succeeded")])
    subscription.put([(0, "succeeded"), (3, "lost")])
    assert await subscription.get() == [2, 0, 3]
    assert (subscription.remaining, subscription.pending) == (1, [1])
    assert subscription.get_nowait() == []


async def test_get_waits_for_a_slot():
    subscription = Subscription(1)
    getting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    assert not getting.done()
    subscription.put([(0, "succeeded")])
    assert await getting == [0]


async def test_entries_that_were_put_before_are_left_out():
    subscription = Subscription(3)
    first, second = entry(b"1-0", 0), entry(b"1-1", 1)
    subscription.put_entries(b"0", [first])
    assert await subscription.get() == [0]
    subscription.reset([0])  # its result was missing: it is to come again with its next completion
    subscription.put_entries(b"0", [first, second])
    assert await subscription.get() == [1]


async def test_entries_of_a_read_that_began_later_are_left_to_the_next_read():
    subscription = Subscription(2)
    subscription.put_entries(b"5-0", [entry(b"6-0", 1)])
    assert subscription.get_nowait() == []
    subscription.put_entries(b"0", [entry(b"5-0", 0), entry(b"6-0", 1)])
    assert await subscription.get() == [0, 1]


async def test_results_that_are_not_taken_at_once_are_forgotten():
    """A batch that is gone may have given them, and another one have its id now."""
    subscription = Subscription(3)
    subscription.put_entries(b"0", [entry(b"1-0", 1, 2, results={1: b"old", 2: b"old"})])
    assert await subscription.get() == [1, 2]
    subscription.put_entries(b"1-0", [entry(b"2-0", 1, 0, results={0: b"new", 1: b"new"})])
    assert await subscription.get() == [0]
    assert subscription.take_results([0, 1, 2]) == {0: b"new"}


@pytest.mark.parametrize(
    ("mine", "told", "is_of"),
    [("one", "one", True), ("one", "two", False), ("", "two", True), ("one", "", True)],
)
def test_a_batch_is_another_one_if_both_lives_are_known_and_differ(mine, told, is_of):
    assert Subscription(1, life=mine).is_of(told) == is_of


async def test_who_reads_a_batch_that_another_has_replaced_gets_an_error_and_nothing_else():
    """Also where all slots had ended by then."""
    subscription = Subscription(2, life="mine")
    subscription.put([(0, "succeeded")])
    assert await subscription.get() == [0]
    subscription.put([(1, "succeeded")])
    subscription.replace(LookupError("another one"))
    assert subscription.remaining
    with pytest.raises(LookupError):
        await subscription.get()


async def test_results_that_come_along_are_taken_once():
    subscription = Subscription(3)
    subscription.put_entries(b"0", [entry(b"1-0", 0, 1, results={0: b"zero", 2: b"of nobody"})])
    assert await subscription.get() == [0, 1]
    assert subscription.take_results([0, 1, 2]) == {0: b"zero"}
    assert subscription.take_results([0]) == {}


async def test_the_result_of_a_slot_that_was_taken_back_is_forgotten():
    subscription = Subscription(1)
    subscription.put_entries(b"0", [entry(b"1-0", 0, results={0: b"old"})])
    assert await subscription.get() == [0]
    subscription.put([(0, "redriven"), (0, "succeeded")])
    assert subscription.take_results([0]) == {}


async def test_a_redriven_slot_is_taken_back_and_its_reader_told():
    redriven = []
    subscription = Subscription(2, redriven.extend)
    subscription.put([(0, "failed"), (1, "failed"), (0, "redriven")])
    assert await subscription.get() == [1]
    assert redriven == [0]
    subscription.put([(0, "succeeded")])
    assert await subscription.get() == [0]
    assert subscription.remaining == 0


async def test_an_error_comes_after_the_slots_and_stays():
    subscription = Subscription(2)
    subscription.put([(0, "succeeded")])
    subscription.fail(ValueError("gone"))
    assert await subscription.get() == [0]
    for _ in range(2):
        with pytest.raises(ValueError, match="gone"):
            await subscription.get()


async def test_a_slot_beyond_the_batch_is_left_out():
    subscription = Subscription(1)
    subscription.put([(1, "succeeded"), (0, "succeeded")])
    assert await subscription.get() == [0]
