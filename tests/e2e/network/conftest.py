"""A server of one's own, proxies before it, and workers that connect through them."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from gatherq import Producer
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.testing.server import REAL, embedded_server
from tests.conftest import gatherq, in_contact

LEASE = 2.0


class Stage:
    """One server, its workers, and the ledger that their jobs write."""

    def __init__(self, url, folder):
        self.url, self.port = url, urlsplit(url).port
        self.ledger = str(folder / "ledger")
        self.workers = []
        self.redis = Redis.from_url(url)

    def worker(self, url=None, *options, module="jobs_on_a_ledger"):
        """Start a worker process; without a supervisor unless told otherwise."""
        options = options or ("--processes", "0")
        command = gatherq("worker", module, "--lease", str(LEASE), "--grace", "3", *options)
        environment = {**os.environ, "GATHERQ_REDIS_URL": url or self.url}
        process = subprocess.Popen(command, cwd=Path(__file__).parent, env=environment)
        self.workers.append(process)
        return process

    def producer(self, url=None, **options):
        return Producer(url or self.url, **{"patience": 20, **options})

    def starts(self, job_id=None):
        """Return (job id, attempt, pid) of the executions that have begun."""
        path = Path(self.ledger)
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        found = [(line.split()[0], *map(int, line.split()[1:])) for line in lines]
        return [each for each in found if job_id in (None, each[0])]

    async def started(self, count, job_id=None):
        """Wait until so many executions have begun."""
        while len(self.starts(job_id)) < count:
            await asyncio.sleep(0.005)
        return self.starts(job_id)

    async def ready(self, *, contact=True):
        """Wait until all workers have signed on, and have been in contact for a lease."""
        lease = LEASE if contact else -1
        await in_contact(self.redis, DEFAULT_QUEUE, len(self.workers), lease)

    async def pause(self, seconds):
        """Let the server stand still."""
        pid = (await self.redis.info("server"))["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def close(self):
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.workers:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        await self.redis.aclose()


@pytest.fixture
async def stage(tmp_path):
    with embedded_server() as (url, kind):
        assert kind in REAL
        stage = Stage(url, tmp_path)
        yield stage
        await stage.close()
