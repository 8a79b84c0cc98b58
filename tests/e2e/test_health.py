"""`gatherq health`, as a probe asks it."""

import asyncio
import socket
import subprocess
import sys

import pytest
from redis import Redis

from gatherq.contract.keys import KeySpace
from gatherq.testing.server import embedded_server, free_port
from tests.conftest import until


async def probe(url, *options):
    """Return the exit code, what it says, and what it warns of."""
    command = [sys.executable, "-m", "gatherq_worker", "health", "--redis", url, *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, warned = await process.communicate()
    return process.returncode, said.decode(), warned.decode()


@pytest.mark.parametrize("ready", [(), ("--ready",)])
async def test_a_worker_that_lives_is_named(start_worker, server_url, queue, ready):
    async with until(30):
        assert (await probe(server_url, "--queue", queue, *ready))[0] == 1  # none yet
        start_worker()
        code = 1
        while code:
            code, said, _ = await probe(server_url, "--queue", queue, *ready)
        assert said.startswith(f"{socket.gethostname()}.")


@pytest.mark.parametrize(("ready", "code"), [((), 0), (("--ready",), 1)])
@pytest.mark.parametrize("server", ["is gone", "answers nobody"])
async def test_a_server_that_is_away_is_no_reason_to_end_a_worker(server, ready, code):
    async with until(20):
        if server == "is gone":
            got, said, warned = await probe(f"redis://127.0.0.1:{free_port()}/0", *ready)
        else:
            with embedded_server(free_port()) as (url, _), Redis.from_url(url) as redis:
                redis.execute_command("CLIENT", "PAUSE", "60000", "ALL")
                got, said, warned = await probe(url, *ready)
    assert (got, said) == (code, "")
    assert "the server is away, and workers wait for it" in warned


@pytest.mark.parametrize("ready", [(), ("--ready",)])
async def test_a_wrong_password_or_url_is_unhealthy(ready):
    with embedded_server(free_port()) as (url, _), Redis.from_url(url) as redis:
        redis.config_set("requirepass", "secret")
        wrong = url.replace("redis://", "redis://:guess@")
        for place in (url, wrong, "http://localhost"):
            code, said, warned = await probe(place, *ready)
            assert (code, said) == (1, "")
            assert "Error: " in warned
            assert "guess" not in warned


async def test_a_name_that_somebody_wrote_there_is_no_terminal_sequence(server_url, queue):
    name = f"{socket.gethostname()}.\x1b[2J\nforged: 0.0 s ago"
    with Redis.from_url(server_url) as redis:
        seconds, _ = redis.time()
        redis.zadd(KeySpace(queue).workers, {name: seconds * 1000})
        code, said, _ = await probe(server_url, "--queue", queue)
        redis.delete(KeySpace(queue).workers)
    assert code == 0
    assert "\x1b" not in said
    assert len(said.splitlines()) == 1
