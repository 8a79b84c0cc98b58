"""Every case runs against arq's own Worker and ours, on a real server, with one assertion."""

import asyncio

import arq.worker
import pytest
from arq.connections import ArqRedis, RedisSettings, create_pool

import gatherq_worker

#: Only these tests use this database; each begins by emptying it.
DATABASE = 9


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/arq" in str(item.path):  # arq 0.28 calls what redis-py 5 has renamed
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


@pytest.fixture(params=["arq", "gatherq"])
def kind(request):
    return request.param


@pytest.fixture
def settings(server_url):
    return RedisSettings.from_dsn(f"{server_url.rsplit('/', 1)[0]}/{DATABASE}")


@pytest.fixture
async def redis(settings, queue):
    """A plain arq producer: it pickles."""
    redis = await create_pool(settings, default_queue_name=queue)
    await redis.flushdb()
    yield redis
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def make(kind, settings, queue, redis):
    """Make workers that stop when the queue is empty."""
    made = []

    def make(functions=(), kind=kind, **options):
        worker_class = {"arq": arq.worker.Worker, "gatherq": gatherq_worker.Worker}[kind]
        defaults = {
            "redis_settings": settings,
            "queue_name": queue,
            "burst": True,
            "poll_delay": 0.01,
            "handle_signals": False,
        }
        worker = worker_class(functions, **{**defaults, **options})
        made.append(worker)
        return worker

    yield make
    for worker in made:
        try:
            await worker.close()
        except asyncio.CancelledError:  # arq's stops at a job that it has cancelled
            await worker.pool.aclose(close_connection_pool=True)


@pytest.fixture
async def json_redis(redis, queue):
    """An arq producer that writes JSON, as gatherq does."""
    from gatherq.contract import records

    return ArqRedis(
        redis.connection_pool,
        job_serializer=records.job_serializer,
        job_deserializer=records.job_deserializer,
        default_queue_name=queue,
    )
