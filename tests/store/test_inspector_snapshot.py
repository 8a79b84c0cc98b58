"""What is measured of queues, as `Inspector` reads it from a real server, and as it is rendered."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatherq import Inspector, call
from gatherq.contract.keys import KeySpace
from gatherq.contract.worker_record import Beat, WorkerRecord
from gatherq.inspection.metrics.pool_metrics import PoolMetrics

from .steps import claim


@pytest.fixture(autouse=True)
def _queues_of_other_tests(monkeypatch):
    """Let more queues be told of than usual: other tests have left theirs on this server."""
    monkeypatch.setattr("gatherq.inspection.metrics.pool_metrics._MOST_QUEUES", 10_000)


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


async def beat(store, queue, name="w1"):
    """Write the record of a worker."""
    worker = store(name)
    await worker.announce(WorkerRecord.of_this_process(queue, ["f"], 5.0, {"loop": 8}))
    await worker.renew((), 0, 0, beat=Beat({"state": "running", "held": 1, "rss": 1024}))
    return worker


async def rendered(metrics):
    """Return the values by name and labels, in the order of their names."""
    _, text = await metrics.render()
    samples = [
        each for found in text_string_to_metric_families(text.decode()) for each in found.samples
    ]
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each for each in samples
    }


async def test_a_queue_with_its_workers_and_jobs(inspector, store, submit, queue):
    await submit(3)
    worker = await beat(store, queue)
    await claim(worker, 1)
    found = await inspector.snapshot()
    (told,) = found.queues
    assert (told.queue.name, told.queue.claimable, told.queue.running) == (queue, 2, 1)
    assert [each.memory for each in told.workers] == [1024]
    assert [(job.name, job.statistics.ended) for job in told.jobs] == [("f", 0)]
    assert found.server.version
    assert found.server.memory > 0
    assert found.server.eviction_policy == "noeviction"
    assert (found.server.memory_limit, found.server.evicted) == (0, 0)


async def test_queues_are_found_by_their_workers_and_by_their_batches(
    producer, store, queue, server_url
):
    await producer.submit([call("f")])
    async with Inspector(server_url, queue="elsewhere") as other:
        metrics = PoolMetrics(other)
        told = await rendered(metrics)
        assert told["gatherq_queue_demand", queue].value == 1
        assert told["gatherq_workers", queue, "running"].value == 0
        await beat(store, queue)
        told = await rendered(metrics)
        assert told["gatherq_workers", queue, "running"].value == 1
        assert "elsewhere" in await other.queue_names(scan=False)


async def test_junk_and_other_types_count_as_nothing(inspector, redis, queue):
    keys = KeySpace(queue)
    await redis.set(keys.workers, "junk")
    await redis.hset(keys.totals, mapping={"f": "junk", "\xff": b"\xff\xfe"})
    await redis.set(keys.quarantine, "junk")
    await redis.lpush(queue, "junk")
    try:
        told = await rendered(PoolMetrics(inspector, [queue]))
        assert told["gatherq_redis_up",].value == 1
        assert told["gatherq_queue_demand", queue].value == 0
        assert told["gatherq_jobs_finished_total", "f", queue, "failed"].value == 0
    finally:
        await redis.delete(queue, keys.workers, keys.totals, keys.quarantine)


async def test_who_may_not_look_at_all_keys_hears_of_queues_with_workers(
    inspector, redis, server_url, store, queue
):
    await beat(store, queue)
    user = queue.replace(":", "-")
    rules = ("on", ">secret", "allkeys", "+@all", "-scan", "-info")
    await redis.execute_command("ACL", "SETUSER", user, *rules)
    try:
        url = server_url.replace("redis://", f"redis://{user}:secret@")
        async with Inspector(url, queue="elsewhere") as inspector:
            told = await rendered(PoolMetrics(inspector))
            assert told["gatherq_workers", queue, "running"].value == 1
            assert ("gatherq_redis_memory_bytes",) not in told
    finally:
        await redis.execute_command("ACL", "DELUSER", user)
