"""All faults at random: `make chaos MINUTES=10 SEED=7`. The invariants hold throughout.

The same seed draws the same faults and jobs in the same order; when they meet is up to the machine.
"""

import argparse
import asyncio
import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random, randrange

from gatherq import Batch, Producer, call
from gatherq.errors import GatherqError
from tests.proxy import Proxy

from .harness.pool import LEASE, Pool, Submission
from .harness.sides import Call

#: What may become of each kind of job; all may be lost, after as many deaths as they have attempts.
ENDINGS = {
    "nap": {"succeeded"},
    "once": {"succeeded"},
    "give_back": {"succeeded"},
    "fail": {"failed"},
    "block": {"timed_out"},
    "swallow": {"timed_out"},
    "leave": {"lost"},
}
WEIGHTS = {"nap": 30, "once": 8, "give_back": 20, "fail": 5, "block": 1, "swallow": 2, "leave": 1}
#: Steps of which a reply is lost.
STEPS = ["job/claim_jobs", "job/record_outcomes", "job/renew_claims", "job/release_claims"]
JUNK = [b"\xff\xfe", b"\xed\xa0\x80", b"", b"x\ny", b"none:0", b"i" * 5000]
#: Batches that are under way at a time; seconds between two faults at the most.
BATCHES, PAUSE = 6, 4.0


class Mix:
    """A pool with four workers, two of them behind a proxy."""

    def __init__(self, pool: Pool, seed: int, proxy: Proxy) -> None:
        self._pool, self._proxy = pool, proxy
        self._faults, self._jobs = Random(seed), Random(seed + 1)
        self._open: set[asyncio.Task[None]] = set()
        self._cancelled: set[str] = set()
        self._numbers = itertools.count()
        #: How often each fault was done, and how each job ended.
        self._done: Counter[str] = Counter()
        self._endings: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        """Do faults for so long, then look whether all has ended as it may."""
        for n in range(4):
            self._start(n)
        await self._pool.ready()
        end = time.monotonic() + seconds
        submitting = asyncio.create_task(self._submit(end))
        try:
            await self._do_faults(end)
            await submitting
        finally:
            submitting.cancel()
        async with asyncio.timeout(150):
            while self._open:
                await asyncio.wait(self._open)
        await self._pool.ready()  # the last fault may have been a moment ago
        await self._pool.settle()
        for what, counted in (("faults", self._done), ("jobs", self._endings)):
            said = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
            self._pool.seen.append(f"{what}: {said}")

    # --- jobs

    async def _submit(self, end: float) -> None:
        r = self._jobs
        while time.monotonic() < end:
            size = r.choice([1, 5, 20, 60, 300])
            names = r.choices(list(WEIGHTS), WEIGHTS.values(), k=size)
            if size == 300:  # none that takes its worker down: that would be all that they do
                names = ["nap" if name in ("leave", "block") else name for name in names]
            calls = [(name, self._arguments(name)) for name in names]
            most = r.choice([None, None, 4]) if size < 60 else None
            task = asyncio.create_task(self._follow(calls, most))
            self._open.add(task)
            task.add_done_callback(self._followed)
            while len(self._open) >= BATCHES:
                await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(r.uniform(0, 0.5))

    def _followed(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._pool.violations.append(f"a collector ended with {error!r}")

    def _arguments(self, name: str) -> tuple[object, ...]:
        r = self._jobs
        match name:
            case "nap" | "once":
                return (r.choice([0.0, 0.05, 0.3, 1.0]),)
            case "block" | "swallow":
                return (3.0,)
            case "fail":
                return ("on purpose",)
            case _:
                return (r.randrange(1, 9),)

    async def _follow(self, calls: list[Call], most: int | None) -> None:
        pool = self._pool
        jobs = await pool.submit(
            calls, max_at_once=most, batch_id=f"mix-{next(self._numbers)}", executions=99
        )
        await pool.outcomes(jobs, within=90)
        self._check(jobs)

    def _check(self, jobs: Submission) -> None:
        """Each ended as it may, and was charged no more attempts than it has.

        What ran more often was not to blame for the end of a process that it ran in.
        """
        batch = jobs.ids[0].rpartition(":")[0]
        alive = {pid for worker in self._pool.workers for pid in worker.pids()}
        for (name, _), ending in zip(jobs.calls, jobs.endings, strict=True):
            self._endings[ending.status] += 1
            may = ENDINGS[name] | ({"cancelled"} if batch in self._cancelled else set()) | {"lost"}
            ran, most = self._pool.ledger.lines("start", ending.id), 1 if name == "once" else 2
            said = f"{name} {ending.id} is {ending.status} at attempt {ending.attempts}"
            said = f"{said} after {len(ran)} executions: {ending.error[:300]}"
            self._pool.must(ending.status in may, said)
            # Where a machine died, nobody knows what had begun.
            unknown = sum("its lease ran out" in each for each in ending.history)
            self._pool.must(ending.attempts - unknown <= most, f"I3: {said}")
            cut_off = sum(line.pid not in alive for line in ran)
            self._pool.must(len(ran) - max(ending.attempts, 1) <= cut_off, f"I3: {said}")
            if ending.status == "lost":
                self._pool.must(len(ran) + unknown >= most, f"lost before its time: {said}")

    # --- faults

    async def _do_faults(self, end: float) -> None:
        r = self._faults
        faults = {
            self._kill: 3,
            self._kill_child: 3,
            self._stop: 3,
            self._restart_server: 2,
            self._pause_server: 2,
            self._cut: 3,
            self._swallow: 2,
            self._lose: 3,
            self._flush_scripts: 2,
            self._cancel: 3,
            self._put_junk: 2,
            self._submit_again: 2,
        }
        while (left := end - time.monotonic()) > 0:
            fault = r.choices(list(faults), faults.values())[0]
            self._done[fault.__name__.strip("_").replace("_", " ")] += 1
            await fault()
            await asyncio.sleep(min(r.uniform(0, PAUSE), left))

    def _start(self, n: int) -> None:
        self._pool.worker("--processes", "1", url=self._proxy.url if n < 2 else None)

    def _one(self) -> int:
        alive = [n for n, worker in enumerate(self._pool.workers) if worker.is_alive]
        return self._faults.choice(alive)

    async def _kill(self) -> None:
        n = self._one()
        self._pool.workers[n].kill()
        self._start(n % 4)

    async def _kill_child(self) -> None:
        worker = self._pool.workers[self._one()]
        if len(worker.pids()) > 1:
            worker.kill_child()

    async def _stop(self) -> None:
        worker = self._pool.workers[self._one()]
        worker.stop()
        await asyncio.sleep(self._faults.uniform(0.1, 2 * LEASE))
        worker.wake()

    async def _restart_server(self) -> None:
        await self._pool.server.restart(away=self._faults.uniform(0, LEASE))

    async def _pause_server(self) -> None:
        await self._pool.server.pause(self._faults.uniform(0.1, 2 * LEASE))

    async def _cut(self) -> None:
        self._proxy.cut()

    async def _swallow(self) -> None:
        self._proxy.swallow()
        await asyncio.sleep(self._faults.uniform(0.1, 2 * LEASE))
        self._proxy.heal()

    async def _lose(self) -> None:
        self._proxy.lose(self._faults.choice(STEPS))

    async def _flush_scripts(self) -> None:
        await self._pool.redis.script_flush()

    async def _cancel(self) -> None:
        if batch := self._some_batch():
            self._cancelled.add(batch.id)
            with suppress(GatherqError):
                await batch.cancel()

    async def _put_junk(self) -> None:
        member = self._faults.choice(JUNK)
        await self._pool.redis.zadd("arq:queue", {member: self._faults.choice([0, 1.5, 1e12])})

    async def _submit_again(self) -> None:
        """Another producer submits what is under way, under its name: nothing runs twice."""
        if batch := self._some_batch():
            jobs = next(each for each in self._pool.submissions if each.submitted is batch)
            async with Producer(self._pool.server.url, patience=20) as producer:
                calls = [call(name, *words) for name, words in jobs.calls]
                await producer.submit(calls, batch_id=batch.id)

    def _some_batch(self) -> Batch | None:
        under_way = [each for each in self._pool.submissions if not each.endings]
        return self._faults.choice(under_way).submitted if under_way else None


async def mix(seed: int, seconds: float) -> list[str]:
    """Run the mix on a pool of its own; raises AssertionError with what did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    pool = Pool("gatherq", folder)
    await pool.open()
    try:
        await Mix(pool, seed, await pool.proxy()).run(seconds)
        if pool.violations:
            print(pool.said())
        assert not pool.violations, "\n".join(pool.violations[:20])
        return pool.seen
    finally:
        await pool.close()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=randrange(10_000))
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    print(f"SEED={options.seed} MINUTES={options.minutes:g}", flush=True)
    try:
        found = asyncio.run(mix(options.seed, 60 * options.minutes))
    except AssertionError as error:
        sys.exit(f"seed {options.seed}: what did not hold:\n{error}")
    print("\n".join(found))
    print(f"seed {options.seed}: every job ended once, and all else held")


if __name__ == "__main__":
    main()
