"""The page, mounted in applications of others."""

import asyncio
import re
import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from gatherq.testing.server import free_port
from gatherq_web import Access, app

from ..conftest import until

PREFIX = "/ops/jobs"


def in_fastapi(page):
    site = FastAPI()
    site.mount(PREFIX, page)
    return site


def in_starlette(page):
    return Starlette(routes=[Mount(PREFIX, page)])


def in_a_mount_of_a_mount(page):
    return Starlette(routes=[Mount("/ops", Starlette(routes=[Mount("/jobs", page)]))])


def below_the_prefix_of_a_server(page):
    """As with `uvicorn --root-path /ops`."""
    site = FastAPI()
    site.mount("/jobs", page)
    return site


@pytest.mark.parametrize(
    ("mounted", "root"),
    [
        (in_fastapi, ""),
        (in_starlette, ""),
        (in_a_mount_of_a_mount, ""),
        (below_the_prefix_of_a_server, "/ops"),
    ],
)
async def test_every_address_has_the_prefix(server_url, queue, mounted, root):
    site = mounted(app(server_url, queue=queue, access=lambda request: Access.read()))
    transport = httpx.ASGITransport(site, root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
        page = await client.get(f"{PREFIX}/batches")
        assert page.status_code == 200
        addresses = set(re.findall(r'(?:href|src|action|hx-\w+)="(/[^"]*)"', page.text))
        assert addresses
        assert {each for each in addresses if not each.startswith(f"{PREFIX}/")} == set()
        assert (await client.get(f"{PREFIX}/assets/page.css")).status_code == 200


MOUNTED = """
import asyncio, sys, httpx
from starlette.applications import Starlette
from starlette.routing import Mount
from gatherq_web import app

page = app(sys.argv[1])

async def main():
    transport = httpx.ASGITransport(Starlette(routes=[Mount("/jobs", page)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
        print((await client.get("/jobs/readyz")).text)

for _ in range(2):
    asyncio.run(main())
"""


def test_its_connections_end_with_the_loop(server_url):
    """An application that is mounted is not told of the end of the one around it."""
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "default", "-c", MOUNTED, server_url],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ready\n\n" * 2, "")


SERVED = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from gatherq_web import app

whole = Starlette(routes=[Mount("/jobs", app(sys.argv[1]))])
uvicorn.run(whole, port=int(sys.argv[2]), log_level="warning")
"""


async def test_a_server_of_others_ends_with_open_streams_and_without_a_word(server_url):
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVED, server_url, str(port)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    transport = httpx.AsyncHTTPTransport(retries=20)  # until it listens
    async with (
        until(30),
        httpx.AsyncClient(transport=transport, timeout=None) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/jobs/live") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: changed"
        process.terminate()
        async for _ in lines:  # and its end is an end
            pass
        said, _ = await process.communicate()
    assert said.decode() == ""
