"""What the URL, the settings or the pool of a worker may say beside the server."""

import asyncio

import arq
import pytest
from arq.connections import RedisSettings
from redis._parsers import _AsyncRESP2Parser
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatherq.store.server.connection import connection_pool
from gatherq_cli.run import health_probe
from gatherq_worker.arq.connection import arq_pool
from gatherq_worker.arq.worker import Worker

from ..conftest import until
from ..store.test_url_options import OPTIONS, ask


async def echo(ctx, value):
    return value


@pytest.fixture
async def run_worker():
    """Run workers in this loop, until the test has ended."""
    running = []

    def run(**options):
        worker = Worker([echo], handle_signals=False, lease=2.0, poll_delay=0.01, **options)
        running.append((worker, asyncio.create_task(worker.async_run())))

    yield run
    for worker, task in running:
        task.cancel()
        await asyncio.wait([task])
        await worker.close()


@pytest.mark.parametrize("options", OPTIONS)
async def test_a_producer_a_worker_and_a_probe_of_any_options(
    server_url, queue, options, run_worker
):
    url = f"{server_url}?{options}"
    run_worker(redis_pool=arq_pool(connection_pool(url), queue), queue_name=queue, unknown_for=0)
    await ask(url, queue)
    async with until(5):  # it signs when it first renews
        while (await asyncio.to_thread(health_probe.report, url, queue, ready=False))[0]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"retry_on_timeout": True, "retry_on_error": [RedisTimeoutError]},
        {"retry": Retry(NoBackoff(), 3), "retry_on_error": [RedisTimeoutError]},
        {"max_connections": 2},
    ],
    ids=["plain", "retry_on_timeout", "retry", "max_connections"],
)
async def test_arq_settings_of_any_options(server_url, queue, options, run_worker):
    plain = RedisSettings.from_dsn(server_url)
    settings = RedisSettings(host=plain.host, port=plain.port, **options)
    run_worker(redis_settings=settings, queue_name=queue, unknown_for=0)
    await ask(server_url, queue)


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": 3},
        {"decode_responses": True},
        {"parser_class": _AsyncRESP2Parser},
        {"encoding": "utf-16"},
        {"single_connection_client": True},
        {"health_check_interval": 1, "client_name": "someone"},
        {"socket_timeout": 0.3},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_a_pool_of_the_users_own_of_any_options(server_url, queue, options, run_worker):
    single = options.get("single_connection_client", False)
    of_pool = {name: value for name, value in options.items() if "single" not in name}
    pool = ConnectionPool(host="127.0.0.1", port=_port(server_url), **of_pool)
    redis = arq.ArqRedis(pool, single_connection_client=single)
    run_worker(redis_pool=redis, queue_name=queue, unknown_for=0)
    await ask(server_url, queue)


def _port(url):
    return RedisSettings.from_dsn(url).port


async def test_the_database_is_the_one_that_is_asked_for(server_url, queue, run_worker):
    plain = server_url.rpartition("/")[0]
    pool = arq_pool(connection_pool(f"{plain}?db=3"), queue)
    run_worker(redis_pool=pool, queue_name=queue, unknown_for=0)
    await ask(f"{plain}?db=3", queue)
    await ask(f"{plain}/3", queue)
