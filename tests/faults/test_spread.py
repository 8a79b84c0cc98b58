"""Jobs that come to idle workers."""

import asyncio
import os
import sys
from collections import Counter

from gatherq.store.script import script

from .harness.rows import row
from .harness.sides import JOBS
from .harness.workers import Worker
from .jobs.notes import VARIABLE, monotonic

#: Workers, and the processes that they are in.
WORKERS, PROCESSES = 200, 4
#: Jobs that come one after the other; seconds after which an idle worker looks by itself.
ONE_BY_ONE, LOOKS_AGAIN = 40, 0.5


class Claims:
    """The claims of all workers, as the server is asked for them."""

    def __init__(self, redis) -> None:
        self._redis, self._step = redis, script("job/claim_jobs").digest
        self.last: dict[str, float] = {}
        #: Claims of workers, and those that came before the worker would have looked by itself.
        self.count = self.woken = 0

    async def run(self, began: asyncio.Event) -> None:
        """Read what the server is asked, until cancelled."""
        async with self._redis.monitor() as monitor:
            began.set()
            async for command in monitor.listen():
                words = command["command"].split(" ")
                if words[0].upper() == "EVALSHA" and words[1] == self._step:
                    self._note(words[3 + int(words[2])], command["time"])

    def _note(self, worker: str, now: float) -> None:
        self.count += 1
        self.woken += now - self.last.get(worker, 0.0) < LOOKS_AGAIN * 0.9
        self.last[worker] = now


@row("32", "one job comes to 200 idle workers", arq="it polls, each worker twice a second")
async def test_one_job_for_many_workers(pool):
    """200 workers in 4 processes, each with its own engine, connections and heartbeat, wait. 40
    jobs come one by one. By MONITOR those claims are counted for which a worker was woken."""
    before = {pool.side.variable: pool.server.url, VARIABLE: str(pool.ledger.path)}
    command = [sys.executable, "many.py", str(WORKERS // PROCESSES)]
    for number in range(PROCESSES):
        environment = {**before, "PYTHONPATH": os.pathsep.join(sys.path)}
        log = pool.folder / f"many-{number}.log"
        pool.workers.append(Worker(command, JOBS, environment, log))
    async with asyncio.timeout(180):
        while await pool.redis.zcard("gatherq:workers:arq:queue") < WORKERS:
            await asyncio.sleep(0.05)
    claims, began = Claims(pool.redis), asyncio.Event()
    counting = asyncio.create_task(claims.run(began))
    await began.wait()
    begun = monotonic()
    await asyncio.sleep(2.0)
    idle, by_chance = claims.count / (monotonic() - begun), claims.woken
    pool.must(by_chance < idle / 10, "the row is not one: idle workers look before their time")
    claims.woken, begun = 0, monotonic()
    for number in range(ONE_BY_ONE):
        jobs = await pool.submit([("nap", (0.0,))], executions=1, batch_id=f"one{number}")
        await pool.outcomes(jobs)
        pool.all_are(jobs, "succeeded")
    spent, each = monotonic() - begun, claims.woken / ONE_BY_ONE
    counting.cancel()
    pool.seen.append(
        f"{each:.1f} claims of woken workers for each job, beside {idle:.0f} a second of all, "
        f"which look by themselves; {spent / ONE_BY_ONE * 1000:.0f} ms from submission to outcome"
    )
    pool.must(each <= 2.0, f"{each:.1f} claims for each job")
    pool.turns = 2 * WORKERS  # in the end each process must get a job: all workers wait in one line


@row("32", "six jobs come to three idle workers", quick=True)
async def test_few_jobs_are_spread(pool):
    """Six jobs of 0.3 s, submitted at once to three idle workers, five times."""
    await pool.start(3)
    for _ in range(5):
        known = len(pool.ledger.lines())
        jobs = await pool.submit([("nap", (0.3,))] * 6, executions=1)
        await pool.outcomes(jobs)
        taken = Counter(line.pid for line in pool.ledger.lines()[known:])
        shares = sorted((taken[worker.pid] for worker in pool.workers), reverse=True)
        pool.seen.append("to " + ", ".join(map(str, shares)))
        pool.must(shares[-1] > 0 and shares[0] < 4, f"the six jobs went to {shares}")
