"""An arq application in processes of its own: what happens to those."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from gatherq.testing.server import embedded_server, free_port

from ..conftest import until

FOLDER = Path(__file__).parents[2] / "examples" / "from_arq"


@contextmanager
def worker_of(url, **options):
    """Run the sample application's worker."""
    command = [sys.executable, "-m", "gatherq_worker", "worker", "app.WorkerSettings"]
    environment = {**os.environ, "APP_REDIS_URL": url}
    with subprocess.Popen(command, cwd=FOLDER, env=environment, **options) as worker:
        try:
            yield worker
        finally:
            worker.terminate()
            assert worker.wait(20) == 0


def children_of(pid):
    said = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in said.stdout.splitlines()[1:]]
    return [int(child) for child, parent in pairs if int(parent) == pid]


async def watching(redis, times):
    while int(await redis.get("app:watching") or 0) < times:
        await asyncio.sleep(0.02)


async def test_a_killed_process_gives_its_jobs_back_at_once(redis, server_url):
    """The worker's lease is 5 s: it is not what is waited for."""
    with worker_of(f"{server_url.rsplit('/', 1)[0]}/9") as supervisor:
        async with until(30):
            await redis.enqueue_job("watch_for_ever", _queue_name="arq:queue")
            await watching(redis, 1)
            (child,) = children_of(supervisor.pid)
            os.kill(child, signal.SIGKILL)
            async with asyncio.timeout(4):
                await watching(redis, 2)


async def test_a_worker_waits_for_its_server_and_can_be_stopped_meanwhile():
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with worker_of(url, stderr=subprocess.PIPE, text=True) as worker:
        assert "redis connection error" in worker.stderr.readline()
    with worker_of(url, stderr=subprocess.PIPE, text=True) as worker:
        assert "redis connection error" in worker.stderr.readline()
        with embedded_server(port):
            while "runs download" not in worker.stderr.readline():
                pass
            worker.terminate()
            assert "Traceback" not in worker.communicate(timeout=20)[1]
