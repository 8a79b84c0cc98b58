"""Each key of a batch is lost, at each stage: its slots are repaired, or end and say so."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis

from gatherq import Producer, call
from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound

from .harness.pool import Pool
from .harness.rows import row
from .jobs.notes import monotonic

keys = KeySpace()
#: Seconds within which what was lost is repaired, or has ended.
WITHIN = 2.0
#: Completions of batches of no more slots bring the results along, to those who wait for them.
BROUGHT_ALONG = 10
#: Seconds for a busy machine.
ROOM = 1.0


async def completions(redis: Redis, batch: str, job: str) -> None:
    """Take single entries out of the stream of completions."""
    for at, _ in await redis.xrange(keys.done(batch)):
        await redis.xdel(keys.done(batch), at)


async def place(redis: Redis, batch: str, job: str) -> None:
    await redis.zrem(keys.queue, job)


def key(*makers: Callable[..., str]) -> Callable[..., Awaitable[None]]:
    """Delete keys of a job."""

    async def lose(redis: Redis, batch: str, job: str) -> None:
        await redis.delete(*[maker(job) for maker in makers])

    return lose


def key_of_batch(maker: Callable[..., str]) -> Callable[..., Awaitable[None]]:
    """Delete a key of a batch."""

    async def lose(redis: Redis, batch: str, job: str) -> None:
        await redis.delete(maker(batch))

    return lose


def all_of(*losses: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Lose several things."""

    async def lose(redis: Redis, batch: str, job: str) -> None:
        for each in losses:
            await each(redis, batch, job)

    return lose


#: What is lost of a batch, and of one slot of it.
LOSSES = {
    "job data": key(keys.job),
    "token": key(keys.in_progress),
    "retry count": key(keys.retry),
    "result": key(keys.result),
    "history": key(keys.attempts),
    "place in the queue": place,
    "completion entries": completions,
    "completion stream": key_of_batch(keys.done),
    "batch": key_of_batch(keys.batch),
    "digests": key_of_batch(keys.digests),
    "slots to go first": key_of_batch(keys.again),
    "error groups": key_of_batch(keys.errors),
    "place, job data": all_of(place, key(keys.job)),
    "place, token": all_of(place, key(keys.in_progress)),
    "place, token, retry count": all_of(place, key(keys.in_progress, keys.retry)),
    "place, token, job data": all_of(place, key(keys.in_progress, keys.job)),
    "token, retry count": key(keys.in_progress, keys.retry),
    "result, completions": all_of(key_of_batch(keys.done), key(keys.result)),
    "all of the job": all_of(place, key(keys.job, keys.in_progress, keys.retry, keys.result)),
}
#: How a slot may end that has lost something, at a stage: else it succeeds, as all the others.
ENDS = {
    ("job data", "queued"): {"UnreadableJob", "LostJob"},
    ("place, job data", "queued"): {"LostJob", "UnreadableJob"},
    ("place, token, job data", "queued"): {"LostJob", "UnreadableJob"},
    ("place, token, job data", "running"): {"LostJob", "succeeded"},
    ("place, token, job data", "half collected"): {"LostJob", "succeeded"},
    ("batch", "queued"): {"BatchNotFound"},
    ("batch", "running"): {"BatchNotFound"},
    ("batch", "half collected"): {"BatchNotFound"},
    ("batch", "ended"): {"BatchNotFound", "succeeded"},
    ("all of the job", "queued"): {"LostJob", "UnreadableJob"},
    ("all of the job", "running"): {"LostJob", "succeeded"},
    ("all of the job", "half collected"): {"LostJob", "succeeded"},
    ("all of the job", "ended"): {"LostResult"},
    ("result", "ended"): {"LostResult"},
    ("result, completions", "ended"): {"LostJob"},
}


async def by_outcomes(batch: Any) -> list[Any]:
    return await batch.outcomes()


async def in_order(batch: Any) -> list[Any]:
    return [outcome async for outcome in batch]


async def as_completed(batch: Any) -> list[Any]:
    return sorted([outcome async for outcome in batch.as_completed()], key=lambda o: o.slot)


async def by_handles(batch: Any) -> list[Any]:
    return [await handle.outcome() for handle in batch.handles()]


async def by_wait(batch: Any) -> list[Any]:
    done, _ = await batch.wait()
    return sorted([await handle.outcome() for handle in done], key=lambda o: o.slot)


READERS = [by_outcomes, in_order, as_completed, by_handles, by_wait]
#: Batches: how many jobs, of which name, and the terms.
SHAPES: dict[str, tuple[int, str, dict[str, Any]]] = {
    "small": (4, "nap", {}),
    "large": (260, "nap", {}),
    "max_at_once": (6, "nap", {"max_at_once": 2}),
    "parked": (6, "narrow", {}),
}


class Reading:
    """A batch, what is to be lost of it, and who reads it: a victim slot takes some time."""

    def __init__(self, number: int, loss: str, shape: str) -> None:
        self.loss, self.id = loss, f"b{number}"
        self.reader = READERS[(number + len(shape)) % len(READERS)]
        self.size, self.job, self.terms = SHAPES[shape]
        if number % 2:
            self.terms = {**self.terms, "deadline": 60}
        self.victim = number % 2 * (self.size - 1)
        self.batch: Any = None
        self.task: asyncio.Task[None] | None = None
        self.ended: float | None = None
        self.said: list[str] = []

    def __str__(self) -> str:
        return f"{self.loss} of slot {self.victim} of {self.size}, by {self.reader.__name__}"

    async def submit(self, pool: Pool, work: float, port: int = 0) -> None:
        """Submit it, by a producer of its own; the victim is held at a `port`, if there is one."""
        gate = [self.id] if self.job == "narrow" else []
        calls = [call(self.job, *gate, 0.0) for _ in range(self.size)]
        calls[self.victim] = call(self.job, *gate, work, port)
        self.batch = await pool.ours.producer().submit(calls, batch_id=self.id, **self.terms)

    async def lose(self, redis: Redis) -> None:
        """Take away what is to be lost."""
        await LOSSES[self.loss](redis, self.id, f"{self.id}:{self.victim}")

    def read(self) -> None:
        """Begin to read."""
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            self.said = [said(outcome) for outcome in await self.reader(self.batch)]
        except BatchNotFound:
            self.said = ["BatchNotFound"] * self.size
        self.ended = monotonic()

    def check(self, pool: Pool, stage: str, allowed: float, begun: float) -> None:
        """Note what was not to be."""
        pool.must(self.ended is not None, f"{self}: never ended")
        if self.ended is None:
            return
        took = self.ended - begun
        pool.must(took <= allowed, f"{self}: after {took:.2f} s, where {allowed} s are allowed")
        pool.must(len(self.said) == self.size, f"{self}: {len(self.said)} outcomes")
        expected = ENDS.get((self.loss, stage), {"succeeded"})
        if expected == {"LostResult"} and self.size <= BROUGHT_ALONG:
            expected = {"LostResult", "succeeded"}
        pool.must(self.said[self.victim] in expected, f"{self} ends as {self.said[self.victim]}")
        beside = {*self.said[: self.victim], *self.said[self.victim + 1 :]}
        beside -= expected if self.loss == "batch" else {"succeeded"}
        pool.must(not beside, f"{self}: its neighbours end as {beside}")


def said(outcome: Any) -> str:
    """Return the status of an outcome, of a failure the type of its error."""
    return str(outcome.error.type if outcome.status == "failed" else outcome.status)


def check_executions(pool: Pool, readings: Sequence[Reading]) -> None:
    """A job runs once, unless the claim of it was lost; then twice."""
    executions = pool.ledger.executions()
    for each in readings:
        most = 2 if "token" in each.loss or "all" in each.loss else 1
        ran = executions[f"{each.id}:{each.victim}"]
        pool.must(ran <= most, f"I3: {each}: the job ran {ran} times")
        others = [n for id_, n in executions.items() if id_.startswith(f"{each.id}:") and n > 1]
        pool.must(len(others) <= most - 1, f"I3: {each}: neighbours ran twice")


async def forget(pool: Pool, batch: str) -> None:
    """Take away what is left of a batch whose hash has gone: all of it has an end."""
    async for left in pool.redis.scan_iter(f"arq:*:{batch}:*", 1000):
        pool.must(await pool.redis.pttl(left) != -1, f"{left!r} stays for ever")
        await pool.redis.delete(left)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stage", ["queued", "running", "half collected", "ended"])
@row("27", "a key of a batch or of a slot is lost", arq="arq has no batches")
async def test_each_key_of_a_batch(pool, stage, shape):
    """19 batches, half with a deadline, each lose another key, or several (job data, token, result,
    place in the queue, completions, the batch ...), and are read in five ways."""
    await pool.start(2, "--concurrency", "3000")
    readings = [Reading(number, loss, shape) for number, loss in enumerate(LOSSES)]
    held = stage in ("running", "half collected")
    work = 1.0 if held else 0.0
    if stage == "queued":
        for worker in pool.workers:
            worker.stop()
    hold = await pool.hold()
    for each in readings:
        await each.submit(pool, work, hold.port if held else 0)
        if stage != "ended":
            each.read()
    if held:
        for each in readings:
            await pool.started(1, f"{each.id}:{each.victim}")
    if stage in ("half collected", "ended"):
        for each in readings:
            while (await each.batch.counts()).finished < each.size - (stage != "ended"):
                await asyncio.sleep(0.01)
    begun = monotonic()
    for each in readings:
        await each.lose(pool.redis)
    hold.release()
    for each in readings:
        if stage == "ended":
            each.read()
    for worker in pool.workers:
        worker.wake()
    allowed = WITHIN + ROOM + work
    await asyncio.wait([each.task for each in readings], timeout=allowed + 5)
    for each in readings:
        each.task.cancel()
        each.check(pool, stage, allowed, begun)
    check_executions(pool, readings)
    slowest = max((each.ended or begun) for each in readings) - begun - work
    pool.recovery = slowest
    pool.seen.append(f"the last had ended after {slowest:.2f} s and the {work:.0f} s of a job")
    await forget(pool, next(each.id for each in readings if each.loss == "batch"))


@row("27", "a slot is lost of a batch whose jobs go on to end", arq="arq has no batches")
async def test_a_batch_that_is_never_silent(pool):
    """Jobs of a batch end every 0.3 s, and the second slot is lost with all that Redis has of it:
    who reads in order gets its outcome, and needs not wait for the others."""
    await pool.start(2)
    producer = pool.ours.producer()
    calls = [call("nap", 0.3 * slot) for slot in range(1, 30)]
    batch = await producer.submit(calls, batch_id="busy")
    await pool.started(len(calls))
    async with aclosing(aiter(batch)) as outcomes:
        await anext(outcomes)
        await LOSSES["all of the job"](pool.redis, "busy", "busy:1")
        await LOSSES["completion stream"](pool.redis, "busy", "busy:1")
        async with pool.recovers(WITHIN + ROOM, "the slot that was lost had ended"):
            lost = await anext(outcomes)
    pool.must(said(lost) in ("LostJob", "succeeded"), f"the slot ends as {lost}")
    others = [said(each) for each in (await batch.outcomes())[2:]]
    pool.must(set(others) == {"succeeded"}, f"its neighbours end as {others}")


READ = """
import asyncio, json, sys
from gatherq import Producer
from gatherq.errors import BatchNotFound

async def read(producer, id_):
    batch = await producer.batch(id_)
    print("attached", flush=True)
    try:
        found = [getattr(o, "error", None) or o.status for o in await batch.outcomes()]
    except BatchNotFound:
        found = ["BatchNotFound"] * len(batch)
    return id_, [getattr(each, "type", each) for each in found]

async def main():
    async with Producer(sys.argv[1]) as producer:
        found = await asyncio.gather(*[read(producer, id_) for id_ in sys.argv[2:]])
        print(json.dumps(dict(found)))

asyncio.run(main())
"""


@row(
    "27",
    "a key is lost of a batch that another process reads",
    arq="arq has no batches",
    quick=True,
)
async def test_a_second_process(pool):
    """The same losses with all jobs under way, and a process that attached to the batches by id."""
    await pool.start(2)
    readings = [Reading(number, loss, "small") for number, loss in enumerate(LOSSES)]
    for each in readings:
        await each.submit(pool, 2.0)
    words = ["-c", READ, pool.server.url, *(each.id for each in readings)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    for _ in readings:
        await process.stdout.readline()
    begun = monotonic()
    for each in readings:
        await each.lose(pool.redis)
    allowed = WITHIN + ROOM + 2.0
    async with pool.recovers(allowed, "the process had all outcomes, of jobs of 2 s,"):
        found = json.loads(await process.stdout.read())
    await process.wait()
    for each in readings:
        each.said, each.ended = found[each.id], begun
        each.check(pool, "running", allowed, begun)
    check_executions(pool, readings)


async def by_gather(producer: Producer) -> list[str]:
    """Return what became of four jobs."""
    calls = [call("nap", 1.0 + slot / 1000) for slot in range(4)]
    found = await producer.gather(*calls, return_exceptions=True)
    return [getattr(each, "type", "succeeded") for each in found]


async def by_map(producer: Producer) -> list[str]:
    """The same."""
    naps = [1.0 + slot / 1000 for slot in range(4)]
    return [said(each) async for each in producer.map("nap", naps, window=4)]


async def by_map_as_completed(producer: Producer) -> list[str]:
    """The same."""
    naps = [1.0 + slot / 1000 for slot in range(4)]
    found = [each async for each in producer.map("nap", naps, window=4, ordered=False)]
    return [said(each) for each in sorted(found, key=lambda outcome: outcome.slot)]


async def by_single_handles(producer: Producer) -> list[str]:
    """The same."""
    calls = [call("nap", 1.0 + slot / 1000) for slot in range(4)]
    handles = [await producer.submit_one(each) for each in calls]
    return [said(await handle.outcome()) for handle in handles]


VERBS = {
    "gather": by_gather,
    "map": by_map,
    "map, as completed": by_map_as_completed,
    "single handles": by_single_handles,
}


@pytest.mark.parametrize("verb", VERBS)
@row("27", "a key is lost while a verb waits", arq="arq has no such verbs")
async def test_each_verb(pool, verb):
    """gather, map and single handles wait for jobs of 1 s, each of one batch or several, and a
    running job loses its place, claim and count; then its data, too; or the completions go."""
    await pool.start(2)
    for loss in ("place, token, retry count", "all of the job", "completion stream", "batch"):
        known = {line.id for line in pool.ledger.lines()}
        waiting = asyncio.create_task(VERBS[verb](pool.ours.producer()))
        await pool.started(len(pool.ledger.lines()) + 4)
        job = min({line.id for line in pool.ledger.lines()} - known)
        async with pool.recovers(WITHIN + ROOM + 1, f"{loss}: all had ended, of jobs of 1 s,"):
            await LOSSES[loss](pool.redis, job.rpartition(":")[0], job)
            try:
                found = await waiting
            except BatchNotFound:
                found = ["BatchNotFound"]
        found = [each for each in found if each != "succeeded"]
        allowed = {"all of the job": [[], ["LostJob"]], "batch": [["BatchNotFound"]]}
        pool.must(found in allowed.get(loss, [[]]), f"{loss}: jobs end as {found}")


WRITE = """
import asyncio, sys
from gatherq import Producer, call

async def main():
    async with Producer(sys.argv[1]) as producer:
        await producer.submit([call("nap", 0.0)] * 4_000, batch_id="half")

asyncio.run(main())
"""


@row("27", "a producer dies in mid-submission", arq="arq submits each job by itself")
async def test_a_partial_submission(pool):
    """SIGKILL of a process that writes 4,000 jobs; another attaches and collects."""
    await pool.start(2)
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITE, pool.server.url)
    while not int(await pool.redis.hget(keys.batch("half"), "written") or 0):
        await asyncio.sleep(0.001)
    writer.kill()
    await writer.wait()
    written = int(await pool.redis.hget(keys.batch("half"), "written"))
    pool.must(written < 4_000, "the row is not one: all was written")
    batch = await pool.ours.producer().batch("half")
    async with pool.recovers(WITHIN + ROOM, f"all had ended of {written} jobs that were written,"):
        found = [said(each) for each in await batch.outcomes()]
    pool.must(set(found[:written]) == {"succeeded"}, "what was written does not succeed")
    pool.must(set(found[written:]) == {"NeverSubmitted"}, f"the rest ends as {found[-1]}")


#: Keys of a queue, by what is to be deleted.
OF_THE_QUEUE = {
    "queue": [keys.queue],
    "wake list": [keys.wake],
    "queue and wake list": [keys.queue, keys.wake],
    "cancellations": [keys.cancel_marks],
    "workers": [keys.workers, keys.queues, "gatherq:worker:*"],
    "record": ["gatherq:events:*", "gatherq:batches:*", "gatherq:totals:*", "gatherq:stats:*"],
}
OF_PLACES = {
    "gates": ["gatherq:gates:*"],
    "gate": ["gatherq:gate:*"],
    "holders": ["gatherq:holders:*"],
    "waiting": ["gatherq:waiting:*"],
    "gates and waiting": ["gatherq:gates:*", "gatherq:waiting:*"],
    "lane": ["gatherq:lane:*"],
    "lanes": ["gatherq:lanes:*"],
    "lane and lanes": ["gatherq:lane:*", "gatherq:lanes:*"],
    "lane wakes": ["gatherq:lane-wake:*", "gatherq:place-free:*", "gatherq:lane-served:*"],
    "all of places": ["gatherq:gate*", "gatherq:hold*", "gatherq:wait*", "gatherq:lane*"],
    "queue and places": [keys.queue, "gatherq:gate*", "gatherq:wait*", "gatherq:lane*"],
}


async def remove(redis: Redis, patterns: Sequence[str]) -> int:
    """Delete keys; return how many there were."""
    names = [name for each in patterns async for name in redis.scan_iter(each, 1000)]
    return await redis.delete(*names) if names else 0


@pytest.mark.parametrize("what", OF_THE_QUEUE | OF_PLACES)
@row("27", "a key that batches share is lost", arq="it has no batches, gates or lanes")
async def test_each_shared_key(pool, what):
    """In the middle of four batches (small, large, parked at a gate, parked in a lane)."""
    await pool.start(2)
    batches = [
        [("nap", 0.5)] * 4,
        [("nap", 0.01)] * 260,
        [("narrow", "gate", 0.3)] * 6,
        [("placed", 0.2)] * 16,
    ]
    found = [await pool.submit([(name, tuple(words)) for name, *words in each]) for each in batches]
    pool.recorder.forget()
    reading = [asyncio.create_task(pool.outcomes(each)) for each in found]
    await pool.started(10)
    async with pool.recovers(
        WITHIN + ROOM + 0.9, "all jobs had ended, which takes 0.9 s by itself,"
    ):
        await remove(pool.redis, (OF_THE_QUEUE | OF_PLACES)[what])
        await asyncio.wait(reading)
    for each in found:
        pool.all_are(each, "succeeded")
