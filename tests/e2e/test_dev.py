"""`gatherq dev`: a server and workers in one terminal, which follow changes and leave nothing."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from redis import Redis

from gatherq import Producer, call
from gatherq.testing.server import free_port

from ..conftest import until
from .test_local import gone, runs

JOBS = """
import asyncio, os
from gatherq import job

@job()
async def where() -> tuple[str, int]:
    return {version!r}, os.getpid()

@job()
async def takes(seconds: float) -> str:
    print("begun")
    await asyncio.sleep(seconds)
    return {version!r}
"""


class Dev:
    """The command, and what it has said."""

    def __init__(self, process, port):
        self.process, self.url = process, f"redis://127.0.0.1:{port}/0"
        self.said = ""

    async def says(self, pattern):
        """Wait for a line that has something of this pattern; return it."""
        while True:
            line = (await self.process.stdout.readline()).decode()
            assert line, f"it ended without {pattern}:\n{self.said}"
            self.said += line
            if re.search(pattern, line):
                return line

    async def ends(self):
        rest, _ = await self.process.communicate()
        self.said += rest.decode()
        return self.process.returncode


@asynccontextmanager
async def dev(folder, *options, port=None, **environment):
    port = port or free_port()
    (folder / "kitchen.py").write_text(JOBS.format(version="one"))
    command = [sys.executable, "-m", "gatherq_worker", "dev", "kitchen", *options]
    if not environment:
        command += ["--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with until(60):
            yield Dev(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def pids(url):
    """Return the ids of the server and of a worker."""
    with Redis.from_url(url) as redis:
        server = redis.info("server")["process_id"]
    async with Producer(url) as producer:
        [[_, worker]] = await producer.gather(call("where"))
    return server, worker


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_however_it_ends_nothing_is_left(tmp_path, signum):
    async with dev(tmp_path) as command:
        await command.says("ready: ")
        left = await pids(command.url)
        await command.says(r"where\(\) succeeded in")
        os.killpg(command.process.pid, signum)
        assert await command.ends() == (-signum if signum is signal.SIGKILL else 0)
        assert "Traceback" not in command.said
        await gone(*left)


@pytest.mark.long
async def test_the_end_of_its_server_ends_it(tmp_path):
    async with dev(tmp_path) as command, AsyncExitStack() as stack:
        await command.says("ready: ")
        server, worker = await pids(command.url)
        producer = await stack.enter_async_context(Producer(command.url))
        await producer.submit_one(call("takes", 50))
        await command.says("begun")
        os.kill(server, signal.SIGKILL)
        assert await command.ends() == 1
        assert (
            "Error: the server has ended (signal 9): its data went with it; run gatherq dev again\n"
        ) in command.said
        assert "Traceback" not in command.said
        await gone(server, worker)


async def test_it_says_where_producers_find_it(tmp_path):
    async with dev(tmp_path) as command:
        assert "in memory (--data DIR keeps it)" in await command.says("^server: ")
        await command.says("producers, in another terminal:")
        assert await command.says("export") == f"  export GATHERQ_REDIS_URL={command.url}\n"


def change_within_a_second(file, text):
    """Change a file to a text of the same length; for Python's bytecode it is as it was."""
    before = file.stat()
    assert len(text) == before.st_size
    file.write_text(text)
    os.utime(file, (before.st_atime, before.st_mtime))


async def test_a_change_starts_the_workers_again_and_running_jobs_finish(tmp_path):
    async with dev(tmp_path) as command, AsyncExitStack() as stack:
        await command.says("ready: ")
        producer = await stack.enter_async_context(Producer(command.url))
        server, worker = await pids(command.url)
        handle = await producer.submit_one(call("takes", 2))
        await command.says("begun")
        change_within_a_second(tmp_path / "kitchen.py", JOBS.format(version="two"))
        await command.says("kitchen.py changed: the workers start again")
        await command.says("waits up to 10 s for 1 running job")
        await command.says("ready: ")
        assert await handle == "one"
        again = await pids(command.url)
        assert again[0] == server
        assert again[1] != worker
        assert await producer.gather(call("takes", 0)) == ["two"]


@pytest.mark.parametrize(
    "text",
    [
        "def (",
        *(
            pytest.param(text, marks=pytest.mark.long)
            for text in ("1 / 0", "import nowhere_at_all", "raise SystemExit(3)")
        ),
    ],
)
async def test_a_module_that_cannot_be_imported_is_told_and_tried_again(tmp_path, text):
    async with dev(tmp_path) as command:
        await command.says("ready: ")
        server, _ = await pids(command.url)
        (tmp_path / "kitchen.py").write_text(text)
        await command.says("Error: kitchen.py, line 1: ")
        await command.says("waiting for a change")
        assert runs(server)
        (tmp_path / "kitchen.py").write_text(JOBS.format(version="two"))
        await command.says("ready: ")
        assert (await pids(command.url))[0] == server


async def test_data_stays_over_a_restart(tmp_path):
    port = free_port()
    for kept in (None, b"1"):
        async with dev(tmp_path, "--data", "store", port=port) as command:
            assert f"its data is in {tmp_path}/store" in await command.says("^server: ")
            await command.says("ready: ")
            with Redis.from_url(command.url) as redis:
                assert redis.get("kept") == kept
                redis.set("kept", 1)
            command.process.send_signal(signal.SIGINT)
            assert await command.ends() == 0


async def test_a_server_that_is_named_is_used(tmp_path, server_url, queue):
    async with dev(tmp_path, "--queue", queue, GATHERQ_REDIS_URL=server_url) as command:
        assert await command.says("^server: ") == f"server: {server_url}\n"
        await command.says("ready: ")
        async with Producer(server_url, queue=queue) as producer:
            assert await producer.gather(call("takes", 0)) == ["one"]


async def test_a_second_ctrl_c_leaves_jobs_no_time(tmp_path):
    async with dev(tmp_path) as command, AsyncExitStack() as stack:
        await command.says("ready: ")
        producer = await stack.enter_async_context(Producer(command.url))
        await producer.submit_one(call("takes", 50))
        await command.says("begun")
        command.process.send_signal(signal.SIGINT)
        await command.says("waits up to 10 s for 1 running job")
        await asyncio.sleep(1.1)  # sooner, it is the same stop
        command.process.send_signal(signal.SIGINT)
        assert await command.ends() == 0
        assert "stopping at once" in command.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name the module of your jobs: gatherq dev kitchen is for kitchen.py in this folder"),
        (
            ["kitchen", "--redis", "redis://x", "--port", "6390"],
            "--port and --data are of a server that is started here; leave them out, or --redis "
            "(GATHERQ_REDIS_URL)",
        ),
        (
            ["kitchen", "--redis", "redis://127.0.0.1:abc"],
            "what names the server is not a Redis URL: its port is no number from 1 to 65535; "
            "write redis://HOST:PORT/DATABASE",
        ),
        (["kitchen", "--data", __file__], f"the data folder {__file__} is a file; name a folder"),
    ],
)
def test_what_it_cannot_do_is_told_in_one_line(words, said):
    command = [sys.executable, "-m", "gatherq_worker", "dev", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[0].partition("rror: ")[2] == said
