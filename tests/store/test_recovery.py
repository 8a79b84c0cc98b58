"""What is asked of Redis for a worker process that has died."""

from time import monotonic

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import JobStore
from gatherq_worker.ipc.execution_table import Execution, ExecutionSnapshot, key
from gatherq_worker.supervision.blame import Death
from gatherq_worker.supervision.recovery import Recoverer

from .steps import LEASE, claim, claim_all

keys = KeySpace()


@pytest.fixture
def recover(redis, queue):
    async def recover_dead(cause, begun, lease=LEASE):
        known = {key(a.job_id, a.number): execution for a, execution in begun.items()}
        death = Death("w1", "killed", cause, monotonic(), ExecutionSnapshot(known), None)
        return await Recoverer(redis, queue, lease).recover(death)

    return recover_dead


async def again(store):
    """Return attempt and history of every job, as the next worker claims them."""
    attempts = (await claim(store("w2"), 2000, contact=False)).attempts
    return {a.slot: (a.number, [e["status"] for e in a.history]) for a in attempts}


async def test_what_had_not_begun_is_given_back_as_if_it_had_never_been_claimed(
    submit, store, recover
):
    await submit(3)
    first, second, _ = (await claim(store())).attempts
    assert await recover("killed", {first: Execution("loop"), second: Execution("process")}) == 3
    assert await again(store) == {0: (2, ["died"]), 1: (1, []), 2: (1, [])}


async def test_one_alone_is_certain_and_of_several_each_knows_how_many_were_beside(
    redis, submit, store, recover, batch
):
    await submit(3)
    *two, alone = (await claim(store())).attempts
    await recover("killed", dict.fromkeys(two, Execution("loop")))
    entries = [await redis.lrange(keys.attempts(a.job_id), 0, -1) for a in two]
    assert [b'"beside":1' in entry for (entry,) in entries] == [True, True]
    await claim(store())
    await recover("killed", {alone: Execution("thread")})
    (entry,) = await redis.lrange(keys.attempts(alone.job_id), 0, -1)
    assert b"beside" not in entry


async def test_what_was_late_is_timed_out_and_the_rest_given_back(redis, submit, store, recover):
    await submit(3)
    first, second, _ = (await claim(store())).attempts
    now = monotonic()
    begun = {
        first: Execution("thread", now - 2, now - 1, 1.0),
        second: Execution("thread", now + 2, now + 3, 5.0),
    }
    assert await recover("late", begun) == 2
    assert b'"timed_out"' in await redis.get(keys.result(first.job_id))
    assert await again(store) == {1: (1, []), 2: (1, [])}


async def test_thousands_are_given_back_and_a_repetition_does_no_harm(
    redis, queue, submit, store, recover
):
    await submit(1200)
    await claim_all(
        JobStore(redis, KeySpace(queue), "w1", 60), 1200
    )  # so many take a while to claim
    assert await recover("stopped", {}, lease=60) == 1200
    assert await recover("stopped", {}, lease=60) == 0
    assert await again(store) == dict.fromkeys(range(1200), (1, []))
