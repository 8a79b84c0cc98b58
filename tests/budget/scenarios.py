"""What is counted, and while what is done: a producer and workers in one process, in rounds."""

import asyncio
import functools
import linecache
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import arq.worker

from gatherq import Producer
from gatherq.testing.server import REAL, embedded_server
from gatherq_worker import registry
from gatherq_worker.arq.run import run_native
from gatherq_worker.settings import WorkerSettings

from .counts import Counts
from .lua_steps import instructions
from .rounds import RoundsLoop, side

#: Seconds that pass at once.
_STEP = 0.1
#: Runs of a scenario before counting: connections, scripts and caches are there then.
_WARM_UP = 3


def _jobs():
    """Import the jobs as from a path that is as long everywhere: it stands in tracebacks."""
    path, module = "/app/jobs.py", ModuleType("budget_jobs")
    source = Path(__file__).with_name("jobs.py").read_text()
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    sys.modules[module.__name__] = module
    exec(compile(source, path, "exec"), vars(module))
    return module


jobs = _jobs()


class Pool:
    """A producer, workers, and what they do counted."""

    def __init__(self, url, loops, counts):
        self._url, self._loops, self.counts = url, loops, counts
        self._workers = []
        self.producer = Producer(url, queue="budget", no_workers="ignore")

    async def start_workers(self, count=1, lease=600.0):
        """Start workers whose leases do not end, however slow the machine is."""
        settings = WorkerSettings.read(redis_url=self._url, queue="budget", lease=lease)
        handlers = registry.load([jobs.__name__])
        side.set("worker")
        for _ in range(count):
            run = run_native(handlers, settings, lambda worker: None, speaks=False)
            self._workers.append(asyncio.create_task(run))
        await self.settle()

    async def settle(self):
        """Wait until nothing is left to do, here and in the threads of the heartbeats."""
        await self.pass_time(0.0)

    async def pass_time(self, seconds):
        """Let time pass, in steps that no watchdog takes for a blocked loop."""
        here, of = asyncio.get_running_loop(), side.set("")
        for step in [_STEP] * round(seconds / _STEP) or [0.0]:
            await here.pass_time(step)
            for loop in self._loops[1:]:
                passed = asyncio.run_coroutine_threadsafe(loop.pass_time(step), loop)
                await asyncio.wrap_future(passed)
        side.reset(of)
        for worker in self._workers:
            assert not worker.done(), worker

    async def count(self, run, units, times=1):
        """Return the counts of some runs, for each unit, once things are warm."""
        side.set("producer")
        for _ in range(_WARM_UP):
            await self._once(run)
        self.counts.begin()
        for _ in range(times):
            await self._once(run)
        return {key: n / units / times for key, n in self.counts.end().items()}

    async def count_time(self, seconds):
        """Return the counts of so many seconds, for each, after more than as many others.

        What is done every ten seconds since the start would else be done as the counting begins, or
        before.
        """
        await self.pass_time(seconds + 4.7)
        self.counts.begin()
        await self.pass_time(seconds)
        return {key: n / seconds for key, n in self.counts.end().items()}

    async def _once(self, run):
        await run()
        await self.settle()


async def gather_of_one(pool):
    await pool.start_workers()
    return await pool.count(lambda: pool.producer.gather(jobs.noop.call(1)), 1, times=5)


async def gather_of_ten(pool):
    await pool.start_workers()
    calls = [jobs.noop.call(n) for n in range(10)]
    return await pool.count(lambda: pool.producer.gather(*calls), 1, times=5)


async def gather_of_1000(pool):
    await pool.start_workers()
    calls = [jobs.noop.call(n) for n in range(1000)]
    return await pool.count(lambda: pool.producer.gather(*calls), 1000)


async def failures_of_1000(pool):
    await pool.start_workers()
    calls = [jobs.fail.call(n) for n in range(1000)]
    gather = functools.partial(pool.producer.gather, *calls, return_exceptions=True)
    return await pool.count(gather, 1000)


async def submit_of_1000(pool):
    calls = [jobs.noop.call(n) for n in range(1000)]
    return await pool.count(lambda: pool.producer.submit(calls), 1000)


async def idle_worker(pool):
    await pool.start_workers(lease=5.0)
    return await pool.count_time(20)


async def busy_worker(pool):
    await pool.start_workers()
    await pool.producer.submit([jobs.hold.call(n) for n in range(100)])
    await pool.settle()
    return await pool.count_time(20)


async def idle_fleet(pool):
    await pool.start_workers(5)
    return await pool.count(lambda: pool.producer.gather(jobs.noop.call(1)), 1, times=5)


async def lua_steps(pool):
    return await instructions()


#: By name: what runs it, and what its counts are for each of.
SCENARIOS = {
    "gather_of_one": (gather_of_one, "gather"),
    "gather_of_ten": (gather_of_ten, "gather"),
    "gather_of_1000": (gather_of_1000, "job"),
    "failures_of_1000": (failures_of_1000, "job"),
    "submit_of_1000": (submit_of_1000, "job"),
    "idle_worker": (idle_worker, "second"),
    "busy_worker": (busy_worker, "second"),
    "idle_fleet": (idle_fleet, "gather"),
    "lua_steps": (lua_steps, "job"),
}


def run(name, clock, report):
    """Run a scenario, and report its counts and the object that has the details."""
    with embedded_server() as (url, kind):
        assert kind in REAL, "commands are those of a real server: gatherq[embedded]"
        place = urlsplit(url).hostname, urlsplit(url).port
        counts = Counts(*place)
        loops = []

        def make_loop():
            loops.append(RoundsLoop(counts, clock, *place))
            return loops[-1]

        asyncio.events.new_event_loop = make_loop  # that of a heartbeat, too
        arq.worker.time = clock  # by which it writes its health key

        async def main():
            scenario, _ = SCENARIOS[name]
            return await scenario(Pool(url, loops, counts))

        loop = make_loop()
        asyncio.set_event_loop(loop)
        report(loop.run_until_complete(main()), counts)
