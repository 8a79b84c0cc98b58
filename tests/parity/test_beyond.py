"""What asyncio has no word for: on the pool only."""

import asyncio
from contextlib import aclosing

import pytest

from gatherq import Cancelled, GatherqError, Producer, Succeeded
from gatherq.errors import BatchNotFound, InvalidCall
from gatherq.store.batches import BatchStore

from .jobs import echo, fail, failing_cleanup, held
from .scenario import LIMIT
from .worlds import world


@pytest.fixture
async def w(pool):
    async with asyncio.timeout(LIMIT), world("pool") as w:
        yield w


def batches(handles):
    return {handle.id.rpartition(":")[0] for handle in handles}


async def test_a_handle_knows_its_outcome(w):
    handle = await w.producer.submit_one(w.call(echo, 1))
    outcome = await handle.outcome()
    assert isinstance(outcome, Succeeded)
    assert (outcome.value, outcome.job_id) == (1, handle.id)
    failed = await w.producer.submit_one(w.call(fail, "no"))
    assert (await failed.outcome()).error.message == "no"


async def test_waiting_for_an_outcome_cancels_nothing(w):
    handle = await w.producer.submit_one(w.call(held, "a", 1))
    waiting = asyncio.create_task(handle.outcome())
    await w.seen("start a")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not handle.done()
    await w.open("a")
    assert await handle == 1


async def test_a_cancelled_handle_says_who_did_it(w):
    handle = await w.producer.submit_one(w.call(held, "a"))
    await w.seen("start a")
    handle.cancel()
    outcome = await handle.outcome()
    assert isinstance(outcome, Cancelled)
    assert outcome.by == "producer"
    with pytest.raises(asyncio.CancelledError, match="was cancelled by its producer"):
        await handle


async def test_asked_again_it_keeps_the_first_message_and_sends_nothing(w, monkeypatch):
    handle = await w.producer.submit_one(w.call(held, "a"))
    await w.seen("start a")
    sent, cancel = [], BatchStore.cancel

    async def counted(*args):
        sent.append(args)
        return await cancel(*args)

    monkeypatch.setattr(BatchStore, "cancel", counted)
    for n in range(100):
        assert handle.cancel(n) is not handle.done()  # it may end meanwhile
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError) as caught:
        await handle
    assert caught.value.args == (0,)
    assert len(sent) == 1


async def test_a_clean_up_that_fails_is_a_cancellation_all_the_same(w):
    handle = await w.producer.submit_one(w.call(failing_cleanup, "a"))
    await w.seen("start a")
    handle.cancel()
    assert isinstance(await handle.outcome(), Cancelled)


async def test_done_begins_to_watch(w):
    handle = await w.producer.submit_one(w.call(echo, 1))
    while not handle.done():
        await asyncio.sleep(0.001)
    assert handle.result() == 1


async def test_what_is_submitted_in_one_turn_is_one_batch(w):
    handles = await asyncio.gather(*(w.producer.submit_one(w.call(echo, n)) for n in range(50)))
    assert len(batches(handles)) == 1
    assert await asyncio.gather(*handles) == list(range(50))


async def test_a_group_submits_a_turn_as_one_batch(w):
    async with w.producer.task_group() as group:
        handles = [group.create_task(w.call(echo, n)) for n in range(50)]
        with pytest.raises(asyncio.InvalidStateError, match="not submitted yet"):
            handles[0].id  # noqa: B018
    assert len(batches(handles)) == 1


async def test_a_bad_call_spoils_no_other(w):
    good = asyncio.create_task(w.producer.submit_one(w.call(echo, 1)))
    bad = asyncio.create_task(w.producer.submit_one(w.call(echo, object())))
    with pytest.raises(InvalidCall, match="object"):
        await bad
    assert await (await good) == 1


async def test_a_bad_call_in_a_group_is_refused_at_once(w):
    async with w.producer.task_group() as group:
        good = group.create_task(w.call(echo, 1))
        with pytest.raises(InvalidCall, match="object"):
            group.create_task(w.call(echo, object()))
    assert good.result() == 1


async def test_handles_share_one_blocked_connection(w):
    names = [f"n{n}" for n in range(100)]
    handles = []
    for name in names[:20]:
        handles.append(await w.producer.submit_one(w.call(held, name, name)))
    waiting = [asyncio.create_task(handle.outcome()) for handle in handles]
    await w.seen(*(f"start {name}" for name in names[:20]))
    assert len(batches(handles)) == 20
    pool = w.producer.redis.connection_pool
    assert len(pool._in_use_connections) == 1
    await w.open(*names[:20])
    assert [(await each).value for each in waiting] == names[:20]


async def test_a_batch_that_is_joined_late_is_read_at_once(w):
    """The watcher is blocked on another batch: it is told of the new one."""
    first = await w.producer.submit_one(w.call(held, "a"))
    waiting = asyncio.create_task(first.outcome())
    await w.seen("start a")
    for _ in range(20):
        async with asyncio.timeout(0.9):  # without being told, the watcher looks once a second
            await w.producer.gather(w.call(echo, 1))
    await w.open("a")
    await waiting


async def test_any_number_reads_the_same_from_anywhere(w):
    batch = await w.producer.submit([w.call(held, name, name) for name in "ab"])
    async with Producer() as other:
        again = await other.batch(batch.id)
        readers = [batch.outcomes(), batch.outcomes(), again.outcomes()]
        readings = [asyncio.create_task(reader) for reader in readers]
        await w.seen("start a", "start b")
        await w.open("b", "a")
        found = [await reading for reading in readings]
        assert found[0] == found[1] == found[2] == await again.outcomes()
        assert await again.handles()[1] == "b"


async def test_a_detached_batch_goes_on(w):
    batch = await w.producer.submit([w.call(held, "a", 1), w.call(held, "b", 2)])
    first, second = batch.handles()
    await batch.detach()
    await w.seen("start a", "start b")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(first, 0.05)
    assert first.cancelled()
    await w.open("a")
    assert (await first.outcome()).value == 1  # the job was not
    assert await batch.cancel(1) == 1
    assert isinstance(await second.outcome(), Cancelled)


async def test_what_is_cancelled_is_cancelled_before_the_producer_closes(w):
    async with Producer() as other:
        handle = await other.submit_one(w.call(held, "a"))
        await w.seen("start a")
        handle.cancel()
    await w.seen("cancelled a")


async def test_who_waits_on_a_producer_that_closes_is_told(w):
    async with Producer() as other:
        handle = await other.submit_one(w.call(held, "a", 1))
        reading = asyncio.create_task((await other.batch(handle.id[:-2])).outcomes())
        waiting = asyncio.create_task(handle.outcome())
        await w.seen("start a")
    for each in (reading, waiting):
        with pytest.raises(GatherqError, match="this producer is closed"):
            await each
    await w.open("a")
    (outcome,) = await (await w.producer.batch(handle.id[:-2])).outcomes()
    assert outcome.value == 1


async def test_waiting_for_a_batch_that_goes_ends(w):
    handle = await w.producer.submit_one(w.call(held, "a"))
    await w.seen("start a")
    waiting = asyncio.create_task(handle.outcome())
    await (await w.producer.batch(handle.id[:-2])).delete()
    with pytest.raises(BatchNotFound, match="no longer in Redis"):
        await waiting


async def test_submit_cancelled_half_way_cancels_what_it_wrote(w, monkeypatch):
    await _cut(w, monkeypatch, None)
    await w.open("a")
    await w.gather(w.call(echo, 1))
    assert "end a" not in await w.log()


async def test_a_named_submit_cancelled_half_way_can_go_on(w, monkeypatch):
    name = f"named-{w.name}"
    calls = await _cut(w, monkeypatch, name)
    await w.open("a")
    batch = await w.producer.submit(calls, batch_id=name)
    assert {outcome.status for outcome in await batch.outcomes()} == {"succeeded"}


async def _cut(w, monkeypatch, batch_id):
    """Cancel a submission between its first write and its second."""
    calls = [w.call(held, "a")] + [w.call(echo, n) for n in range(500)]
    writes, submit = [], BatchStore.submit

    async def counted(*args, **options):
        writes.append(args)
        found = await submit(*args, **options)
        if len(writes) == 1:
            submitting.cancel()
        return found

    monkeypatch.setattr(BatchStore, "submit", counted)
    submitting = asyncio.create_task(w.producer.submit(calls, batch_id=batch_id))
    with pytest.raises(asyncio.CancelledError):
        await submitting
    assert len(writes) == 1
    monkeypatch.undo()
    return calls


class Counting:
    """Endless input that counts what is taken, and how much is ahead of the reader."""

    def __init__(self, stop=None):
        self.taken = self.read = self.most = 0
        self.stop = stop

    def __iter__(self):
        while self.stop is None or self.taken < self.stop:
            self.taken += 1
            self.most = max(self.most, self.taken - self.read)
            yield self.taken - 1


def echoed(w):
    return lambda item: w.call(echo, item)


async def test_map_keeps_the_order_and_the_window(w):
    items = Counting(stop=500)
    found, ids = [], set()
    async for outcome in w.producer.map(echoed(w), items, window=50):
        items.read += 1
        found.append((outcome.slot, outcome.unwrap()))
        ids.add(outcome.job_id.rpartition(":")[0])
    assert found == [(n, n) for n in range(500)]
    assert items.most == 50
    assert len(ids) < 250  # a batch a job would be 500


async def test_map_as_completed(w):
    mapped = w.producer.map(lambda name: w.call(held, name, name), "abc", ordered=False)
    await_first = asyncio.create_task(anext(mapped))
    await w.seen("start a", "start b", "start c")
    found = []
    for name in "cab":
        await w.open(name)
        outcome = await (await_first if name == "c" else anext(mapped))
        found.append((outcome.slot, outcome.value))
    assert found == [(2, "c"), (0, "a"), (1, "b")]
    with pytest.raises(StopAsyncIteration):
        await anext(mapped)


async def test_map_takes_asynchronous_input_and_waits_for_it(w):
    async def items():
        yield 1
        await more.wait()
        yield 2

    more = asyncio.Event()
    mapped = w.producer.map(echoed(w), items())
    assert (await anext(mapped)).value == 1
    more.set()
    assert [outcome.value async for outcome in mapped] == [2]


async def test_map_of_nothing(w):
    assert [outcome async for outcome in w.producer.map(echoed(w), [])] == []


async def test_map_by_name_and_by_job(w):
    place = f"pool/{w.name}"
    for what in ("echo", echo):
        found = [outcome.value async for outcome in w.producer.map(what, [place] * 3)]
        assert found == [None] * 3
    with pytest.raises(InvalidCall, match="map takes a job"):
        w.producer.map(7, [1])
    with pytest.raises(InvalidCall, match="window must be"):
        w.producer.map("echo", [], window=0)


async def test_map_goes_on_after_a_failure(w):
    mapped = w.producer.map(lambda n: w.call(fail, "no") if n == 1 else w.call(echo, n), range(3))
    assert [outcome.status async for outcome in mapped] == ["succeeded", "failed", "succeeded"]


async def test_maps_input_may_fail_after_what_came_before(w):
    def items():
        yield 1
        yield 2
        raise KeyError("input")

    found = []
    with pytest.raises(KeyError, match="input"):
        async for outcome in w.producer.map(echoed(w), items()):
            found.append(outcome.value)
    assert found == [1, 2]


async def test_leaving_map_cancels_the_rest(w):
    calls = {0: w.call(echo, 0)}
    mapped = w.producer.map(lambda n: calls.get(n) or w.call(held, f"n{n}"), Counting(), window=5)
    async with aclosing(mapped) as outcomes:
        assert (await anext(outcomes)).value == 0
        await w.seen(*(f"start n{n}" for n in range(1, 5)))
    await w.seen(*(f"cancelled n{n}" for n in range(1, 5)))


async def test_breaking_out_of_map_cancels_the_rest(w):
    calls = {0: w.call(echo, 0)}
    async for outcome in w.producer.map(
        lambda n: calls.get(n) or w.call(held, f"n{n}"), Counting(), window=5
    ):
        assert outcome.value == 0
        await w.seen(*(f"start n{n}" for n in range(1, 5)))
        break
    await w.seen(*(f"cancelled n{n}" for n in range(1, 5)))


async def test_cancelling_who_reads_map_cancels_the_rest(w):
    async def read():
        async for _ in w.producer.map(lambda name: w.call(held, name), "abc"):
            pass

    reading = asyncio.create_task(read())
    await w.seen("start a", "start b", "start c")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await w.seen("cancelled a", "cancelled b", "cancelled c")


async def test_map_keeps_its_window_full(w):
    """One slow job in front holds back the order, and no other job of the window."""
    mapped = w.producer.map(lambda n: w.call(held, f"n{n}", n), Counting(), window=4)
    reading = asyncio.create_task(anext(mapped))
    await w.seen(*(f"start n{n}" for n in range(4)))
    await w.open("n0")
    assert (await reading).value == 0
    reading = asyncio.create_task(anext(mapped))
    await w.seen("start n4")
    await w.open("n1")
    assert (await reading).value == 1
    await mapped.aclose()


def test_a_synchronous_caller_runs_a_loop(pool):
    async def work():
        async with world("pool") as w:
            return await w.gather(w.call(echo, 1), w.call(echo, 2))

    with asyncio.Runner() as runner:
        assert list(runner.run(work())) == [1, 2]
    assert list(asyncio.run(work())) == [1, 2]


async def test_one_gather_takes_two_round_trips(w):
    """Submit, read the completions with their results: nothing is left that must be woken."""
    await w.gather(w.call(echo, 0))
    asked, execute = [], w.producer.redis.execute_command

    async def counted(*args, **options):
        asked.append(args[0])
        return await execute(*args, **options)

    w.producer.redis.execute_command = counted
    for n in range(10):
        assert list(await w.gather(w.call(echo, n))) == [n]
    assert asked == ["EVALSHA", "XREAD"] * 10
