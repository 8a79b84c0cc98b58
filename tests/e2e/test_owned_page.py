"""The page that `gatherq dev` and `gatherq.local` show: it is of their pool, and ends with them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

import gatherq
from gatherq import MissingExtra, call

from ..conftest import until
from .test_dev import JOBS, change_within_a_second, dev


async def address(command):
    return (await command.says("^page: ")).split()[1]


async def answers(page):
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{page}readyz")).text == "ready\n"


def is_closed(page):
    host, port = httpx.URL(page).host, httpx.URL(page).port
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) != 0


async def closed(page):
    while not is_closed(page):
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
async def test_a_page_of_dev_lives_through_changes_and_ends_with_it(tmp_path, signum):
    async with dev(tmp_path, "--web-port", "0") as command:
        page = await address(command)
        assert await answers(page)
        await command.says("ready: ")
        change_within_a_second(tmp_path / "kitchen.py", JOBS.format(version="two"))
        await command.says("ready: ")
        assert await answers(page)
        os.killpg(command.process.pid, signum)
        await command.ends()
        await closed(page)
        assert "Traceback" not in command.said


def page_of(pid):
    """Return the id of the process of the page that a command has started."""
    ps = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)]
    lines = subprocess.run(ps, check=True, capture_output=True, text=True).stdout.splitlines()
    (page,) = [line for line in lines if line.endswith(" web")]
    return int(page.split()[0])


async def test_a_page_that_ends_ends_nothing_else(tmp_path):
    async with dev(tmp_path, "--web-port", "0") as command:
        page = await address(command)
        await command.says("ready: ")
        assert await answers(page)
        os.kill(page_of(command.process.pid), signal.SIGKILL)
        await command.says("the page has ended; all else goes on")
        await closed(page)
        async with gatherq.Producer(command.url) as producer:
            assert await producer.gather(call("takes", 0)) == ["one"]


async def test_no_page_is_shown_where_none_is_wanted(tmp_path):
    async with dev(tmp_path, "--no-web") as command:
        await command.says("ready: ")
        assert "page: " not in command.said


async def test_a_port_in_use_is_told_and_the_workers_run(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with dev(tmp_path, "--web-port", str(port)) as command:
            await command.says("ready: ")
            assert f"the page cannot have port {port} of 127.0.0.1: address already in use" in (
                command.said
            )


async def test_a_block_has_a_page_of_its_pool(capfd):
    async with until(60):
        async with gatherq.local("tests.e2e.jobs", web=True, queue="of a block") as producer:
            page = capfd.readouterr().err.split("page: ")[1].split()[0]
            await producer.submit([call("echo", 1) for _ in range(20)], batch_id="shown")
            async with httpx.AsyncClient() as client:
                found = (await client.get(f"{page}api/v1/batches")).json()["batches"]
            assert [(batch["id"], batch["queue"]) for batch in found] == [("shown", "of a block")]
        assert is_closed(page)


KILLED = """
import asyncio, os, signal, gatherq

async def main():
    async with gatherq.local("tests.e2e.jobs", web=True):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_page_of_a_program_that_is_killed_ends():
    async with until(60):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, stderr=subprocess.PIPE
        )
        _, said = await process.communicate()
        page = said.decode().split("page: ")[1].split()[0]
        await closed(page)


async def test_without_the_extra_a_block_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match=r"gatherq\.local\(web=True\) needs gatherq\[web\]"):
        async with gatherq.local("tests.e2e.jobs", web=True):
            raise AssertionError("it has begun")
