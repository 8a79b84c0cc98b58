"""The watcher against a store that answers when the test says so."""

import asyncio

import pytest

from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.watcher import Watcher


class Store:
    """Streams in memory; a read blocks until `reply` or `nudge`, as Redis would."""

    def __init__(self):
        self.streams, self.nudges, self.reads = {}, 0, []
        self.gone, self.changed, self.asked = set(), asyncio.Event(), asyncio.Event()
        self.error = None

    def end(self, batch, *words):
        entries = self.streams.setdefault(batch, [])
        entries.append((b"%d-0" % (len(entries) + 1), list(words)))
        self.changed.set()

    async def watch(self, after, block, news):
        self.reads.append(dict(after))
        self.asked.set()
        while True:
            if self.error:
                raise self.error
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

    async def sweep(self, batch):
        return None


async def once(attempt):
    return await attempt()


@pytest.fixture
async def store():
    return Store()


@pytest.fixture
async def watcher(store):
    watcher = Watcher(store, once)
    yield watcher
    await watcher.aclose(RuntimeError("closed"))


async def test_a_reader_gets_all_from_the_beginning(watcher, store):
    store.end("b", (0, "succeeded"), (1, "failed"))
    reader = watcher.join("b")
    assert await reader.take() == [(0, "succeeded"), (1, "failed")]
    store.end("b", (2, "succeeded"))
    assert await reader.take() == [(2, "succeeded")]


async def test_who_joins_during_a_read_gets_what_came_before_it(watcher, store):
    store.end("b", (0, "succeeded"))
    first = watcher.join("b")
    await first.take()
    await _blocked(store, 2)
    late = watcher.join("b")
    store.end("b", (1, "succeeded"))  # the read that is under way brings this alone
    found = []
    async with asyncio.timeout(5):
        while len(found) < 2:
            found += await late.take()
    assert found == [(0, "succeeded"), (1, "succeeded")]
    assert await first.take() == [(1, "succeeded")]


async def test_one_nudge_for_all_that_join_in_a_turn(watcher, store):
    watcher.join("a")
    await _blocked(store, 1)
    readers = [watcher.join(f"b{n}") for n in range(50)]
    await _blocked(store, 2)
    assert store.nudges == 1
    assert len(store.reads[-1]) == 51
    store.end("b7", (0, "succeeded"))
    assert await readers[7].take() == [(0, "succeeded")]


async def test_who_joins_after_a_nudge_was_heard_gives_another(watcher, store):
    watcher.join("a")
    await _blocked(store, 1)
    watcher.join("b")
    await _blocked(store, 2)
    reader = watcher.join("c")
    await _blocked(store, 3)
    assert store.nudges == 2
    store.end("c", (0, "lost"))
    assert await reader.take() == [(0, "lost")]


async def test_a_slot_that_is_redriven_is_told_by_its_last_word(watcher, store):
    store.end("b", (0, "failed"))
    store.end("b", (0, "redriven"))
    store.end("b", (0, "succeeded"))
    assert await watcher.join("b").take() == [(0, "succeeded")]


async def test_with_nobody_left_it_reads_no_more(watcher, store):
    reader = watcher.join("b")
    await _blocked(store, 1)
    watcher.leave("b", reader)
    store.end("b", (0, "succeeded"))
    await asyncio.wait([watcher._task])
    assert len(store.reads) == 1
    again = watcher.join("b")
    assert await again.take() == [(0, "succeeded")]


async def test_an_error_of_redis_reaches_every_reader(watcher, store):
    store.error = RedisUnavailable("away", url="redis://x")
    readers = [watcher.join("a"), watcher.join("b")]
    for reader in readers:
        with pytest.raises(RedisUnavailable):
            await reader.take()


async def test_closing_reaches_every_reader_after_what_came(watcher, store):
    store.end("b", (0, "succeeded"))
    reader, other = watcher.join("b"), watcher.join("c")
    await _blocked(store, 2)
    await watcher.aclose(RuntimeError("closed"))
    assert await reader.take() == [(0, "succeeded")]
    for each in (reader, reader, other):
        with pytest.raises(RuntimeError, match="closed"):
            await each.take()


async def test_a_batch_that_has_gone_is_told_to_its_readers_only(watcher, store, monkeypatch):
    monkeypatch.setattr("gatherq.watcher._LOOK_AGAIN", 0.0)
    store.gone.add("b")
    store.end("a", (0, "succeeded"))
    alive, gone = watcher.join("a"), watcher.join("b")
    with pytest.raises(BatchNotFound, match="batch b: its data is no longer in Redis"):
        await gone.take()
    assert await alive.take() == [(0, "succeeded")]


async def _blocked(store, reads):
    """Wait until the watcher is in its read number `reads`."""
    async with asyncio.timeout(5):
        while len(store.reads) < reads:
            store.asked.clear()
            await store.asked.wait()
