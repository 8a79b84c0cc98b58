"""The process that forks those of the jobs: quiet at its end, deaf to a stop, and no more."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from gatherq_worker.execution.fork_server import PATH, REQUEST, ForkServer
from gatherq_worker.execution.shortage import Shortage
from gatherq_worker.ipc.frames import pack

from ...conftest import started


@pytest.mark.parametrize(
    "said", [b"", b"f", REQUEST.pack(PATH, 0, 2), REQUEST.pack(PATH, 0, 2) + b"[]"]
)
def test_it_ends_without_a_word_when_its_worker_is_gone_at_any_moment(said):
    ours, theirs = socket.socketpair()
    command = [
        sys.executable,
        "-m",
        "gatherq_worker.execution.fork_server_main",
        str(theirs.fileno()),
    ]
    with started(command, pass_fds=(theirs.fileno(),), stderr=subprocess.PIPE) as process:
        theirs.close()
        ours.sendall(said)
        ours.close()
        assert process.communicate(timeout=20)[1] == b""
    assert process.returncode == 0


@pytest.fixture
async def server():
    server = ForkServer()
    yield server
    server.stop()


async def forked(server):
    """Have a process forked; return its id, our end of its connection and its exit."""
    exited = asyncio.get_running_loop().create_future()
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            pid = await asyncio.wait_for(server.fork(theirs, exited.set_result), 10)
        except Shortage:
            ours.close()
            raise
    return pid, ours, exited


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_of_the_whole_process_tree_does_not_end_it_not_even_at_its_start(
    server, signum
):
    os.kill(server.pid, signum)
    pid, ours, exited = await forked(server)
    os.kill(server.pid, signum)
    ours.close()
    assert await asyncio.wait_for(exited, 10) == 0
    assert server.alive
    assert pid != server.pid


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGSEGV, -signal.SIGSEGV)]
)
async def test_it_tells_how_a_process_ended(server, sent, code):
    pid, ours, exited = await forked(server)
    with ours:
        os.kill(pid, sent)
        assert await asyncio.wait_for(exited, 10) == code


async def test_who_waits_for_a_process_hears_of_its_death(server):
    os.kill(server.pid, signal.SIGSTOP)
    waiting = asyncio.create_task(forked(server))
    await asyncio.sleep(0)
    server.kill()
    with pytest.raises(Shortage):
        await asyncio.wait_for(waiting, 10)
    assert not server.alive


async def test_a_request_in_two_parts_is_frames(server):
    _, ours, exited = await forked(server)
    ours.setblocking(False)
    frame = pack({"load": "nosuchmodule"})
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(ours, frame[:5])
    await loop.sock_sendall(ours, frame[5:])
    async with asyncio.timeout(10):
        assert b"no module named" in await loop.sock_recv(ours, 65536)
    ours.close()
    await asyncio.wait_for(exited, 10)
