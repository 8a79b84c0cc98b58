"""The watcher against a store that answers when the test says so."""

import asyncio

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from gatherq.client.collection.completion_watcher import CompletionWatcher
from gatherq.client.collection.subscription import Subscription
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.store.batches import BatchIdentity
from gatherq.store.completions import Entry
from gatherq.store.maintenance import MendReply


class BatchStore:
    """Streams in memory; a read blocks until `reply` or `nudge`, as Redis would."""

    def __init__(self):
        self.streams, self.nudges, self.reads = {}, 0, []
        self.gone, self.changed, self.asked = set(), asyncio.Event(), asyncio.Event()
        self.error = None
        #: Batches whose own read fails, and with it every read that has them in it.
        self.errors = {}
        #: Slots that a look finds, by batch; and what looks were asked for.
        self.found, self.looks, self.looked = {}, [], asyncio.Event()
        self.mend_error = self.sweep_error = None
        self.life = ""
        #: One object in place of the store's members.
        self.completions = self.maintenance = self.slot_states = self

    def end(self, batch, *words, life=""):
        entries = self.streams.setdefault(batch, [])
        entries.append(Entry(b"%d-0" % (len(entries) + 1), list(words), {}, life))
        self.changed.set()

    async def watch(self, after, block, news):
        self.reads.append(dict(after))
        self.asked.set()
        while True:
            if self.error:
                raise self.error
            for batch in after:
                if batch in self.errors:
                    refuse(self.errors[batch])
            found = {
                batch: [e for e in self.streams.get(batch, []) if e[0] > (b"" if a == b"0" else a)]
                for batch, a in after.items()
            }
            found = {batch: entries for batch, entries in found.items() if entries}
            if found or self.nudges > int(news[1]):
                return b"%d" % self.nudges, found
            self.changed.clear()
            await self.changed.wait()

    async def nudge(self, name):
        self.nudges += 1
        self.changed.set()

    async def missing(self, batches):
        return [batch for batch in batches if batch in self.gone]

    async def read(self, batch, after):
        if batch in self.errors:
            refuse(self.errors[batch])
        return after, []

    async def sweep(self, batch):
        if self.sweep_error:
            raise self.sweep_error

    async def mend(self, batch, slots, written):
        self._note("mend", batch, slots, written)
        if self.mend_error:
            raise self.mend_error
        found = [slot for slot in slots if slot in self.found.get(batch, ())]
        return MendReply(found, 7, self.life)

    async def recorded(self, batch, slots):
        self._note("recorded", batch, slots)
        return [slot for slot in slots if slot in self.found.get(batch, ())]

    async def identity(self, batch):
        return None if batch in self.gone else BatchIdentity(10, self.life)

    def _note(self, *look):
        self.looks.append(look)
        self.looked.set()


def refuse(cause):
    """Raise what stands for an error of Redis, as the store does."""
    try:
        raise cause
    except ResponseError:
        raise RedisUnavailable(str(cause), url="redis://x") from None


WRONGTYPE = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")


async def once(method, *args):
    return await method(*args)


@pytest.fixture
async def store():
    return BatchStore()


@pytest.fixture
async def watcher(store):
    watcher = CompletionWatcher(store, once)
    yield watcher
    await watcher.aclose(RuntimeError("closed"))


@pytest.fixture
def subscribe(watcher):
    def subscribe(batch, size=10, life=""):
        subscription = Subscription(size, life=life)
        watcher.subscribe(batch, subscription)
        return subscription

    return subscribe


@pytest.fixture
def soon(monkeypatch):
    """Look after batches at once."""
    monkeypatch.setattr("gatherq.client.collection.janitor.LOOK_AGAIN", 0.0)
    monkeypatch.setattr("gatherq.client.collection.janitor.LONGEST", 0.0)


async def test_a_reader_gets_all_from_the_beginning(subscribe, store):
    store.end("b", (0, "succeeded"), (1, "failed"))
    reader = subscribe("b")
    assert await reader.get() == [0, 1]
    store.end("b", (2, "succeeded"))
    assert await reader.get() == [2]
    assert reader.remaining == 7


async def test_another_batch_under_an_id_ends_those_alone_who_read_the_first(subscribe, store):
    store.life = "one"
    first, second = subscribe("b", life="one"), subscribe("b", life="two")
    store.end("b", (0, "succeeded"), life="one")
    assert await first.get() == [0]
    with pytest.raises(BatchNotFound):
        await second.get()
    store.end("b", (1, "succeeded"), life="one")
    assert await first.get() == [1]


async def test_a_completion_whose_life_is_damaged_concerns_nobody(subscribe, store):
    store.life = "one"
    reader = subscribe("b", life="one")
    store.end("b", (0, "succeeded"), life="one")
    store.end("b", (1, "succeeded"), life="damaged")
    assert await reader.get() == [0, 1]


async def test_a_batch_that_goes_while_its_life_is_asked_for_is_gone(subscribe, store):
    reader = subscribe("b", life="one")
    store.gone.add("b")
    store.end("b", (0, "succeeded"), life="two")
    with pytest.raises(BatchNotFound, match="no longer in Redis; it was deleted"):
        await reader.get()


async def test_a_look_notices_another_batch_under_an_id(subscribe, store, soon):
    store.life = "two"
    first, second = subscribe("b", life="one"), subscribe("b", life="two")
    with pytest.raises(BatchNotFound):
        await first.get()
    store.end("b", (0, "succeeded"), life="two")
    assert await second.get() == [0]


async def test_who_subscribes_during_a_read_gets_what_came_before_it(subscribe, store):
    store.end("b", (0, "succeeded"))
    first = subscribe("b")
    await first.get()
    await _blocked(store, 2)
    late = subscribe("b")
    store.end("b", (1, "succeeded"))  # the read that is under way brings this alone
    found = []
    async with asyncio.timeout(5):
        while len(found) < 2:
            found += await late.get()
    assert found == [0, 1]
    assert await first.get() == [1]


async def test_one_nudge_for_all_that_subscribe_in_a_turn(subscribe, store):
    subscribe("a")
    await _blocked(store, 1)
    readers = [subscribe(f"b{n}") for n in range(50)]
    await _blocked(store, 2)
    assert store.nudges == 1
    assert len(store.reads[-1]) == 51
    store.end("b7", (0, "succeeded"))
    assert await readers[7].get() == [0]


async def test_who_subscribes_after_a_nudge_was_heard_gives_another(subscribe, store):
    subscribe("a")
    await _blocked(store, 1)
    subscribe("b")
    await _blocked(store, 2)
    reader = subscribe("c")
    await _blocked(store, 3)
    assert store.nudges == 2
    store.end("c", (0, "lost"))
    assert await reader.get() == [0]


async def test_a_slot_that_is_redriven_is_told_by_its_last_word(subscribe, store):
    store.end("b", (0, "failed"), (1, "failed"))
    store.end("b", (0, "redriven"))
    reader = subscribe("b")
    assert await reader.get() == [1]
    store.end("b", (0, "succeeded"))
    assert await reader.get() == [0]
    store.end("b", (0, "redriven"))
    store.end("b", (0, "failed"))
    assert await reader.get() == [0]


async def test_what_is_no_slot_of_the_batch_is_left_out(subscribe, store):
    store.end("b", (10, "succeeded"), (9, "succeeded"))
    assert await subscribe("b").get() == [9]


async def test_with_nobody_left_it_reads_no_more(watcher, subscribe, store):
    reader = subscribe("b")
    await _blocked(store, 1)
    tasks = _tasks()
    watcher.unsubscribe("b", reader)
    store.end("b", (0, "succeeded"))
    await asyncio.wait(tasks)
    assert len(store.reads) == 1
    again = subscribe("b")
    assert await again.get() == [0]


async def test_an_error_of_redis_reaches_every_reader(subscribe, store):
    store.error = RedisUnavailable("away", url="redis://x")
    readers = [subscribe("a"), subscribe("b")]
    for reader in readers:
        with pytest.raises(RedisUnavailable):
            await reader.get()


@pytest.mark.parametrize(
    "error",
    [
        IndexError("no such"),
        ValueError("invalid literal for int()"),
        TypeError("a str, not a dict"),
    ],
)
async def test_a_reply_that_cannot_be_read_is_asked_again(
    subscribe, store, caplog, monkeypatch, error
):
    monkeypatch.setattr("gatherq.client.collection.completion_watcher.PAUSE", 0.0)
    store.error = error
    reader = subscribe("b")
    await _blocked(store, 5)
    store.error = None
    store.end("b", (0, "succeeded"))
    assert await reader.get() == [0]
    assert [r.message for r in caplog.records] == [
        f"a reply of Redis cannot be read: {error!r}; it is asked again"
    ]


async def test_a_stream_of_another_type_keeps_nobody_else_from_reading(subscribe, store, soon):
    store.errors["bad"] = WRONGTYPE
    store.found["bad"] = [3]
    good, bad = subscribe("good"), subscribe("bad")
    store.end("good", (0, "succeeded"))
    assert await good.get() == [0]
    assert await bad.get() == [3]  # it was looked for
    assert "bad" not in store.reads[-1]


async def test_a_stream_that_may_not_be_read_ends_its_readers_alone(subscribe, store):
    store.errors["bad"] = NoPermissionError("no permissions to access one of the keys")
    good, bad = subscribe("good"), subscribe("bad")
    with pytest.raises(RedisUnavailable, match="permissions"):
        await bad.get()
    store.end("good", (0, "succeeded"))
    assert await good.get() == [0]


async def test_closing_reaches_every_reader_after_what_came(watcher, subscribe, store):
    store.end("b", (0, "succeeded"))
    reader, other = subscribe("b"), subscribe("c")
    await _blocked(store, 2)
    await watcher.aclose(RuntimeError("closed"))
    assert await reader.get() == [0]
    for each in (reader, reader, other):
        with pytest.raises(RuntimeError, match="closed"):
            await each.get()


async def test_a_batch_that_has_gone_is_told_to_its_readers_only(subscribe, store, soon):
    store.gone.add("b")
    store.end("a", (0, "succeeded"))
    alive, gone = subscribe("a"), subscribe("b")
    with pytest.raises(BatchNotFound, match="batch b: its data is no longer in Redis"):
        await gone.get()
    assert await alive.get() == [0]


async def test_a_silent_batch_is_looked_at_and_what_is_found_is_told(subscribe, store, soon):
    store.end("b", (4, "succeeded"))
    store.found["b"] = [1, 2]
    reader = subscribe("b", 5)
    assert await reader.get() == [4]
    assert await reader.get() == [1, 2]
    await _looked(store, len(store.looks) + 2)
    assert store.looks[-1] == ("mend", "b", [0, 3], 7)  # what is still out, and what was written


async def test_a_reader_that_takes_nothing_is_told_each_slot_once(subscribe, store, soon):
    store.found["b"] = [0, 1]
    reader = subscribe("b", 3)
    await _looked(store, 20)
    assert await reader.get() == [0, 1]
    assert not reader.get_nowait()


async def test_who_may_not_write_reads_on(subscribe, store, soon, caplog):
    denied = NoPermissionError("this user has no permissions to run the 'evalsha' command")
    store.sweep_error = store.mend_error = denied
    store.found["b"] = [2]
    reader = subscribe("b", 3)
    assert await reader.get() == [2]
    await _looked(store, 20)
    said = [r.message.partition(":")[0] for r in caplog.records if r.levelname == "WARNING"]
    assert said == ["cannot sweep a batch", "cannot mend a batch"]
    store.end("b", (0, "succeeded"))
    assert await reader.get() == [0]


async def test_a_look_at_a_large_batch_is_cut_and_seldom(subscribe, store, soon):
    subscribe("large", 100_000)
    subscribe("small", 1)
    await _looked(store, 420)
    large = [look for look in store.looks if look[1] == "large"]
    assert [len(slots) for _, _, slots, _ in large] == [250] * 400
    assert {written for *_, written in large} == {-1}  # of the look before, in all its parts


def _tasks():
    """The watcher's own tasks that run now."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("gatherq-")]


async def _blocked(store, reads):
    """Wait until the watcher is in its read number `reads`."""
    async with asyncio.timeout(5):
        while len(store.reads) < reads:
            store.asked.clear()
            await store.asked.wait()


async def _looked(store, looks):
    """Wait until there were so many looks."""
    async with asyncio.timeout(5):
        while len(store.looks) < looks:
            store.looked.clear()
            await store.looked.wait()


async def test_who_reads_or_subscribes_as_somebody_cancels_the_watcher_is_told_all_the_same(
    subscribe, store
):
    """As `asyncio.run` does when main has ended, before what it cancels has."""
    first = subscribe("b")
    await _blocked(store, 1)
    for task in _tasks():
        task.cancel()
    second = subscribe("b")  # while the old one has not ended yet
    async with asyncio.timeout(5):
        store.end("b", (0, "succeeded"))
        assert await first.get() == await second.get() == [0]


async def test_what_nobody_reads_is_not_begun_again(subscribe, store, watcher):
    reader = subscribe("b")
    await _blocked(store, 1)
    ours = _tasks()
    watcher.unsubscribe("b", reader)
    for task in ours:
        task.cancel()
    await asyncio.wait(ours)
    await asyncio.sleep(0)
    assert not _tasks()
