"""Claims that pass over jobs of names that the worker does not know, step by step."""

import statistics

import pytest
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.contract.values import codec
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore, Release
from gatherq.store.queue_position import FRONT, Passing
from gatherq.testing.server import embedded_server

from .steps import LEASE, claim, claim_all, contact, expired

keys = KeySpace()

HOUR = 3_600_000
NAMES = ["new", 'a"b\\', "éclair", "a\nb\x00", "\U0001f600", "n" * 256]


def passing(*names, ms=HOUR, place=FRONT):
    return Passing(codec.encode([codec.encode(name).decode() for name in names]), ms, place)


def jobs_of(batch, *names):
    return [records.encode_job(call(name), batch, n, None) for n, name in enumerate(names)]


class Walk:
    """Claims one after the other, each where the one before came to, until the end of the queue."""

    def __init__(self, store, *names, ms=HOUR, n=4):
        self.store, self.names, self.ms, self.n = store, names or ["new"], ms, n
        self.place, self.claims = FRONT, 0

    async def step(self):
        """Claim once; return the attempts, and whether that was the end."""
        told = passing(*self.names, ms=self.ms, place=self.place)
        found = await self.store.claim(self.n, *await contact(self.store), told)
        self.place = found.position
        self.claims += 1
        assert len(found.jobs) <= self.n
        return found.jobs, len(found.jobs) < self.n and found.next_in != 0

    async def whole(self, most=100):
        """Return the slots that come up to the end."""
        slots, end = [], False
        while not end:
            attempts, end = await self.step()
            slots += [attempt.slot for attempt in attempts]
            assert self.claims < most
        return slots


async def test_known_jobs_behind_a_thousand_unknown_ones_come_in_order(submit, store, batch):
    await submit(1006, jobs=jobs_of(batch, *["new"] * 500, "f", *["new"] * 500, *["f"] * 5))
    walk = Walk(store())
    assert await walk.whole() == [500, *range(1001, 1006)]
    assert walk.claims <= 1006 / 200 + 3
    assert await walk.whole() == []
    assert [a.slot for a in (await claim(store("w2"), 3)).attempts] == [0, 1, 2]


@pytest.mark.parametrize("name", NAMES)
async def test_names_are_told_apart_as_jobs_have_them(redis, submit, store, batch, queue, name):
    like = ["new", "new ", 'a"b', 'a"b\\\\', "eclair", "a\nb", "n" * 255]
    known = [other for other in like if other != name]
    await submit(1 + len(known), jobs=jobs_of(batch, name, *known))
    assert await Walk(store(), name).whole() == list(range(1, 1 + len(known)))
    assert await redis.zcard(queue) == 1 + len(known)


async def test_damaged_and_foreign_jobs_are_not_passed_over(redis, submit, store, batch):
    await submit(8, jobs=jobs_of(batch, *["new"] * 8))
    damaged = [b'{"f":"new', b'{"f":"\\' + b"\\" * 5000, b'{"f": "new","a":[]}', b"", b'{"f":"\\']
    damaged.append(b'{"x":"new","f":"f","a":[]}')
    for slot, data in enumerate(damaged):
        await redis.set(keys.job(f"{batch}:{slot}"), data)
    await redis.delete(keys.job(f"{batch}:6"))
    assert await Walk(store()).whole() == [0, 1, 2, 3, 4, 5, 6]


async def test_a_job_without_a_batch_is_not_passed_over(redis, store, batch, queue):
    id_ = f"alone-{batch}"
    await redis.set(keys.job(id_), b'{"f":"new","a":[],"k":{},"t":null,"et":1}')
    await redis.zadd(queue, {id_: (await store().claim(0, 0, 0)).now})
    jobs, _ = await Walk(store()).step()
    assert [job.job_id for job in jobs] == [id_]


async def test_what_cannot_be_a_job_is_put_away_once_by_who_passes_over_others(
    redis, submit, store, batch, queue
):
    await submit(40, jobs=jobs_of(batch, "new", *["f"] * 39))
    await redis.zadd(queue, {b"\xff": (await store().claim(0, 0, 0)).now})
    found = await store().claim(1, *await contact(store()), passing("new"))
    assert [job.slot for job in found.jobs] == [1]
    assert found.quarantined == [r"\xff"]
    assert await redis.llen(KeySpace(queue).quarantine) == 1


async def test_a_claim_that_passes_over_nothing_tells_no_position(submit, store):
    await submit()
    assert (await claim(store())).position is None


async def test_who_has_passed_over_a_job_of_low_priority_comes_back_for_higher_ones(
    submit, asks, store, batch
):
    low, options = f"{batch}-low", BatchOptions(priority=-1)
    await asks.submit(low, 3, 3600, 0, jobs_of(low, "new", "f", "f"), options=options, life="l")
    walk = Walk(store(), n=1)
    met = (await walk.step())[0]
    await submit(1)
    for _ in range(2):
        met += (await walk.step())[0]
    assert [(job.batch, job.slot) for job in met] == [(low, 1), (batch, 0), (low, 2)]


async def test_who_passes_over_jobs_takes_more_than_a_share(submit, store, batch):
    """The end of its share would be taken for the end of the queue."""
    for name in ("w1", "w2", "w3"):
        await store(name).renew([])
    await submit(8, jobs=jobs_of(batch, "new", "new", *["f"] * 6))
    assert await Walk(store(), n=10).whole() == [2, 3, 4, 5, 6, 7]


async def test_an_early_slot_that_comes_back_late_keeps_none_outside(
    redis, submit, store, batch, queue
):
    """All that is in the queue of its batch has been passed over: more of it comes in."""
    await submit(700, jobs=jobs_of(batch, *["new"] * 699, "f"))
    walk, other = Walk(store()), JobStore(redis, KeySpace(queue), "w2", 60.0)
    await walk.step()
    (first,) = (await claim(other, 1)).attempts
    await other.release([Release(first)])
    assert first.slot == 0
    assert await walk.whole() == [699]


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "all due at once"])
async def test_what_comes_later_is_found_at_once_though_others_took_the_head(
    redis, submit, store, asks, batch, queue, together
):
    await submit(1000, jobs=jobs_of(batch, *["new"] * 1000))
    if together:
        members = await redis.zrange(queue, 0, -1, withscores=True)
        await redis.zadd(queue, {member: members[-1][1] for member, _ in members})
    walk = Walk(store())
    assert await walk.whole() == []
    others = JobStore(redis, KeySpace(queue), "w2", 60.0)  # whose claims hold for the test
    taken = await claim_all(others, 900)
    assert len(taken) == 900
    other = f"{batch}.2"
    await asks.submit(other, 2, 3600, 0, jobs_of(other, "f", "f"), life="l")
    attempts, _ = await walk.step()
    assert [(a.batch, a.slot) for a in attempts] == [(other, 0), (other, 1)]
    await others.release([Release(attempt) for attempt in taken])
    assert await walk.whole() == []


async def test_a_place_that_others_emptied_is_passed_by_the_next_pass(submit, store, batch):
    await submit(700, jobs=jobs_of(batch, *["new"] * 690, *["f"] * 10))
    walk = Walk(store())
    await walk.step()
    taken = [a.slot for a in await claim_all(store("w2"), 600)]
    assert taken == list(range(600))
    found = await walk.whole()
    walk.place = FRONT
    found += await walk.whole()
    assert sorted(found) == list(range(690, 700))


async def test_whoever_passes_over_a_job_wakes_another_worker(
    redis, submit, store, batch, queue, pass_time
):
    await submit(1, jobs=jobs_of(batch, "new"))
    await pass_time(0.1)
    wake = KeySpace(queue).wake
    await redis.delete(wake)  # an idle worker has taken it
    walk = Walk(store())
    assert await walk.whole() == []
    assert await redis.llen(wake) == 1
    await redis.delete(wake)
    assert await walk.whole() == []  # it has met that job, and wakes nobody again
    assert await redis.llen(wake) == 0


async def test_after_its_time_a_job_is_claimed(submit, store, batch, pass_time):
    await submit(3, jobs=jobs_of(batch, *["new"] * 3))
    walk = Walk(store(), ms=100)
    assert await walk.whole() == []
    await pass_time(0.12)
    walk.place = FRONT
    assert await walk.whole() == [0, 1, 2]


async def test_a_lapsed_lease_of_another_is_passed_over_too_and_charged_later(
    redis, submit, store, batch
):
    await submit(2, jobs=jobs_of(batch, "new", "new"))
    first, _ = (await claim(store("w2"))).attempts
    await expired(redis, first)
    assert await Walk(store()).whole() == []
    assert [a.number for a in (await claim(store())).attempts] == [2, 2]


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"deadline": 0.5}, b"timed_out"),
        ({"queue_timeout": 0.5}, b"timed_out"),
        ({"lease": 0.5}, b"cancelled"),
        ({}, b"cancelled"),
    ],
    ids=["deadline", "queue_timeout", "producer lost", "cancelled"],
)
async def test_what_may_not_run_any_more_ends_though_it_is_only_ever_passed_over(
    redis, asks, store, batch, queue, pass_time, terms, status
):
    wait = terms.get("queue_timeout")
    jobs = [records.encode_job(call("new"), batch, n, None, wait) for n in range(300)]
    await asks.submit(batch, 300, 3600, 0, jobs, options=BatchOptions(**terms), life="b")
    walk = Walk(store())
    for _ in range(3):  # before it is time
        walk.place = FRONT
        assert await walk.whole() == []
    assert await redis.xlen(keys.done(batch)) == 0
    if not terms:
        await redis.hset(keys.batch(batch), "cancelled_by", "policy")  # and nobody sweeps
    await pass_time(0.55)
    walk.place = FRONT
    assert await walk.whole() == []
    assert await redis.zcard(queue) == 0
    counts = await redis.hget(keys.batch(batch), status)
    assert int(counts) == 300


async def test_a_given_back_job_keeps_its_queue_timeout(redis, asks, store, batch, pass_time):
    jobs = [records.encode_job(call("new"), batch, 0, None, 0.3)]
    await asks.submit(batch, 1, 3600, 0, jobs, options=BatchOptions(queue_timeout=0.3), life="b")
    (attempt,) = (await claim(store())).attempts
    await store().release([Release(attempt)])
    assert await Walk(store()).whole() == []
    await pass_time(0.32)
    assert await Walk(store()).whole() == []
    assert await redis.hget(keys.batch(batch), "timed_out") == b"1"


@pytest.mark.parametrize(("many", "length"), [(20, 400_000), (190, 30_000)])
async def test_large_jobs_are_passed_over_a_few_at_a_time(submit, store, batch, many, length):
    jobs = [records.encode_job(call("new", "x" * length), batch, n, None) for n in range(many)]
    await submit(many + 1, jobs=[*jobs, records.encode_job(call("f"), batch, many, None)])
    walk = Walk(store())
    assert await walk.whole() == [many]
    assert walk.claims >= 4


async def test_a_claim_that_passes_over_all_that_it_may_takes_little_of_the_server(queue):
    with embedded_server(**{"slowlog-log-slower-than": "0", "slowlog-max-len": "1000"}) as (url, _):
        async with Redis.from_url(url) as redis:
            jobs = jobs_of("b", *["new"] * 2000)
            for first in range(0, 2000, 500):
                await BatchStore(redis, KeySpace(queue)).submit(
                    "b", 2000, 3600, first, jobs[first : first + 500]
                )
            walk = Walk(JobStore(redis, KeySpace(queue), "w1", LEASE))
            await walk.whole()  # the script is known
            await redis.slowlog_reset()
            for _ in range(3):
                walk.place = FRONT
                assert await walk.whole() == []
            told = [e["duration"] for e in await redis.slowlog_get(1000) if _is_step(e)]
    assert len(told) >= 30
    assert statistics.median(told) < 5_000


def _is_step(entry):
    return entry["command"].startswith(b"EVALSHA")


async def test_few_of_a_large_batch_come_in_though_nobody_here_knows_its_jobs(
    redis, submit, store, batch, queue
):
    await submit(5000, jobs=jobs_of(batch, *["new"] * 5000))
    walk = Walk(store())
    for _ in range(40):
        await walk.step()
    assert 2000 <= await redis.zcard(queue) <= 2200
