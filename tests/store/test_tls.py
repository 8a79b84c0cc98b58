"""TLS before a real server: whose certificates are taken, and what is said of the others."""

import asyncio
import contextlib
import datetime
import os
import ssl
import subprocess
import urllib.parse

import pytest
import trustme
from redis.asyncio import Redis

from gatherq import Producer, call
from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool

from ..conftest import HERE, gatherq, until


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@contextlib.asynccontextmanager
async def speaking_tls(server_url, certificate, clients_of=None):
    """Stand before the server; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients_of:
        clients_of.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    port = urllib.parse.urlsplit(server_url).port
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        theirs = await asyncio.open_connection("127.0.0.1", port)
        both = asyncio.gather(_pass(reader, theirs[1]), _pass(theirs[0], writer))
        with contextlib.suppress(asyncio.CancelledError):
            await both
        theirs[1].transport.abort()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.transport.abort()


def certificate(authority, kind):
    if kind == "expired":
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        return authority.issue_cert("localhost", not_after=past)
    if kind == "foreign":
        return trustme.CA().issue_cert("localhost")
    return authority.issue_cert("elsewhere.example" if kind == "wrong host" else "localhost")


REFUSED = {
    "wrong host": "certificate is for another host",
    "expired": "has expired",
    "foreign": "ssl_ca_certs",
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_wrong_certificate_is_refused_at_once(server_url, authority, trusted, kind):
    async with speaking_tls(server_url, certificate(authority, kind)) as port, until(10):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={trusted}"
        with pytest.raises(RedisUnavailable, match=REFUSED[kind]) as raised:
            async with Producer(url):
                pass
        assert "\n" not in str(raised.value)
        assert f"localhost:{port}" in str(raised.value)
        assert "is the server running" not in str(raised.value)
        producer = Producer(url, patience=60)
        with pytest.raises(RedisUnavailable, match=REFUSED[kind]):  # a wait would take a minute
            await producer.submit([call("nothing")])
        await producer.aclose()


@pytest.mark.parametrize("words", [["worker", "jobs"], ["worker", "jobs.Settings"], ["health"]])
@pytest.mark.parametrize("kind", ["right", "wrong host"])
async def test_the_command_line_checks_as_well(
    server_url, authority, trusted, queue, tmp_path, words, kind
):
    (tmp_path / "jobs.py").write_text(
        "async def nothing(ctx): pass\nclass Settings:\n    functions = [nothing]\n"
        "from gatherq import job\n@job()\nasync def other(): pass\n"
    )
    async with speaking_tls(server_url, certificate(authority, kind)) as port, until(20):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={trusted}"
        options = ["--burst"] if words[0] == "worker" else []
        process = await asyncio.create_subprocess_exec(
            *gatherq(*words, "--redis", url, "--queue", queue),
            *options,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        )
        out, err = await process.communicate()
        said = (out + err).decode()
    refused = REFUSED["wrong host"] in said
    assert refused is (kind == "wrong host"), said
    assert "is the server running" not in said
    if kind == "right" and words[0] == "worker":
        assert process.returncode == 0, said


async def test_what_the_url_says_goes(server_url, authority, trusted, tmp_path):
    wrong = certificate(authority, "wrong host")
    async with speaking_tls(server_url, wrong) as port:
        for option in (f"ssl_check_hostname=false&ssl_ca_certs={trusted}", "ssl_cert_reqs=none"):
            pool = connection_pool(f"rediss://localhost:{port}/0?{option}")
            assert await Redis(connection_pool=pool).ping()
            await pool.disconnect()


async def test_a_client_shows_its_certificate(server_url, authority, trusted, tmp_path):
    mine = authority.issue_cert("client@example.org")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    right = certificate(authority, "right")
    async with speaking_tls(server_url, right, clients_of=authority) as port, until(10):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={trusted}"
        whole = f"{url}&ssl_certfile={tmp_path}/cert.pem&ssl_keyfile={tmp_path}/key.pem"
        async with Producer(whole) as producer:
            assert await producer.redis.ping()


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("ssl_ca_certs=/no/such/file", "ssl_ca_certs cannot be used: FileNotFoundError"),
        ("ssl_cert_reqs=perhaps", "ssl_cert_reqs cannot be used: RedisError"),
        ("ssl_certificate=x", "it has an option that redis-py does not know"),
    ],
)
def test_options_that_cannot_be_are_refused(option, why):
    with pytest.raises(RedisUnavailable, match=why):
        connection_pool(f"rediss://localhost/0?{option}")
