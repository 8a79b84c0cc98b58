"""`explain` names the cause in each situation, made for real."""

import asyncio
import signal

import pytest

from gatherq import Inspector, call
from gatherq.contract.keys import KeySpace
from gatherq.testing.server import embedded_server

from ..conftest import until
from ..proxy import Proxy
from . import explained as jobs


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


@pytest.fixture
def explains(inspector):
    """Wait until `explain` names a cause of a batch; return it."""

    async def explains(batch, code, *words):
        async with until(30):
            while True:
                found = await inspector.explain(getattr(batch, "id", batch))
                for cause in found.causes:
                    if cause.code == code and all(word in cause.text for word in words):
                        return cause
                await asyncio.sleep(0.02)

    return explains


@pytest.fixture
def start(start_worker):
    def start(*options, **more):
        grace = () if "--grace" in options else ("--grace", "0")  # its jobs wait for a minute
        return start_worker("--processes", "0", *grace, *options, module="explained", **more)

    return start


async def running(batch, count=1):
    async with until(30):
        while (await batch.counts()).running < count:
            await asyncio.sleep(0.01)


def waits(count, seconds=60.0):
    return [jobs.wait.call(seconds)] * count


async def test_no_worker_is_there(producer, explains, queue):
    batch = await producer.submit(waits(2))
    cause = await explains(batch, "NO_WORKERS")
    assert (cause.level, cause.command) == ("stuck", f"gatherq worker MODULE --queue {queue}")


async def test_no_worker_knows_the_name(producer, explains, start):
    start()
    batch = await producer.submit([call("wate", 1)])
    cause = await explains(batch, "NO_HANDLER")
    assert cause.text == (
        "1 slot calls `wate`, which the worker that is there cannot run; did you mean `wait`?"
    )


async def test_what_runs_what_waits_behind_it_and_why(producer, explains, start):
    start("--concurrency", "2")
    first = await producer.submit(waits(5), deadline=300, lease=30)
    await running(first, 2)
    await explains(first, "RUNNING", "2 slots run", "the longest is :")
    await explains(first, "QUEUED", "3 slots are queued, the next :2")
    await explains(first, "DEADLINE", "its deadline of 5m ends what is left in 4m5")
    await explains(first, "LEASE_LEFT", "must renew its lease within")
    await explains(first, "SATURATED", "2 of 2 places are taken, 100% of them by `wait`")
    second = await producer.submit(waits(1))
    await explains(second, "BEHIND", "3 jobs stand before it")
    await first.cancel(by="the cook")
    await first.outcomes()
    assert (await explains(second, "RUNNING")).level == "info"


async def test_one_that_straggles(producer, explains, start):
    start()
    batch = await producer.submit([*waits(20, 0.01), jobs.wait.call(60)])
    cause = await explains(batch, "STRAGGLER", ":20 wait, for ")
    assert cause.command == f"gatherq cancel {batch.id}:20"


async def test_another_attempt_is_due_later(producer, explains, start):
    start()
    batch = await producer.submit([jobs.flaky.call()])
    cause = await explains(batch, "BACKOFF", "1 slot waits for another attempt")
    assert cause.text.endswith("last error: OSError: refused")


async def test_a_worker_that_was_stopped_is_silent_until_others_take_over(
    producer, explains, start, inspector
):
    process = start(lease=2.0)
    batch = await producer.submit(waits(1))
    async with until(30):  # it must have told of the job: its lease ends before it is silent
        while not any(worker.jobs for worker in await inspector.workers()):
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    await explains(batch, "SILENT", "which holds :0, is silent since")
    await explains(batch, "RECLAIM", "may be taken over")


async def test_what_a_dead_worker_had_may_be_claimed_again(producer, explains, start, inspector):
    process = start(lease=1.0)
    batch = await producer.submit(waits(2))
    await running(batch, 2)
    process.kill()
    await explains(batch, "RECLAIM", "2 slots wait, :0, :1: their worker is gone")
    codes = [cause.code for cause in (await inspector.explain(batch.id)).causes]
    assert "BACKOFF" not in codes


async def test_a_job_holds_the_loop(producer, explains, start):
    start()
    batch = await producer.submit([jobs.block.call(60), jobs.wait.call(60)])
    cause = await explains(batch, "BLOCKED", "is held by", f"{batch.id}:0", "explained.py")
    assert cause.level == "slow"


async def test_the_only_worker_drains(producer, explains, start):
    process = start("--grace", "60", "--concurrency", "1")
    batch = await producer.submit(waits(2))
    await running(batch)
    process.terminate()
    assert (await explains(batch, "DRAINING")).level == "stuck"


async def test_a_worker_is_cut_off_from_redis(producer, explains, start, server_url, inspector):
    port = int(server_url.rpartition(":")[2].partition("/")[0])
    async with Proxy(port) as proxy:
        start("--redis", proxy.url, lease=2.0)
        batch = await producer.submit(waits(1))
        async with until(30):  # it must have told of the job
            while not any(worker.jobs for worker in await inspector.workers()):
                await asyncio.sleep(0.01)
        proxy.swallow()
        await explains(batch, "SILENT", "is silent since")


async def test_a_job_took_its_worker_down(producer, explains, start_worker):
    start_worker("--processes", "1", module="explained")
    batch = await producer.submit([jobs.deadly.call(60)])
    await explains(batch, "ALONE", "ended with its worker: :0")


async def test_a_plain_arq_worker_holds_it(producer, explains, queue):
    batch = await producer.submit(waits(1))
    await producer.redis.set(KeySpace(queue).in_progress(f"{batch.id}:0"), b"1", ex=60)
    assert (await explains(batch, "PLAIN")).text.startswith("1 slot is held by a plain arq worker")


async def test_data_of_a_job_is_gone(producer, explains, queue):
    batch = await producer.submit(waits(3))
    await producer.redis.delete(KeySpace(queue).job(f"{batch.id}:1"))
    await producer.redis.zrem(queue, f"{batch.id}:2")
    await explains(batch, "DATA_GONE", "2 slots have lost data in Redis", ":2, :1")


async def test_a_batch_that_is_gone_or_being_deleted(producer, explains, queue):
    batch = await producer.submit(waits(1))
    key = KeySpace(queue).batch(batch.id)
    await producer.redis.hdel(key, "size")
    await producer.redis.hset(key, "deleting", 1)
    await explains(batch, "DELETING")
    await batch.delete()
    assert (await explains(batch, "GONE")).command == "gatherq ls"


async def test_a_server_that_evicts_and_one_that_is_a_replica(queue):
    with embedded_server() as (url, _):
        async with Inspector(url, queue=queue) as inspector:
            from gatherq import Producer

            async with Producer(url, queue=queue) as producer:
                batch = await producer.submit(waits(1))
                await producer.redis.config_set("maxmemory", "100mb")
                await producer.redis.config_set("maxmemory-policy", "allkeys-lru")
                found = {c.code: c for c in (await inspector.explain(batch.id)).causes}
                assert "allkeys-lru" in found["REDIS_EVICTS"].text
                await producer.redis.replicaof("127.0.0.1", 1)
                found = {c.code: c for c in (await inspector.explain(batch.id)).causes}
                assert "a replica of 127.0.0.1:1" in found["REDIS_READONLY"].text
                await producer.redis.replicaof("NO", "ONE")


async def test_a_batch_that_has_ended(producer, inspector, start):
    start()
    batch = await producer.submit([jobs.wait.call(0)])
    await batch.outcomes()
    found = await inspector.explain(batch.id)
    assert found.finished
    assert found.summary == f"{batch.id} is finished: 1 slot of 1 succeeded"
