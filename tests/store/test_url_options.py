"""What the URL of a producer may say beside the server."""

import secrets
import subprocess

import pytest

from gatherq import Producer, call
from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool

from ..conftest import HERE, gatherq, until

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


@pytest.fixture(scope="module")
def queue_of_a_worker(server_url):
    """The queue of a real worker, which has a URL without options."""
    queue = f"test:{secrets.token_hex(4)}"
    words = ("--redis", server_url, "--queue", queue, "--unknown-for", "0")
    with subprocess.Popen(gatherq("worker", "jobs", *words), cwd=HERE / "e2e") as worker:
        yield queue
        worker.terminate()


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


@pytest.mark.filterwarnings("ignore:.*lib_name:DeprecationWarning")  # redis-py 7 wants driver_info
@pytest.mark.parametrize("options", OPTIONS)
async def test_a_producer_of_any_options(server_url, queue_of_a_worker, options):
    await ask(f"{server_url}?{options}", queue_of_a_worker)


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
