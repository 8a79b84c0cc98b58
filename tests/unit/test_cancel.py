"""Cancellations that reach a worker while its claim is under way, and messages that are none."""

import asyncio
import json

import pytest
from redis.asyncio import ConnectionPool

from gatherq_worker.attempt import Attempt, Claimed, Deadline
from gatherq_worker.control import Control
from gatherq_worker.engine import Engine
from gatherq_worker.handlers import Handler, Handlers
from gatherq_worker.limit import Limit, tightest
from gatherq_worker.policy import Policy
from gatherq_worker.store import Claim


def attempt(job_id):
    batch, slot = job_id.split(":")
    job = {"f": "wait", "a": [], "k": {}, "et": 1, "batch": batch, "slot": int(slot)}
    payload = json.dumps(job).encode()
    return Attempt.read(Claimed(job_id, 1, payload, batch=batch, slot=int(slot)))


class SlowClaim:
    """A store whose claim has been committed, and whose reply is on its way."""

    def __init__(self, *ids):
        self.ids = ids
        self.asked, self.reply = asyncio.Event(), asyncio.Event()

    async def claim(self, n, since, last):
        self.asked.set()
        await self.reply.wait()
        return Claim([attempt(id_) for id_ in self.ids], 1_700_000_000_000, None)


def no_pool():
    return ConnectionPool.from_url("redis://127.0.0.1:1")


class Swallowing:
    """A store whose claim swallows a cancellation, as redis-py's may before Python 3.12."""

    def __init__(self):
        self.asked = asyncio.Event()

    async def claim(self, n, since, last):
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
        handlers=Handlers(handlers),
        policy=Policy(),
        concurrency=5,
        lease=5.0,
    )


async def test_a_cancellation_that_overtakes_the_reply_of_a_claim_is_not_lost():
    async def wait():
        await asyncio.sleep(60)

    engine = engine_of(Handler("wait", wait))
    engine.intake._store = store = SlowClaim("b:0", "b:1", "c:0")
    taking = asyncio.create_task(engine.intake.take(5))
    await store.asked.wait()
    assert not engine.running.cancel("b:1", "me")
    engine.running.cancel_batch("c", "you")
    store.reply.set()
    async with asyncio.timeout(10):
        await taking
        while len(engine.running) > 1:
            await asyncio.sleep(0)
    found = {r.attempt.job_id: json.loads(r.payload)["by"] for r in engine._recorder._records}
    assert found == {"b:1": "me", "c:0": "you"}
    assert not engine.running.cancel("b:1", "me")
    assert engine.running._missed is None
    assert engine.running.cancel("b:0", "me")
    assert not engine.running.cancel("b:0", "twice")
    while engine.running:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"3", b'{"by":"x"}', b'{"jobs":3,"by":"x"}', b'{"batch":"b"}']
)
async def test_a_message_that_is_none_does_nothing(data):
    heard = []
    control = Control(
        no_pool, "q", 5.0, lambda *job: heard.append(job), lambda *batch: heard.append(batch)
    )
    control._heed(data)
    assert heard == []
    control._heed(b'{"batch":"b","by":"x"}')
    control._heed(b'{"jobs":["b:0","b:1"],"by":"x"}')
    assert heard == [("b", "x"), ("b:0", "x"), ("b:1", "x")]


def test_the_tighter_limit_holds_and_says_which_it_is():
    bound = Deadline(10_000, 60.0)
    assert tightest(0.5, bound, 9_000) == Limit(0.5, "execution", 0.5)
    assert tightest(3.0, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 9_000) == Limit(1.0, "batch", 60.0)
    assert tightest(None, bound, 11_000) == Limit(0.0, "batch", 60.0)
