"""A worker and a producer in this process, which go on while what they read is damaged."""

import asyncio
import logging
import threading
from collections import Counter
from contextlib import aclosing, asynccontextmanager, suppress

from arq.connections import RedisSettings
from click.testing import CliRunner
from redis.asyncio import Redis

import gatherq_worker
from gatherq import GatherqError, Inspector, Producer, job
from gatherq.client.collection import janitor, worker_check
from gatherq.contract.keys import KeySpace
from gatherq_cli.main import main
from gatherq_worker.engine import heartbeat
from gatherq_worker.engine.places import parking

QUEUE = "live"
LEASE = 0.6
#: Seconds in which a healthy job ends, whatever else goes on.
SOON = 20.0


@job()
async def short(n: int) -> int:
    """Return the argument."""
    return n


@job()
async def long(seconds: float) -> None:
    """Take some time, in which something may be damaged."""
    await asyncio.sleep(seconds)


@job(retries=1, backoff=0.01)
async def again(n: int) -> int:
    """Fail."""
    raise ValueError(n)


@job(concurrency=1)
def threaded(n: int) -> int:
    """Return the argument, from a thread; others wait in a lane."""
    return n


@job(max_at_once=1)
async def gated(n: int) -> int:
    """Return the argument, one at a time; others wait at a gate."""
    await asyncio.sleep(0.001)
    return n


#: What `gatherq` has to look with; some words are followed by a batch.
COMMANDS = [("ls",), ("workers",), ("queue",), ("jobs",), ("events",), ("stats",), ("doctor",)]
COMMANDS += [("--json", "ls"), ("--json", "workers"), ("--json", "queue")]
OF_BATCH = ["show", "explain", "errors", "outcomes"]
JOBS = [short, long, again, threaded, gated]


class Lines(logging.Handler):
    """Counts what is logged, by message without its arguments."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.seen, self.last = Counter(), {}

    def emit(self, record):
        self.seen[record.msg] += 1
        self.last[record.msg] = record.getMessage()[:300]

    def take(self):
        """Return the lines since the last call."""
        seen, self.seen = self.seen, Counter()
        return {self.last[msg]: n for msg, n in seen.items()}


class Live:
    """The worker, a producer and an inspector, and who may be harmed."""

    def __init__(self, url, redis, worker, task, producer, inspector, lines):
        self.url, self.redis, self.worker, self.task = url, redis, worker, task
        self.producer, self.inspector, self.lines = producer, inspector, lines
        self.keys = KeySpace(QUEUE, int(url.rpartition("/")[2]))
        self.made, self.nudge = 0, "none"

    async def submit(self, calls, name, **options):
        """Submit a batch under a new name."""
        self.made += 1
        return await self.producer.submit(calls, batch_id=f"{name}{self.made}", **options)

    async def check_healthy(self, calls=None, name="good"):
        """Check that the worker lives, and runs healthy jobs once, at the first attempt."""
        good = await self.submit(calls or [short.call(n) for n in range(3)], name)
        await self.check_succeeds(good)

    async def check_succeeds(self, good):
        """Check that healthy jobs succeed, at the first attempt."""
        async with asyncio.timeout(SOON):
            outcomes = await good.outcomes()
        self.check_alive()
        said = [(o.status, o.attempt) for o in outcomes]
        assert set(said) == {("succeeded", 1)}, outcomes

    def check_alive(self):
        """Check that nothing of the worker has ended."""
        assert not self.task.done(), self.task
        names = [thread.name for thread in threading.enumerate()]
        assert "gatherq-heartbeat" in names, "the heartbeat has ended"

    async def check_listens(self):
        """Check that the worker hears of cancellations."""
        async with asyncio.timeout(SOON):
            while (await self.redis.pubsub_numsub(self.keys.channel))[0][1] != 1:
                await asyncio.sleep(0.01)

    async def find_nudge(self):
        """Look by which key the producer wakes itself."""
        self.nudge = next(iter(await self.redis.keys("gatherq:nudge:*")), b"none").decode()

    async def rest(self):
        """Check that what is damaged is not told again and again, while nothing else happens."""
        self.lines.take()
        await asyncio.sleep(0.5)  # time is what it is about
        lines = self.lines.take()
        assert sum(lines.values()) <= 6, lines

    async def read(self, batch):
        """Collect what has ended by now; an error of ours is an answer, too."""
        with suppress(GatherqError, TimeoutError):
            async with asyncio.timeout(SOON), aclosing(batch.as_completed(timeout=0)) as ended:
                async for outcome in ended:
                    assert outcome.job_id == f"{batch.id}:{outcome.slot}"

    async def inspect(self, name):
        """Look at everything that people look at; what is not found is an answer, too."""
        look = self.inspector
        looks = [
            look.batches, look.listed, look.workers, look.queue_info, look.pool, look.gates,
            look.queues, look.snapshot, look.jobs, look.statistics, look.latest_events,
            look.check,
        ]  # fmt: skip
        of_batch = [look.batch, look.error_groups, look.error_changes, look.running, look.report]
        for each in looks:
            await _said(each)
        for each in (*of_batch, look.explain):
            await _said(each, name)
        await _said(look.explain, f"{name}:1")
        with suppress(GatherqError):
            async for slot in look.slots(name):
                str(slot)

    async def look(self, r, name):
        """Run one of the commands that look, as in a terminal."""
        words = r.choice([*COMMANDS, *((each, name) for each in OF_BATCH)])
        of = ["--redis", self.url, "--queue", QUEUE, *words]
        said = await asyncio.to_thread(CliRunner().invoke, main, of)
        assert said.exception is None or isinstance(said.exception, SystemExit), said.exc_info


async def _said(look, *words):
    with suppress(GatherqError):
        async with asyncio.timeout(SOON):
            repr(await look(*words))


@asynccontextmanager
async def living(url, patch):
    """Start them, on an empty database; pauses are short, that all be read often."""
    patch.setattr(janitor, "LOOK_AGAIN", 0.05)
    patch.setattr(janitor, "LONGEST", 0.1)
    patch.setattr(worker_check, "SILENCE", 0.1)
    patch.setattr(worker_check, "LEAST_PAUSE", 0.05)
    patch.setattr(heartbeat, "ANNOUNCE_AGAIN", 0.2)
    patch.setattr(parking, "_TEND", 0.1)
    lines = Lines()
    logger = logging.getLogger("gatherq")
    logger.addHandler(lines)
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
        worker = gatherq_worker.Worker(
            JOBS,
            redis_settings=RedisSettings.from_dsn(url),
            queue_name=QUEUE,
            handle_signals=False,
            lease=LEASE,
            unknown_for=0.1,
            statistics=0.2,
            job_log=False,
            job_completion_wait=0,
            allow_abort_jobs=True,
            health_check_interval=0.2,
        )
        task = asyncio.create_task(worker.main())
        async with (
            Producer(url, queue=QUEUE, patience=5) as producer,
            Inspector(url, queue=QUEUE) as inspector,
        ):
            live = Live(url, redis, worker, task, producer, inspector, lines)
            try:
                await live.check_healthy()
                yield live
            finally:
                task.cancel()
                await asyncio.wait([task])
                await worker.close()
                logger.removeHandler(lines)
