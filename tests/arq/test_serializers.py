"""`job_serializer` and `job_deserializer`."""

import json

import pytest
from arq.connections import ArqRedis
from arq.jobs import DeserializationError, Job, SerializationError
from arq.worker import func

from gatherq.contract import records

from .functions import add, fail, give, nested


def write(record):
    return b"mine" + json.dumps(record).encode()


def read(payload):
    assert payload.startswith(b"mine")
    return json.loads(payload[4:])


CODECS = {
    "json": (lambda record: json.dumps(record).encode(), json.loads),
    "own": (write, read),
    "gatherq": (records.job_serializer, records.job_deserializer),
}


@pytest.fixture(params=CODECS)
def codec(request):
    serializer, deserializer = CODECS[request.param]
    return {"job_serializer": serializer, "job_deserializer": deserializer}


@pytest.fixture
def mine(redis, queue, codec):
    return ArqRedis(redis.connection_pool, default_queue_name=queue, **codec)


async def test_a_job_and_its_result_in_another_format(mine, make, codec):
    job = await mine.enqueue_job("add", 1, b=2)
    assert (await job.info()).function == "add"
    assert await make([add], **codec).run_check() == 1
    assert await job.result(poll_delay=0) == 3
    assert (await job.info()).result == 3


async def test_a_handler_enqueues_in_the_workers_format(mine, make, codec):
    job = await mine.enqueue_job("nested", 7)
    await make([nested, give], **codec).main()
    inner = Job(await job.result(poll_delay=0), mine, _deserializer=codec["job_deserializer"])
    assert await inner.result(poll_delay=0) == 7


@pytest.mark.parametrize("codec", ["json", "own"], indirect=True)
async def test_an_error_that_the_format_cannot_hold(mine, make, codec):
    job = await mine.enqueue_job("give", 1)
    await mine.enqueue_job("fail")
    worker = make([give, fail], **codec)
    await worker.main()
    assert (worker.jobs_complete, worker.jobs_failed) == (1, 1)
    assert await job.result(poll_delay=0) == 1


@pytest.mark.parametrize("codec", ["own"], indirect=True)
async def test_a_pickled_job_for_a_worker_of_another_format(redis, mine, make, codec):
    await redis.enqueue_job("add", 1, _job_id="one")
    worker = make([add], **codec)
    await worker.main()
    assert worker.jobs_failed == 1


@pytest.mark.parametrize("codec", ["own"], indirect=True)
async def test_a_job_of_another_format_for_a_worker_that_unpickles(redis, mine, make, codec):
    await mine.enqueue_job("add", 1, _job_id="one")
    worker = make([add])
    await worker.main()
    assert worker.jobs_failed == 1
    with pytest.raises(DeserializationError):
        await Job("one", redis).result(poll_delay=0)


@pytest.mark.parametrize("codec", ["json"], indirect=True)
async def test_a_result_that_the_format_cannot_hold(mine, make, codec):
    async def unwritable(ctx):
        return {1, 2}

    job = await mine.enqueue_job("unwritable")
    await make([func(unwritable, name="unwritable")], **codec).main()
    with pytest.raises(SerializationError, match="unable to serialize result"):
        await job.result(poll_delay=0)
