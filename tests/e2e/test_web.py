"""`gatherq web`: where it listens, whom it lets in, and how it ends."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from contextlib import asynccontextmanager

import httpx
import pytest

from ..conftest import gatherq, until

NOWHERE = "redis://:secret@127.0.0.1:1/3"


class Page:
    """The command, its address, and what it has said."""

    def __init__(self, process):
        self.process = process
        self.said = ""

    async def starts(self):
        line = (await self.process.stdout.readline()).decode()
        self.said += line
        found = re.search(r"http://\S+", line)
        assert found, line + await self.rest()
        self.address = found[0]

    async def rest(self):
        self.said += (await self.process.stdout.read()).decode()
        return self.said

    async def ends(self, signum):
        self.process.send_signal(signum)
        await self.rest()
        return await self.process.wait()


@asynccontextmanager
async def web(*options, url=NOWHERE, **environment):
    process = await asyncio.create_subprocess_exec(
        *gatherq("web", "--redis", url, "--port", "0", *options),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    page = Page(process)
    try:
        async with until(30):
            await page.starts()
            yield page
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def refusal(*options, **environment):
    ended = subprocess.run(
        gatherq("web", *options),
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
        text=True,
        timeout=30,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


async def test_it_starts_without_redis_and_says_where_it_is():
    async with web("--queue", "orders") as page, httpx.AsyncClient() as client:
        assert re.fullmatch(
            r"page: http://127\.0\.0\.1:\d+/ \(redis://:\*\*\*@127\.0\.0\.1:1/3, "
            r"queue orders\)\n",
            page.said,
        )
        assert (await client.get(page.address + "livez")).text == "alive\n"
        assert (await client.get(page.address + "readyz")).status_code == 503
        away = await client.get(page.address + "batches", headers={"accept": "text/html"})
        assert away.status_code == 503
        assert "redis://:***@127.0.0.1:1/3" in away.text
        other = {"host": "evil.example"}
        assert (await client.get(page.address + "batches", headers=other)).status_code == 400


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_at_once_with_open_streams_and_without_a_word(server_url, signum):
    async with (
        web(url=server_url) as page,
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", page.address + "live") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: changed"
        assert await page.ends(signum) == 0
    assert len(page.said.splitlines()) == 1


async def test_a_prefix_is_in_its_address_and_its_links():
    async with web("--root-path", "ops/jobs/") as page, httpx.AsyncClient() as client:
        assert page.address.endswith("/ops/jobs/")
        away = await client.get(page.address + "batches", headers={"accept": "text/html"})
        assert 'href="/ops/jobs/' in away.text
        assert 'href="/batches' not in away.text


async def test_others_are_asked_for_the_token(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("correct horse\n")
    options = ("--host", "0.0.0.0")
    async with (
        web(*options, GATHERQ_WEB_TOKEN_FILE=str(secret)) as page,
        httpx.AsyncClient() as client,
    ):
        assert page.address.startswith("http://localhost:")
        address = page.address.replace("localhost", "127.0.0.1")
        assert (await client.get(address + "batches")).status_code == 401
        known = {"authorization": "Bearer correct horse", "host": "any.example"}
        assert (await client.get(address + "batches", headers=known)).status_code == 503


async def test_requests_are_logged_if_asked_for():
    async with web("--access-log") as page, httpx.AsyncClient() as client:
        await client.get(page.address + "livez")
        await page.ends(signal.SIGTERM)
    assert '"GET /livez HTTP/1.1" 200' in page.said


def test_others_are_not_let_in_without_a_word():
    assert refusal("--host", "0.0.0.0") == (
        2,
        "Error: others could look and act at --host 0.0.0.0: set GATHERQ_WEB_TOKEN to a secret "
        "that lets them in, or give --insecure to let everybody in\n",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--redis", "nonsense"], "what names the server is not a Redis URL: "),
        pytest.param(
            *(["--token", ""], "the token must be of ASCII letters, digits and marks, in one line"),
            marks=pytest.mark.long,
        ),
        (["--token-file", "/nowhere"], "cannot read the token from /nowhere: No such file"),
        (["--token", "x", "--token-file", "y"], "give --token or --token-file, not both"),
        (["--port", "70000"], "--port is 70000: give a whole number from 0 to 65,535"),
        (["--host", "nowhere.invalid", "--token", "x"], "cannot listen on nowhere.invalid:8420: "),
    ],
)
def test_what_it_cannot_use_is_said_in_one_line(options, said):
    code, error = refusal(*options)
    assert code in (1, 2)
    assert error.startswith(f"Error: {said}")
    assert error.count("\n") == 1


def test_a_port_in_use_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, error = refusal("--port", port)
    assert code == 1
    assert error == (
        f"Error: cannot listen on 127.0.0.1:{port}: the port is in use; give another with --port, "
        "0 for any that is free\n"
    )
