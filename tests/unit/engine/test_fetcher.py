"""The fetcher, over a store whose claims are the test's to answer."""

import asyncio
import json
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest

from gatherq.contract.job_definition import JobDefinition
from gatherq.store.cancellation_channel import CancellationHint
from gatherq.store.claims import ClaimedJob
from gatherq.store.jobs import ClaimReply, Look
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.cancellations import CancellationListener
from gatherq_worker.engine.fetcher import Fetcher, Wait
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.places.parking import Parking
from gatherq_worker.engine.unknown_jobs import UnknownJobs
from gatherq_worker.registry import Handler

from .parts import Parts, claimed

NOW = 1_700_000_000_000


async def wait():
    await asyncio.sleep(60)


class SlowClaim:
    """A store whose claim has been committed, and whose reply is on its way."""

    def __init__(self, *ids):
        self.ids = ids
        self.asked, self.reply = asyncio.Event(), asyncio.Event()

    async def tend_lanes(self, lanes):
        pass

    async def claim(self, n, since, last, passing, lanes):
        self.asked.set()
        await self.reply.wait()
        return ClaimReply([claimed(id_) for id_ in self.ids], NOW, None)


class Swallowing:
    """A store whose claim swallows a cancellation, as redis-py's may before Python 3.12."""

    def __init__(self):
        self.asked = asyncio.Event()

    async def claim(self, n, since, last, passing, lanes):
        self.asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return ClaimReply([], NOW, None)

    async def wait(self, timeout, punctual):
        await asyncio.sleep(0)
        return True

    async def tend_lanes(self, lanes):
        pass


class World(Parts):
    def __init__(self, store, *handlers, aborts=None, **options):
        super().__init__(handlers, EngineOptions(concurrency=5, **options))
        self.looked = []
        self.cancellations = CancellationListener(
            None, self.attempts, lambda: self.looked.append(self.attempts.claim_count), 5.0
        )
        self.unknown = UnknownJobs(self.registry, self.options.unknown_for)
        self.fetcher = Fetcher(
            store,
            self.executor,
            self.places,
            self.recorder,
            self.clock,
            self.options,
            self.unknown,
            self.cancellations,
            Parking(store, self.attempts, self.recorder, self.places, self.registry),
            aborts,
        )

    async def end(self):
        for task in self.attempts.tasks.values():
            task.cancel()
        while self.attempts.task_count:
            await asyncio.sleep(0)


async def test_a_worker_stops_though_its_cancellation_was_swallowed():
    store = Swallowing()
    fetching = asyncio.create_task(World(store).fetcher.run(burst=False, at_most=-1))
    await store.asked.wait()
    fetching.cancel()
    await asyncio.wait([fetching], timeout=10)
    assert fetching.cancelled()


async def test_a_hint_that_overtakes_the_reply_of_a_claim_is_looked_up_after_it():
    store = SlowClaim("b:0", "b:1", "c:0")
    world = World(store, Handler(JobDefinition("wait"), wait))
    attempts = world.attempts
    fetching = asyncio.create_task(world.fetcher.fetch(5))
    await store.asked.wait()
    world.cancellations.heed(CancellationHint("c", frozenset()))
    assert world.looked == []  # it is not known yet what the claim brings
    store.reply.set()
    async with asyncio.timeout(10):
        await fetching
    assert world.looked == [3]
    held = attempts.claimed("b:1")
    assert attempts.cancel(held, "me")
    assert not attempts.cancel(held, "twice")
    assert not attempts.cancel(Attempt.read(claimed("b:1")), "another life")
    while attempts.task_count > 2:
        await asyncio.sleep(0)
    records, _ = world.recorder.waiting()
    assert {r.attempt.job_id: json.loads(r.payload)["by"] for r in records} == {"b:1": "me"}
    await world.end()


async def test_what_is_to_be_aborted_never_begins():
    async def requested(job_ids):
        return {"b:1"}

    store = SlowClaim("b:0", "b:1")
    store.reply.set()
    aborts = SimpleNamespace(requested=requested)
    world = World(store, Handler(JobDefinition("wait"), wait), aborts=aborts)
    assert await world.fetcher.fetch(5) == Wait(2.0, punctual=False)
    await asyncio.sleep(0)
    states = [attempt.state for attempt in world.attempts.claims()]
    assert states == [State.RUNNING, State.RECORDING]
    (record,), _ = world.recorder.waiting()
    assert (record.status, json.loads(record.payload)["by"]) == ("cancelled", "producer")
    await world.end()


async def test_what_was_lost_while_aborts_were_asked_for_is_not_started():
    async def requested(job_ids):
        world.attempts.lose([world.attempts.claimed("b:0")])
        return set()

    store = SlowClaim("b:0", "b:1")
    store.reply.set()
    world = World(
        store, Handler(JobDefinition("wait"), wait), aborts=SimpleNamespace(requested=requested)
    )
    await world.fetcher.fetch(5)
    assert list(world.attempts.tasks) == ["b:1"]
    await world.end()


async def test_a_job_of_an_unknown_name_is_left_to_others_for_a_while():
    store = SlowClaim("b:0")
    store.reply.set()
    world = World(store, unknown_for=1e12)
    await world.fetcher.fetch(5)
    records, (release,) = world.recorder.waiting()
    assert (records, release.attempt.state, release.charge) == ([], State.RELEASING, False)
    assert world.attempts.task_count == 0


async def test_no_more_is_claimed_than_there_is_room_for():
    asked = []

    class Store:
        async def tend_lanes(self, lanes):
            pass

        async def claim(self, n, since, last, passing, lanes):
            asked.append(n)
            return ClaimReply([claimed(f"b:{len(asked)}{i}") for i in range(n)], NOW, None)

    world = World(Store(), Handler(JobDefinition("wait"), wait))
    fetching = asyncio.create_task(world.fetcher.run(burst=False, at_most=-1))
    async with asyncio.timeout(10):
        while world.attempts.task_count < 5:
            await asyncio.sleep(0)
    assert asked == [3, 2]
    fetching.cancel()
    await world.end()


@pytest.mark.parametrize("error", [ConnectionError("away"), asyncio.CancelledError()])
async def test_where_parking_fails_what_may_begin_begins_and_the_rest_is_given_back(error):
    class Store(SlowClaim):
        async def park(self, admissions):
            assert [each.lane or each.gate.name for each in admissions] == ["job-alone", "gated"]
            raise error

    world = World(
        store := Store(),
        Handler(JobDefinition("wait"), wait),
        Handler(JobDefinition("alone", concurrency=1), wait),
        Handler(JobDefinition("gated", max_at_once=1), wait),
    )
    store.reply.set()
    names = ("alone", "wait", "alone", "gated")
    jobs = [claimed(f"b:{slot}", name) for slot, name in enumerate(names)]
    store.claim = AsyncMock(return_value=ClaimReply(jobs, NOW, None))
    with pytest.raises(type(error)):
        await world.fetcher.fetch(5)
    assert sorted(world.attempts.tasks) == ["b:0", "b:1"]
    _, releases = world.recorder.waiting()
    assert [(r.attempt.job_id, r.attempt.state, r.charge) for r in releases] == [
        ("b:2", State.RELEASING, False),
        ("b:3", State.RELEASING, False),
    ]
    await world.end()


@pytest.mark.parametrize(
    ("jobs", "next_in", "options", "wanted"),
    [
        ([], None, {}, Wait(2.0, punctual=False)),
        # A server may be silent for no longer than a lease.
        ([], None, {"lease": 1.0}, Wait(0.4)),
        ([], None, {"look_again": 0.5}, Wait(0.5, punctual=False)),
        ([], 1_500, {}, Wait(1.5, due=True)),
        ([], 60_000, {}, Wait(2.0, punctual=False)),
        ([], 0, {}, Wait(0.001, due=True)),
        # One that nobody announced: others may follow.
        ([ClaimedJob("plain", 1, b"{}")], None, {}, Wait(0.02)),
        ([ClaimedJob("plain", 1, b"{}")], 1_500, {}, Wait(0.02)),
        (["b:0"], None, {}, Wait(2.0, punctual=False)),
        # There was room for no more.
        ([f"b:{slot}" for slot in range(5)], None, {}, None),
    ],
)
async def test_how_long_a_worker_waits_to_be_woken(jobs, next_in, options, wanted):
    world = World(store := SlowClaim(), Handler(JobDefinition("wait"), wait), **options)
    found = [claimed(job) if isinstance(job, str) else job for job in jobs]
    store.claim = AsyncMock(return_value=ClaimReply(found, NOW, next_in))
    assert await world.fetcher.fetch(5) == wanted
    await world.end()


@pytest.mark.parametrize(("admitted", "wanted"), [(False, None), (True, Wait(2.0, False))])
async def test_a_worker_that_parked_a_job_asks_at_once_how_long_that_may_wait(admitted, wanted):
    world = World(store := SlowClaim("b:0"), Handler(JobDefinition("wait", max_at_once=1), wait))
    store.reply.set()
    store.park = AsyncMock(return_value=[admitted])
    assert await world.fetcher.fetch(5) == wanted
    await world.end()


class Quiet:
    """A store that has nothing, and that nobody wakes; it keeps what it was asked."""

    def __init__(self, *looks, woken=()):
        self.looks, self.woken = list(looks), list(woken)
        self.asked = []

    async def tend_lanes(self, lanes):
        pass

    async def claim(self, n, since, last, passing, lanes):
        self.asked.append("claim")
        return ClaimReply([], NOW, None)

    async def look(self):
        self.asked.append("look")
        return Look(NOW + 1, self.looks.pop(0))

    async def find_claims(self, *, jobs):
        return NOW, []

    async def wait(self, timeout, lanes=None, *, punctual):
        await asyncio.sleep(0)
        if not self.woken:
            raise asyncio.CancelledError
        return self.woken.pop(0)


async def looks_of(store, *handlers, **options):
    world = World(store, *handlers, **options)
    with pytest.raises(asyncio.CancelledError):
        await world.fetcher.run(burst=False, at_most=-1)
    # A look tells the time, too.
    assert world.clock.last == (NOW + 1 if "look" in store.asked else NOW)
    return store.asked


async def test_a_worker_that_nobody_wakes_looks_and_does_not_claim():
    store = Quiet(None, 60_000, woken=[False, False])
    assert await looks_of(store) == ["claim", "look", "look"]


async def test_it_claims_what_a_look_finds_and_what_it_is_woken_for():
    store = Quiet(0, None, woken=[False, False, True])
    assert await looks_of(store) == ["claim", "look", "claim", "look", "claim"]


async def test_it_claims_a_job_that_is_due_by_then():
    store = Quiet(1, woken=[False, False])
    assert await looks_of(store) == ["claim", "look", "claim"]


async def test_a_worker_with_lanes_claims():
    async def narrow():
        pass

    store = Quiet(woken=[False])
    handler = Handler(JobDefinition("narrow", isolation="thread"), narrow)
    assert await looks_of(store, handler) == ["claim", "claim"]


async def test_a_worker_that_passes_over_names_claims():
    store = Quiet(woken=[False])
    world = World(store, unknown_for=60.0)
    world.unknown.delay(Attempt.read(claimed("b:0")), NOW)
    with pytest.raises(asyncio.CancelledError):
        await world.fetcher.run(burst=False, at_most=-1)
    assert store.asked == ["claim", "claim"]


async def test_a_worker_that_has_lost_a_reply_claims():
    store = Quiet(woken=[False, False])
    refused = iter([ConnectionError("away")])

    async def claim(*args):
        store.asked.append("claim")
        for error in refused:
            raise error
        return ClaimReply([], NOW, None)

    store.claim = claim
    assert await looks_of(store) == ["claim", "claim", "claim", "claim"]
