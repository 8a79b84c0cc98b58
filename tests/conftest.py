"""One real server a run, one queue and key space a test."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from gatherq import Producer
from gatherq.contract.keys import KeySpace
from gatherq.testing.server import REAL, embedded_server

HERE = Path(__file__).parent


def gatherq(*words):
    """Return the command `gatherq WORDS`.

    `make clients` runs tests where there is no arq, and names the interpreter of the workers.
    """
    here = sys.executable
    python = os.environ.get("WORKER_PYTHON", here) if words[0] == "worker" else here
    return [python, "-m", "gatherq_worker", *words]


@pytest.fixture(scope="session", autouse=True)
def _named_server():
    """Have every server here be the program that GATHERQ_TEST_SERVER names, if it names one."""
    program = os.environ.get("GATHERQ_TEST_SERVER")
    if not program:
        yield
        return
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder, "redis-server").symlink_to(Path(program).resolve(strict=True))
        patch.setenv("PATH", folder, prepend=os.pathsep)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_yours(_named_server):
    """Leave out what the environment says to a producer or a worker of somebody who runs this.

    So are settings of Python that many images have, and most shells have not.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"):
            patch.delenv(name, raising=False)
        for name in [name for name in os.environ if name.startswith("GATHERQ_")]:
            if name != "GATHERQ_FUZZ":
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _signals_of_a_terminal():
    """Let programs that tests start have the signals of a terminal, whoever started the tests.

    A script that runs them in the background, and nohup, have some of these ignored, which every
    child would inherit. A handler is not inherited: here they go on doing nothing.
    """
    signals = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    ignored = [each for each in signals if signal.getsignal(each) is signal.SIG_IGN]
    for each in ignored:
        signal.signal(each, lambda signum, frame: None)
    yield
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)


@pytest.fixture(scope="session")
def server_url():
    """A real server; without one the test fails, it does not skip."""
    with embedded_server() as (url, kind):
        assert kind in REAL, "tests of Redis's promises need a real server: gatherq[embedded]"
        yield url


@pytest.fixture
def queue():
    return f"test:{secrets.token_hex(4)}"


@pytest.fixture
async def producer(server_url, queue):
    async with Producer(server_url, queue=queue, patience=5) as producer:
        yield producer


@pytest.fixture
def start_worker(server_url, queue):
    """Start real worker processes; they are ended, by pid, with the test."""
    started = []

    def start(*options, module="jobs", lease=2.0, cwd=HERE / "e2e"):
        command = gatherq("worker", module, "--queue", queue, "--lease", str(lease), *options)
        environment = {**os.environ, "GATHERQ_REDIS_URL": server_url}
        process = subprocess.Popen(command, cwd=cwd, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)  # one that a test has stopped
        process.terminate()
    for process in started:
        _end(process)


def _end(process):
    """Wait for the end of a worker that was asked to; ask one again that waits for its jobs."""
    for ask, seconds in ((process.terminate, 1.5), (process.kill, 8.5)):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            ask()
    process.wait()


@contextmanager
def started(command, **options):
    """Start a process and wait for its end; a test that fails meanwhile does not wait."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


@asynccontextmanager
async def until(seconds):
    """Fail a test that hangs, with room."""
    async with asyncio.timeout(seconds):
        yield


async def in_contact(redis, queue: str, workers: int, lease: float) -> None:
    """Wait until so many workers have known Redis for a lease: they may take over from others."""
    first: dict[bytes, float] = {}
    while True:
        signed = dict(await redis.zrange(KeySpace(queue).workers, 0, -1, withscores=True))
        first = signed | first
        if sum(at - first[worker] > lease * 1000 for worker, at in signed.items()) >= workers:
            return
        await asyncio.sleep(0.01)


async def lines_of(path: Path, count: int) -> list[str]:
    """Wait until so many lines are there."""
    while True:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return lines
        await asyncio.sleep(0.01)
