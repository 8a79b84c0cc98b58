"""A worker that was started in a terminal, a real one."""

import asyncio
import contextlib
import os
import pty
import select
import shlex
import signal
import sys
from threading import Thread, Timer

import pytest

from gatherq import Failed, call

from ..conftest import until

#: What pdb raises at the end of its input.
QUIT = "SystemExit" if sys.version_info >= (3, 14) else "bdb.BdbQuit"
JOBS = """
import asyncio
from pathlib import Path
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
async def stays(begun: str) -> int:
    if Path(begun).exists():  # not the first time
        return 2
    Path(begun).touch()
    await asyncio.Event().wait()
    return 1


@job()
def well() -> int:
    return 1
"""


class Terminal:
    """One with a worker in its foreground; what that writes is read away."""

    def __init__(self, folder, environment, *options, ignore=(), shell=False):
        command = [sys.executable, "-m", "gatherq_worker", "worker", "typed", *options]
        (folder / "typed.py").write_text(JOBS)
        if shell:  # it stops, and goes on with, what runs in it
            command = ["/bin/sh", "-imc", f"{shlex.join(command)}; echo stop''ped; read x; fg"]
        self.pid, self.mine = pty.fork()
        if self.pid == 0:
            for signum in ignore:
                signal.signal(signum, signal.SIG_IGN)
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.said = b""
        self.ended = None
        self._hung_up, self._hang_up = os.pipe()
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self):
        with contextlib.suppress(OSError):  # nobody has the other end any more
            while self._hung_up not in select.select([self.mine, self._hung_up], [], [])[0]:
                self.said += os.read(self.mine, 4096) or b""

    def type(self, text):
        os.write(self.mine, text)

    async def says(self, text):
        """Wait until it has said so."""
        async with until(20):
            while text not in self.said:
                await asyncio.sleep(0.01)

    def hang_up(self):
        """Close it, as somebody who closes the window does."""
        os.write(self._hang_up, b"x")
        self._reading.join()
        os.close(self.mine)
        self.mine = None

    async def gives_the_foreground(self):
        """Wait until the shell has put what runs in it to the front."""
        while os.tcgetpgrp(self.mine) == self.pid:
            await asyncio.sleep(0.01)

    def end(self):
        """Wait for the end of the worker, not for ever; return its exit code."""
        if self.ended is None:
            enough = Timer(30, os.kill, (self.pid, signal.SIGKILL))
            enough.start()
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            enough.cancel()
            self._reading.join()
            for descriptor in (self.mine, self._hung_up, self._hang_up):
                if descriptor is not None:
                    os.close(descriptor)
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
        assert types == ["EOFError", QUIT, "EOFError", "OSError"]
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
    assert b"stopping: " in shown.said


async def test_nohup_is_respected(producer, terminal):
    shown = terminal(ignore=[signal.SIGHUP])
    async with until(20):
        assert await producer.gather(call("well")) == [1]
        os.kill(shown.pid, signal.SIGHUP)
        assert await producer.gather(call("well")) == [1]
    os.kill(shown.pid, signal.SIGTERM)
    assert shown.end() == 0
    assert b"stopping: " in shown.said


@pytest.fixture
async def staying(producer, tmp_path):
    """Submit a job that stays; return its batch, once it has begun."""
    begun = tmp_path / "begun"

    async def submit():
        batch = await producer.submit([call("stays", str(begun))])
        async with until(20):
            while not begun.exists():
                await asyncio.sleep(0.01)
        return batch

    return submit


@pytest.mark.parametrize("processes", ["0", "1"])
async def test_ctrl_c_twice_is_a_stop_at_once(producer, terminal, staying, processes):
    shown = terminal("--processes", processes, "--grace", "60")
    batch = await staying()
    shown.type(b"\x03")
    await shown.says(b"stopping: waits up to 60 s for 1 running job")
    shown.type(b"\x03")  # by the same hand, at the same time
    await asyncio.sleep(1.05)  # what comes sooner is the same stop
    shown.type(b"\x03")
    async with until(10):
        assert await asyncio.to_thread(shown.end) == 0
    assert b"stopping at once: interrupts 1 running job" in shown.said
    assert b"stopped: 0 jobs succeeded, 0 did not" in shown.said
    assert b"shutdown on" not in shown.said  # these are arq's words, for arq's settings
    assert (await batch.counts()).running == 0  # it was given back


@pytest.mark.parametrize("processes", ["0", "1"])
async def test_the_end_of_a_window_gives_back_what_runs(
    producer, terminal, staying, processes, tmp_path
):
    shown = terminal("--processes", processes, "--grace", "0.2")
    batch = await staying()
    shown.hang_up()
    async with until(10):
        assert await asyncio.to_thread(shown.end) == 0
    terminal()
    async with until(20):
        (outcome,) = await batch.outcomes()
    assert outcome.unwrap() == 2
    assert outcome.attempt == 1


async def test_ctrl_backslash_ends_the_workers_too(producer, terminal, staying):
    shown = terminal("--grace", "0.2")
    batch = await staying()
    shown.type(b"\x1c")
    assert await asyncio.to_thread(shown.end) == -signal.SIGQUIT
    terminal()
    async with until(20):
        (outcome,) = await batch.outcomes()
    assert outcome.unwrap() == 2


async def test_ctrl_z_and_fg(producer, terminal, start_worker):
    """The workers go on: they have no terminal; who watches over them goes on with `fg`."""
    shown = terminal(shell=True)
    async with until(20):
        assert await producer.gather(call("well")) == [1]
        shown.type(b"\x1a")
        await shown.says(b"stopped")
        assert await producer.gather(call("well")) == [1]
        shown.type(b"\n")
        await shown.gives_the_foreground()  # else Ctrl-C would be the shell's
        assert await producer.gather(call("well")) == [1]
    said = len(shown.said)
    shown.type(b"\x03")
    assert await asyncio.to_thread(shown.end) == 0
    assert b"holds the interpreter" not in shown.said[said:]


async def test_ctrl_z_of_a_single_process_lets_others_take_its_jobs(
    producer, terminal, staying, tmp_path
):
    shown = terminal("--processes", "0", "--lease", "1", shell=True)
    batch = await staying()
    shown.type(b"\x1a")
    await shown.says(b"stopped")
    terminal("--lease", "1")
    async with until(20):
        (outcome,) = await batch.outcomes()
    assert outcome.unwrap() == 2
    assert outcome.attempt == 2
    shown.type(b"\n")
    async with until(20):
        await shown.says(b"lost")
    shown.type(b"\x03")
    assert await asyncio.to_thread(shown.end) == 0
