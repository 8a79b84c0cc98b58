"""Whatever workers, producers and collectors do: limits hold, and no slot is forgotten."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gatherq.store.jobs import Gate

from .limits_world import LANES, WORKERS, LimitsWorld, Terms

EXAMPLES = int(os.environ.get("GATHERQ_FUZZ", "250"))
GATES = {"a": Gate("a", most=1), "b": Gate("b", most=3), "c": Gate("c", most=2)}

n = st.integers(0, 400)
few = st.integers(1, 12)
worker = st.integers(0, len(WORKERS) - 1)
levels = st.sampled_from([0, 0, 0, 0, 1, 5, -1, -9])
LOSSES = ["entry", "entry", "queue", "again", "token", "data"]
LOSSES += ["lane", "holders", "waiting", "gates", "gate", "lanes"]


@st.composite
def terms(draw):
    """What a batch is submitted with."""
    size = draw(
        st.one_of(
            st.integers(1, 12),
            st.integers(1, 12),
            st.integers(1, 60),
            st.sampled_from([200, 201, 450]),
        )
    )
    large = size > 60
    most = draw(st.one_of(st.none(), st.integers(30 if large else 1, 300 if large else 5)))
    own = {}
    for slot in draw(st.lists(st.integers(0, size - 1), max_size=3)):
        delay = draw(st.sampled_from([None, 50.0])) if most is None else None
        level = draw(st.one_of(st.none(), levels))
        if level is not None or delay is not None:
            own[slot] = (level, delay)
    return Terms(
        size=size,
        max_at_once=most,
        priority=draw(levels),
        delay=draw(st.sampled_from([0.0, 0.0, 0.0, 50.0])),
        tolerate=draw(st.sampled_from([None, None, 0, 2])),
        deadline=draw(st.sampled_from([None, None, None, 100.0])),
        own=own,
        gate="" if large else draw(st.sampled_from(["", "", "a", "b", "c", "mixed"])),
        queue=draw(st.sampled_from([0, 0, 0, 1])),
        chunk=draw(st.sampled_from([400, 400, 100, 7])) if size < 100 else 200,
        calls=draw(st.sampled_from([99, 99, 99, 1, 2])),
    )


def operations():
    """One operation."""
    of = st.tuples
    lanes = st.lists(st.sampled_from(["", "", *LANES]), max_size=4)
    count = st.one_of(few, st.just(100))
    status = st.sampled_from(["succeeded", "succeeded", "failed", "timed_out"])
    claims = of(st.just("claim"), worker, count, st.sampled_from([0, 0, 1, 3, 50]))
    parks = of(st.just("park"), worker, lanes)
    return st.one_of(
        of(st.just("submit"), terms()),
        claims,
        claims,
        parks,
        parks,
        of(st.just("record"), worker, n, count, status),
        of(st.just("record"), worker, n, count, status),
        of(st.just("release"), worker, n, few, st.booleans(), st.sampled_from([0.0, 50.0])),
        of(st.just("lapse"), worker, n, count),
        of(st.just("renew"), worker),
        of(st.just("cancel"), n, st.lists(n, max_size=3)),
        of(st.just("sweep"), n),
        of(st.just("mend"), n, st.booleans()),
        of(st.just("redrive"), n),
        of(st.just("delete"), n),
        of(st.just("resubmit"), n),
        of(st.just("come_back"), n),
        of(st.just("later")),
        of(st.just("lose"), st.sampled_from(LOSSES), n),
    )


@pytest.fixture
async def redis(server_url):
    async with Redis.from_url(server_url.replace("/0", "/8")) as client:
        yield client


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=[Phase.reuse, Phase.generate] if os.environ.get("LF") else tuple(Phase),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.lists(terms(), min_size=1, max_size=3),
    operations=st.integers(0, 60).flatmap(
        lambda many: st.lists(operations(), min_size=many, max_size=many)
    ),
)
async def test_limits_hold_and_no_slot_is_forgotten(redis, first, operations):
    await redis.flushdb()
    world = LimitsWorld(redis, GATES)
    for each in first:
        await world.submit(each)
        await world.check()
    for name, *words in operations:
        await getattr(world, name)(*words)
        await world.check()
    await world.drain()
