"""Everything that is told a URL of sentinels follows the master, whatever becomes of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatherq import Producer, call
from gatherq.errors import BatchNotFound
from tests.conftest import gatherq, until
from tests.servers import NAME, replica_of, sentinels, server

from .conftest import LEASE

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
PASSWORD, OWN = "p/w", "of-sentinels"


class Pool:
    """A master, its replica, three sentinels; workers and producers that ask these."""

    def __init__(self, master, replica, watch, folder):
        self.master, self.replica, self.watch = master, replica, watch
        self.ledger = folder / "ledger"
        self.workers = []

    def worker(self, *options, module="jobs_on_a_ledger", lease=LEASE, url=None):
        """Start a worker; without a URL it has that of its settings."""
        command = gatherq("worker", module, "--lease", str(lease), "--grace", "3", *options)
        environment = {**os.environ, **({"GATHERQ_REDIS_URL": url} if url else {})}
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

    async def master_now(self):
        """Return the server that the sentinels name."""
        port = await self.watch.master_port()
        return next(each for each in (self.master, self.replica) if each.port == port)

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
        await self.watch.sees_soon()
        await self.replica.redis.execute_command("REPLICAOF", "NO", "ONE")
        await self.master.redis.execute_command("REPLICAOF", "127.0.0.1", self.replica.port)
        await self.watch.switched()


@pytest.fixture
async def pool(tmp_path, request):
    """A pool; its parameter is the password of the sentinels."""
    words = {"password": PASSWORD}
    async with (
        server(**words) as master,
        replica_of(master, **words) as replica,
        sentinels(master, **words, own_password=getattr(request, "param", OWN)) as watch,
    ):
        pool = Pool(master, replica, watch, tmp_path)
        try:
            yield pool
        finally:
            await pool.close()


@asynccontextmanager
async def load(producer, ledger, *may_be):
    """Submit jobs and wait for them, again and again; yield the batches that have ended.

    A batch that no replica has when the master dies is gone, and says so, where that `may_be`.
    """
    ended, stop = [], asyncio.Event()

    async def submit_and_wait():
        while not stop.is_set():
            batch = await producer.submit([call("nap", str(ledger), 0.05) for _ in range(5)])
            with contextlib.suppress(*may_be):
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


@pytest.mark.parametrize(
    ("change", "replicas"),
    [
        ("kill", 0),
        pytest.param("kill", 1, marks=pytest.mark.long),
        pytest.param("freeze", 0, marks=pytest.mark.long),
        pytest.param("demote", 0, marks=pytest.mark.long),
        ("demote_by_hand", 0),
    ],
)
async def test_each_job_has_one_outcome_whatever_becomes_of_the_master(
    pool, change, replicas, monkeypatch
):
    """With replicas that are waited for, no batch is gone that `submit` has returned."""
    monkeypatch.setenv("GATHERQ_REPLICAS", str(replicas))
    may_be = () if replicas else (BatchNotFound,)
    async with until(120), Producer(pool.watch.url, patience=40) as producer:
        for _ in range(2):
            pool.worker("--processes", "2", url=pool.watch.url)
        async with load(producer, pool.ledger, *may_be) as ended:
            await more(ended, 20)
            before = pool.pids()
            held = await producer.submit([call("nap", str(pool.ledger), 4.0) for _ in range(20)])
            assert await producer.redis.execute_command("WAIT", 1, 5000) == 1
            await getattr(pool, change)()
            await more(ended)
            outcomes = await held.outcomes()
        master = await pool.master_now()
        assert (await master.redis.execute_command("ROLE"))[0] == b"master"
        # Those of Redis 6.2 may put by and by what was swapped behind their backs back in order.
        assert master is pool.replica or change == "demote_by_hand"
    assert [(o.slot, o.status) for o in outcomes] == [(n, "succeeded") for n in range(20)]
    assert all([o.slot for o in batch] == [*range(5)] for batch in ended)
    assert {o.status for o in ended[-1]} == {"succeeded"}
    assert all(worker.poll() is None for worker in pool.workers)
    for pid in before:
        os.kill(pid, 0)  # the same processes have outlived it


ARQS = """
from arq.connections import RedisSettings
from tests.e2e.network.arq_on_a_ledger import WorkerSettings as Base

class WorkerSettings(Base):
    redis_settings = RedisSettings(
        sentinel=True, host={hosts}, sentinel_master={name!r}, password={password!r}
    )
"""


async def held_by_a_dead_process(pool, producer, after):
    """Kill a process at work, and return its worker's name and the outcome of its job."""
    batch = await producer.submit([call("nap", str(pool.ledger), 0.5 + after)])
    while not pool.pids():
        await asyncio.sleep(0.01)
    (pid,) = pool.pids()
    os.kill(pid, signal.SIGKILL)
    (outcome,) = await batch.outcomes()
    return outcome


# arq's settings cannot say a password of the sentinels.
@pytest.mark.parametrize(("kind", "pool"), [("gatherq", OWN), ("arq", None)], indirect=["pool"])
async def test_the_jobs_of_a_dead_process_start_again_at_once(pool, kind, tmp_path, monkeypatch):
    """The supervisor asks the sentinels, whether a URL or arq's settings name them."""
    options = {"module": "jobs_on_a_ledger", "lease": 60.0}
    async with until(45), Producer(pool.watch.url) as producer:
        if kind == "arq":
            hosts = [("127.0.0.1", each.port) for each in pool.watch.processes]
            text = ARQS.format(hosts=hosts, name=NAME, password=PASSWORD)
            (tmp_path / "sentinel_settings.py").write_text(text)
            monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(REPOSITORY)]))
            options["module"] = "sentinel_settings.WorkerSettings"
        else:
            options["url"] = pool.watch.url
        pool.worker("--processes", "2", **options)
        outcome = await held_by_a_dead_process(pool, producer, 0.5)
    assert (outcome.status, outcome.attempt) == ("succeeded", 2)
    assert [entry.status for entry in outcome.history] == ["died"]
