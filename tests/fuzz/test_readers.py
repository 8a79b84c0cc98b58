"""Whatever a live worker, a collector and those who look read: nothing ends, and nobody is harmed.

Runs print how many malformed values there were. `GATHERQ_SEED` begins with that seed.
"""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from gatherq import GatherqError
from tests.seeds import EXAMPLES, SEED

from . import junk
from .live import SOON, again, gated, living, long, short, threaded
from .malformed import Malformed
from .replies import Replies

#: Values that are damaged at a time.
AT_ONCE = 10
#: Whose replies are damaged: what a worker asks, and what a producer asks.
OF_WORKERS = ["job/claim_jobs", "job/record_outcomes", "job/renew_claims", "job/release_claims"]
OF_WORKERS += ["job/park_claims", "job/tend_lanes", "job/find_claims", "worker/announce_worker"]
OF_WORKERS += ["BLPOP", "ZMSCORE", "hint"]
OF_PRODUCERS = ["batch/submit", "batch/sweep", "batch/mend", "batch/extend", "batch/cancel"]
OF_PRODUCERS += ["batch/redrive", "batch/delete", "batch/renew_producer_lease"]
OF_PRODUCERS += ["MGET", "HMGET", "XREAD", "EXISTS", "TIME", "ZREVRANGE", "HGET", "GETRANGE"]
#: Lines of a log that a value may be worth, and those that are always due.
LINES, DUE = 4, 20


@pytest.fixture
async def live(server_url, monkeypatch):
    async with living(server_url.replace("/0", "/6"), monkeypatch) as live:
        yield live


async def test_whatever_stands_in_redis_a_live_worker_and_a_collector_go_on(live, capsys):
    values = 0
    for seed in range(SEED, SEED + max(EXAMPLES // AT_ONCE, 25)):
        r = Random(seed)
        calls = [short.call(n) for n in range(3)]
        calls += [long.call(0.01), again.call(1), threaded.call(1), threaded.call(2), gated.call(1)]
        r.shuffle(calls)
        bad = await live.submit(calls, "bad", max_at_once=r.choice([None, None, 2]))
        good = await live.submit([short.call(n) for n in range(3)], "good")
        malformed = [Malformed.draw(r, live, bad.id, len(calls)) for _ in range(AT_ONCE)]
        try:
            for each in malformed:
                await each.put(live.redis)
            values += len(malformed)
            await live.check_succeeds(good)
            await live.check_healthy()
            await live.read(bad)
            if seed % 10 == 0:
                await live.inspect(bad.id)
                await live.look(r, bad.id)
            lines = live.lines.take()
            assert sum(lines.values()) <= LINES * AT_ONCE + DUE, lines
            if seed % 10 == 0:
                await live.rest()
                await live.check_listens()
                await live.find_nudge()
        except BaseException as error:
            said = "\n".join(map(repr, malformed))
            raise AssertionError(f"seed {seed} fails with:\n{said}\n{error!r}") from error
    with capsys.disabled():
        print(f" {values} malformed values, seed {SEED}")


@pytest.mark.parametrize("kind", ["none", "string", "list", "hash", "set", "stream"])
async def test_a_queue_that_another_program_has_overwritten_comes_back(live, kind):
    """What waits in it is put back by who waits for it, and nobody is charged."""
    values = {"string": b"x", "list": [b"x"], "set": [b"x"], "none": None}
    calls = [long.call(0.05), *(threaded.call(n) for n in range(20))]
    good = await live.submit(calls, "good")
    await junk.put(live.redis, live.keys.queue, kind, values.get(kind, {b"x": b"y"}))
    await live.check_healthy()
    await live.check_succeeds(good)


async def test_whatever_redis_replies_a_live_worker_and_a_producer_go_on(live, capsys, monkeypatch):
    replies = Replies()
    with replies.between(monkeypatch):
        for seed in range(SEED, SEED + max(EXAMPLES // 40, 25)):
            r = Random(seed)
            name = r.choice(OF_WORKERS + OF_PRODUCERS)
            try:
                await hit(live, replies, name, r)
                replies.disarm()
                await live.check_healthy()
                await live.check_listens()
                lines = live.lines.take()
                assert sum(lines.values()) <= DUE, lines
            except BaseException as error:
                raise AssertionError(f"seed {seed} fails: {replies.last}\n{error!r}") from error
    with capsys.disabled():
        print(f" {replies.count} malformed replies, seed {SEED}")


async def hit(live, replies, name, r):
    """Damage one reply to a step or command, while a batch runs that asks for it."""
    calls = [short.call(1), again.call(2), threaded.call(3), threaded.call(4)]
    calls += [gated.call(5), gated.call(6), long.call(0.1)]
    replies.arm(name, r)
    try:
        batch = await live.submit(calls, "hit", lease=0.5)
    except GatherqError:
        return
    async with asyncio.timeout(SOON):
        for work in (batch.counts, batch.outcomes, lambda: batch.keep(100), batch.cancel):
            with suppress(GatherqError):
                await work()
        if name != "batch/redrive":
            replies.disarm()
        with suppress(GatherqError):
            await batch.redrive()
        if name != "batch/delete":
            replies.disarm()
        with suppress(GatherqError):
            assert len(await batch.outcomes()) == len(calls)
            await batch.delete()
