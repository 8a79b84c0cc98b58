"""When a batch is looked at. What a look does is tested with the completion watcher."""

from gatherq.client.collection.janitor import LONGEST, LOOK_AGAIN, WatchedBatch
from gatherq.client.collection.subscription import Subscription


def watched(*sizes):
    batch = WatchedBatch(0.0)
    batch.subscriptions = {Subscription(size) for size in sizes}
    return batch


async def test_a_look_is_due_after_silence_and_news_put_it_off():
    batch = watched(1)
    assert batch.look_at == LOOK_AGAIN
    batch.note_news(0.4)
    assert batch.look_at == 0.4 + LOOK_AGAIN


async def test_a_batch_that_is_never_silent_is_looked_at_too_and_there_its_first_slots():
    batch = watched(100_000)
    for tenth in range(1, 20):
        batch.note_news(tenth / 10)
    assert batch.look_at == LONGEST
    batch.note_look(1.6, None)
    batch.note_news(1.9)
    assert batch.look_at == 1.9 + LOOK_AGAIN
    batch.note_news(2.8)
    assert batch.look_at == 1.6 + LONGEST
    assert batch.slots_to_look_at(3.1) == list(range(250))


async def test_looks_grow_seldom_unless_something_is_due():
    batch = watched(1)
    batch.note_look(1.0, None)
    assert batch.look_at == 1.0 + LOOK_AGAIN
    batch.note_look(2.0, None)
    assert batch.look_at == 2.0 + LONGEST
    batch.note_look(4.0, 0.3)
    assert batch.look_at == 4.3
    batch.note_look(5.0, 3600.0)  # whatever is due then: the batch may be deleted meanwhile
    assert batch.look_at == 5.0 + LONGEST


async def test_the_pending_slots_of_all_subscriptions_are_looked_at_once_a_pause():
    batch = watched(3, 3)
    one, other = batch.subscriptions
    one.put([(0, "succeeded"), (1, "succeeded")])
    other.put([(1, "succeeded"), (2, "succeeded")])
    assert batch.slots_to_look_at(1.0) == [0, 2]
    assert batch.slots_to_look_at(1.0 + LOOK_AGAIN / 2) == []
    assert batch.slots_to_look_at(1.0 + LOOK_AGAIN) == [0, 2]


async def test_a_large_batch_is_looked_at_seldom():
    batch = watched(100_000)
    assert len(batch.slots_to_look_at(1.0)) == 100_000
    assert batch.slots_to_look_at(10.9) == []
    assert batch.slots_to_look_at(11.1)


async def test_with_no_subscription_there_is_nothing_to_look_at():
    assert watched().slots_to_look_at(1.0) == []


async def test_found_slots_go_to_every_subscription():
    batch = watched(2, 2)
    batch.put_found([1])
    assert [each.get_nowait() for each in batch.subscriptions] == [[1], [1]]
