"""Workers and queues, as `Inspector` reads them from a real server."""

import pytest

from gatherq import Inspector, Producer, call
from gatherq.contract.keys import KeySpace
from gatherq.contract.worker_record import WorkerRecord

from .steps import claim


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


async def beat(store):
    await store.renew((), 0, 0)
    await store.announce(WorkerRecord.of_this_process("q", ["f"], 5.0, {"loop": 1}))


async def test_an_empty_queue_without_workers(inspector, queue):
    assert await inspector.workers() == []
    found = await inspector.queue_info()
    assert (found.name, found.claimable, found.running, found.deferred) == (queue, 0, 0, 0)
    assert (found.oldest, found.waiting, found.workers, found.arq) == (None, 0, 0, False)


async def test_workers_and_what_they_hold(inspector, store, submit):
    await submit(3)
    await beat(store())
    await claim(store(), 1)
    (worker,) = await inspector.workers()
    assert (worker.name, worker.state, worker.handlers) == ("w1", "running", {"f"})
    assert worker.pid
    found = await inspector.queue_info()
    assert (found.claimable, found.running, found.deferred, found.workers) == (2, 1, 0, 1)
    assert found.oldest is not None


async def test_jobs_that_wait_where_nobody_comes(inspector, store, server_url, queue):
    await beat(store())
    left = f"{queue}:left"
    async with Producer(server_url, queue=queue) as here, Producer(server_url, queue=left) as there:
        await here.submit([call("nope"), call("f"), call("nope")], batch_id=f"{queue[5:]}-1")
        batch = await there.submit([call("f")], batch_id=f"{queue[5:]}-2")
        found = {each.code: each for each in await inspector.check()}
        handlers = found["handlers"].text
        assert handlers == f"waiting in {queue}, and known to no live worker: nope (2)"
        async with Inspector(server_url, queue=left) as other:
            codes = {each.code for each in await other.check()}
        [queue_left] = [each for each in await inspector.queues() if each.name == left]
        assert queue_left.claimable == 1
        assert found["elsewhere"].level == "warning"
        assert "handlers" not in codes
        await batch.delete()


async def test_what_is_deferred_and_what_a_plain_arq_worker_holds(inspector, redis, queue):
    seconds, _ = await redis.time()
    soon = (seconds + 600) * 1000
    await redis.zadd(queue, {"later": soon + 0.5, "arqs": soon, "deferred": soon + 9000})
    await redis.set(KeySpace(queue).in_progress("arqs"), b"1", ex=60)
    found = await inspector.queue_info()
    assert (found.running, found.deferred, found.arq_jobs) == (1, 2, ("arqs",))
    assert found.next_deferred is not None
    (worker,) = await inspector.workers()
    assert (worker.state, [job.id for job in worker.jobs]) == ("arq", ["arqs"])


async def test_queues_with_workers_or_batches(inspector, store, redis, queue):
    await beat(store())
    other = f"{queue}:other"
    await redis.zadd(KeySpace(other).batch_index, {"b": 1})
    await redis.zadd(other, {"b:0": 1})
    found = {each.name: each for each in await inspector.queues()}
    assert found[queue].workers == 1
    assert other not in {each.name for each in await inspector.queues(scan=False)}
    assert (found[other].workers, found[other].claimable) == (0, 1)
    await redis.delete(KeySpace(other).batch_index)


async def test_keys_of_another_type_and_junk_count_as_nothing(inspector, redis, queue):
    keys = KeySpace(queue)
    await redis.set(keys.queue, "x")
    await redis.set(keys.quarantine, "x")
    await redis.set(keys.workers, "x")
    assert await inspector.workers() == []
    assert (await inspector.queue_info()).quarantined == 0
    await redis.delete(keys.workers)
    seconds, _ = await redis.time()
    await redis.zadd(keys.workers, {b"\xff": seconds * 1000, "w": seconds * 1000})
    await redis.set(keys.worker("w"), "x", ex=60)
    assert [worker.name for worker in await inspector.workers()] == ["\\xff", "w"]


async def test_a_user_who_may_not_read_records_sees_signs_of_life(redis, store, server_url, queue):
    await beat(store())
    user = queue.replace(":", "-")
    await redis.execute_command(
        *("ACL", "SETUSER", user, "reset", "on", ">pw", "+@read", "+time", "+ping"),
        *(f"~{queue}", f"~{KeySpace(queue).workers}", f"~{queue}:health-check"),
    )
    url = server_url.replace("redis://", f"redis://{user}:pw@")
    async with Inspector(url, queue=queue) as inspector:
        (worker,) = await inspector.workers()
        assert (worker.name, worker.state, worker.handlers) == ("w1", "running", None)
        assert (await inspector.queue_info()).workers == 1
    await redis.execute_command("ACL", "DELUSER", user)
