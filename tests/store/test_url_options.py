"""What a URL may say beside the server, over everyone who reads one."""

import asyncio

import pytest
from arq.connections import RedisSettings
from redis._parsers import _AsyncRESP2Parser
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError

import arq
from gatherq import Producer, call
from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool
from gatherq_worker.arq.connection import arq_pool
from gatherq_worker.arq.worker import Worker
from gatherq_worker.cli import health_probe

from ..conftest import until

OPTIONS = [
    "decode_responses=true",
    "protocol=3",
    "protocol=3&decode_responses=true",
    "encoding=utf-16",
    "encoding=no-such-code&encoding_errors=no-such-way",
    "encoding=ascii&encoding_errors=ignore",
    "socket_timeout=0.01",
    "socket_timeout=0",
    "socket_timeout=nan",
    "socket_timeout=60&socket_connect_timeout=1",
    "max_connections=1",
    "health_check_interval=1",
    "client_name=someone",
    "retry_on_timeout=true",
    "socket_keepalive=true",
    "lib_name=another&lib_version=1",
]


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


async def ask(url, queue):
    """Let a producer use all that it reads by."""
    async with until(20), Producer(url, queue=queue, patience=2) as producer:
        assert await producer.gather(*(call("echo", n) for n in range(30))) == list(range(30))
        batch = await producer.submit([call("echo", "é"), call("no such"), call("echo", 1.5)])
        outcomes = await batch.outcomes()
        assert [outcome.status for outcome in outcomes] == ["succeeded", "failed", "succeeded"]
        assert outcomes[0].unwrap() == "é"
        assert (await batch.counts()).succeeded == 2
        again = await producer.batch(batch.id)
        assert [outcome.slot async for outcome in again.as_completed()]
        handle = await producer.submit_one(call("echo", 1))
        assert await handle == 1
        waits = await producer.submit([call("echo", 1).with_queue_timeout(60)], deadline=60)
        await waits.cancel()
        assert (await waits.outcomes())[0].status in ("cancelled", "succeeded")


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


@pytest.mark.parametrize(
    "options",
    [
        *("parser_class=x", "single_connection_client=true", "retry=3", "timeout=3", "typo=1"),
        *("path=/x", "ssl_cert_reqs=none", "db=x", "socket_timeout=x", "max_connections=-1"),
        *("connection_class=x", "encoder_class=x", "socket_read_size=x", "retry_on_error=x"),
    ],
)
def test_what_a_url_cannot_say_is_refused_at_once(server_url, options):
    with pytest.raises(RedisUnavailable, match="is not a Redis URL: "):
        Producer(f"{server_url}?{options}")
    with pytest.raises(RedisUnavailable, match="is not a Redis URL: "):
        connection_pool(f"{server_url}?{options}")


async def test_no_command_is_sent_twice_unless_by_its_sender(server_url):
    pool = connection_pool(f"{server_url}?retry_on_timeout=true")
    assert pool.make_connection().retry._retries == 0


async def test_the_database_is_the_one_that_is_asked_for(server_url, queue, run_worker):
    plain = server_url.rpartition("/")[0]
    pool = arq_pool(connection_pool(f"{plain}?db=3"), queue)
    run_worker(redis_pool=pool, queue_name=queue, unknown_for=0)
    await ask(f"{plain}?db=3", queue)
    await ask(f"{plain}/3", queue)
