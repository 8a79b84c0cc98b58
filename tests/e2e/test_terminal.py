"""A worker that was started in a terminal, a real one."""

import contextlib
import os
import pty
import signal
import sys
from threading import Thread

import pytest

from gatherq import Failed, call

from ..conftest import until

JOBS = """
from gatherq import job


@job()
async def asks() -> str:
    return input("name? ")


@job()
def looks() -> None:
    breakpoint()


@job(isolation="process")
def asks_apart() -> str:
    return input()


@job()
def asks_the_terminal() -> str:
    with open("/dev/tty") as terminal:
        return terminal.readline()


@job()
def well() -> int:
    return 1
"""


class Terminal:
    """One with a worker in its foreground; what that writes is read away."""

    def __init__(self, folder, environment, *options, ignore=()):
        command = [sys.executable, "-m", "gatherq_worker", "worker", "typed", *options]
        (folder / "typed.py").write_text(JOBS)
        self.pid, self.mine = pty.fork()
        if self.pid == 0:
            for signum in ignore:
                signal.signal(signum, signal.SIG_IGN)
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.said = b""
        self.ended = None
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self):
        with contextlib.suppress(OSError):  # nobody has the other end any more
            while part := os.read(self.mine, 4096):
                self.said += part

    def type(self, text):
        os.write(self.mine, text)

    def end(self):
        """Wait for the end of the worker; return its exit code."""
        if self.ended is None:
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._reading.join()
            os.close(self.mine)
        return self.ended


@pytest.fixture
def terminal(tmp_path, server_url, queue):
    opened = []

    def open_(*options, **more):
        environment = {**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
        opened.append(Terminal(tmp_path, environment, *options, **more))
        return opened[-1]

    yield open_
    for each in opened:
        if each.ended is None:
            os.kill(each.pid, signal.SIGTERM)
            each.end()


async def test_a_job_that_reads_the_terminal_fails_and_stops_nobody(producer, terminal):
    shown = terminal()
    async with until(20):
        names = ["asks", "looks", "asks_apart", "asks_the_terminal", "well"]
        batch = await producer.submit([call(name) for name in names])
        *asked, well = await batch.outcomes()
        assert all(isinstance(outcome, Failed) for outcome in asked)
        types = [outcome.error.type for outcome in asked]
        assert types == ["EOFError", "bdb.BdbQuit", "EOFError", "OSError"]
        assert well.unwrap() == 1
        assert {outcome.attempt for outcome in asked} == {1}
    shown.type(b"\x03")
    assert shown.end() == 0


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
async def test_the_end_of_a_terminal_is_a_stop(producer, terminal, signum):
    shown = terminal()
    async with until(20):
        assert await producer.gather(call("well")) == [1]
    os.kill(shown.pid, signum)
    assert shown.end() == 0
    assert b"shutdown on SIG" in shown.said


async def test_nohup_is_respected(producer, terminal):
    shown = terminal(ignore=[signal.SIGHUP])
    async with until(20):
        assert await producer.gather(call("well")) == [1]
        os.kill(shown.pid, signal.SIGHUP)
        assert await producer.gather(call("well")) == [1]
    os.kill(shown.pid, signal.SIGTERM)
    assert shown.end() == 0
    assert b"shutdown on SIGTERM" in shown.said
