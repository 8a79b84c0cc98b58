"""Everything that is told a URL of sentinels follows the master, whatever becomes of it."""

import asyncio
import contextlib
import os
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from gatherq import Producer, call
from gatherq.errors import BatchNotFound
from tests.conftest import gatherq, until
from tests.servers import replica_of, sentinels, server

from .conftest import LEASE

HERE = Path(__file__).parent
PASSWORD, SENTINELS_OWN = "p/w", "of-sentinels"


class Pool:
    """A master, its replica, three sentinels; workers and producers that ask these."""

    def __init__(self, master, replica, watch, folder):
        self.master, self.replica, self.watch = master, replica, watch
        self.ledger = folder / "ledger"
        self.workers = []

    def worker(self, *options, module="jobs_on_a_ledger", url=None):
        command = gatherq("worker", module, "--lease", str(LEASE), "--grace", "3", *options)
        environment = {**os.environ, "GATHERQ_REDIS_URL": url or self.watch.url}
        process = subprocess.Popen(command, cwd=HERE, env=environment)
        self.workers.append(process)
        return process

    def pids(self):
        """Return the processes that have begun a job."""
        lines = self.ledger.read_text().split("\n")[:-1] if self.ledger.exists() else []
        return {int(line.split()[2]) for line in lines}

    async def close(self):
        for process in self.workers:
            process.terminate()
        for process in self.workers:
            try:
                await asyncio.to_thread(process.wait, 15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    async def kill(self):
        await self.master.kill()
        await self.watch.switched()

    async def freeze(self):
        """Let the master stand still, and go on once another is the master."""
        self.master.pause()
        await self.watch.switched()
        self.master.resume()

    async def demote(self):
        await self.watch.failover()

    async def demote_by_hand(self):
        """Swap the two behind the sentinels' backs, who come to know it by and by."""
        for each in self.watch.processes:
            try:
                await each.redis.execute_command("SENTINEL", "DEBUG", "info-period", 300)
            except ResponseError:  # before Redis 7: they need twenty seconds
                break
        await self.replica.redis.execute_command("REPLICAOF", "NO", "ONE")
        await self.master.redis.execute_command("REPLICAOF", "127.0.0.1", self.replica.port)
        await self.watch.switched()


@pytest.fixture
async def pool(tmp_path):
    words = {"password": PASSWORD}
    async with (
        server(**words) as master,
        replica_of(master, **words) as replica,
        sentinels(master, **words, own_password=SENTINELS_OWN) as watch,
    ):
        pool = Pool(master, replica, watch, tmp_path)
        try:
            yield pool
        finally:
            await pool.close()


@asynccontextmanager
async def load(producer, ledger):
    """Submit jobs and wait for them, again and again; yield the batches that have ended.

    A batch that no replica has when the master dies is gone, and says so.
    """
    ended, stop = [], asyncio.Event()

    async def submit_and_wait():
        while not stop.is_set():
            batch = await producer.submit([call("nap", str(ledger), 0.05) for _ in range(5)])
            with contextlib.suppress(BatchNotFound):
                ended.append(await batch.outcomes())

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(submit_and_wait())
        try:
            yield ended
        finally:
            stop.set()


async def more(ended, count=8):
    """Wait until so many more batches have ended."""
    target = len(ended) + count
    while len(ended) < target:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("change", ["kill", "freeze", "demote", "demote_by_hand"])
async def test_each_job_has_one_outcome_whatever_becomes_of_the_master(pool, change):
    async with until(120), Producer(pool.watch.url, patience=40) as producer:
        for _ in range(2):
            pool.worker("--processes", "2")
        async with load(producer, pool.ledger) as ended:
            await more(ended, 20)
            before = pool.pids()
            held = await producer.submit([call("nap", str(pool.ledger), 4.0) for _ in range(20)])
            assert await producer.redis.execute_command("WAIT", 1, 5000) == 1
            await getattr(pool, change)()
            await more(ended)
            outcomes = await held.outcomes()
        assert await pool.watch.master_port() == pool.replica.port
        (role, *_) = await pool.replica.redis.execute_command("ROLE")
        assert role == b"master"
    assert [(o.slot, o.status) for o in outcomes] == [(n, "succeeded") for n in range(20)]
    assert all([o.slot for o in batch] == [*range(5)] for batch in ended)
    assert {o.status for o in ended[-1]} == {"succeeded"}
    assert all(worker.poll() is None for worker in pool.workers)
    for pid in before:
        os.kill(pid, 0)  # the same processes have outlived it
