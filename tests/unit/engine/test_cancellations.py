"""Cancellations that reach a worker while its claim is under way, and messages that are none."""

import asyncio
import json

import pytest
from redis.asyncio import ConnectionPool

from gatherq.store.jobs import Claim
from gatherq_worker.attempt import Attempt, Claimed, Deadline
from gatherq_worker.engine.cancellations import CancellationListener
from gatherq_worker.engine.conclusion.deadlines import Limit, tightest
from gatherq_worker.engine.engine import Engine
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.registry import Handler, Registry


def claimed(job_id):
    batch, slot = job_id.split(":")
    job = {"f": "wait", "a": [], "k": {}, "et": 1, "batch": batch, "slot": int(slot)}
    payload = json.dumps(job).encode()
    return Claimed(job_id, 1, payload, batch=batch, slot=int(slot))


class SlowClaim:
    """A store whose claim has been committed, and whose reply is on its way."""

    def __init__(self, *ids):
        self.ids = ids
        self.asked, self.reply = asyncio.Event(), asyncio.Event()

    async def claim(self, n, since, last, passing):
        self.asked.set()
        await self.reply.wait()
        return Claim([claimed(id_) for id_ in self.ids], 1_700_000_000_000, None)


def no_pool():
    return ConnectionPool.from_url("redis://127.0.0.1:1")


class Swallowing:
    """A store whose claim swallows a cancellation, as redis-py's may before Python 3.12."""

    def __init__(self):
        self.asked = asyncio.Event()

    async def claim(self, n, since, last, passing):
        self.asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return Claim([], 1_700_000_000_000, None)

    async def wait(self, timeout):
        await asyncio.sleep(0)


async def test_a_worker_stops_though_its_cancellation_was_swallowed():
    engine = engine_of()
    engine.intake._store = store = Swallowing()
    taking = asyncio.create_task(engine.intake.run(burst=False, at_most=-1))
    await store.asked.wait()
    taking.cancel()
    await asyncio.wait([taking], timeout=10)
    assert taking.cancelled()


def engine_of(*handlers):
    return Engine(
        make_pool=no_pool,
        worker="w",
        queue="q",
        handlers=Registry(handlers),
        policy=EngineOptions(),
        concurrency=5,
        lease=5.0,
    )


async def test_a_hint_that_overtakes_the_reply_of_a_claim_is_looked_up_after_it(monkeypatch):
    async def wait():
        await asyncio.sleep(60)

    engine = engine_of(Handler("wait", wait))
    engine.intake._store = store = SlowClaim("b:0", "b:1", "c:0")
    looked = []
    monkeypatch.setattr(engine._heartbeat, "renew_soon", lambda: looked.append(len(engine._held)))
    taking = asyncio.create_task(engine.intake.take(5))
    await store.asked.wait()
    assert not engine._concerns("c", frozenset())  # it is not known yet what the claim brings
    store.reply.set()
    async with asyncio.timeout(10):
        await taking
    assert looked == [3]
    held = engine._held.by_id
    assert engine.running.cancel(held["b:1"], "me")
    assert not engine.running.cancel(held["b:1"], "twice")
    assert not engine.running.cancel(Attempt.read(claimed("b:1")), "another life")
    while len(engine.running) > 2:
        await asyncio.sleep(0)
    found = {r.attempt.job_id: json.loads(r.payload)["by"] for r in engine._recorder._records}
    assert found == {"b:1": "me"}
    for each in list(engine.running.tasks.values()):
        each.cancel()
    while engine.running:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xff", b"[]", b"3", b'{"by":"x"}', b'{"jobs":3,"by":"x"}', b'{"batch":["b"]}'),
        *(b'{"batch":null,"by":"n"}', b'{"jobs":[null,3,["b:0"]]}', b"[" * 100_000, 3, None),
        b'{"batch":"b","x":"' + b"x" * 300_000 + b'"}',
    ],
)
async def test_a_message_is_a_hint_and_nothing_else(data):
    looked, held = [], {"b:0", "x"}

    def concerns(batch, jobs):
        return batch == "b" or not held.isdisjoint(jobs)

    control = CancellationListener(no_pool, "q", 5.0, concerns, lambda: looked.append(True))
    control._heed(data)
    assert looked == []
    for real in (b'{"batch":"b"}', b'{"jobs":["b:0","b:1"],"by":"x"}', b'{"jobs":["x",null]}'):
        control._heed(real)
    assert len(looked) == 3
    control._heed(b'{"batch":"a","by":"x"}')
    control._heed(b'{"jobs":["a:0"],"by":"x"}')
    assert len(looked) == 3


def test_the_tighter_limit_holds_and_says_which_it_is():
    bound = Deadline(10_000, 60.0)
    assert tightest(0.5, bound, 9_000) == Limit(0.5, "execution", 0.5)
    assert tightest(3.0, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 11_000) == Limit(0.0, "batch", 60.0)
