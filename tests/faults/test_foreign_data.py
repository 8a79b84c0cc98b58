"""Anything at all in keys and messages, beside workers that work and somebody who waits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from gatherq import call
from gatherq.contract.keys import KeySpace
from gatherq.errors import GatherqError
from tests.fuzz.junk import IDS, NUMBERS, SCORES, TEXTS, put

from .harness.pool import Pool
from .harness.rows import row

keys = KeySpace()
#: Seconds after the last damage within which who waits for a damaged batch has an answer.
WITHIN = 5.0
#: The jobs of a batch that is damaged: they take so long (s), two at a time; its slot that is.
NAPS, SLOT = [0.3] * 6, 3
#: Keys of a batch and its slot that are damaged, each of another batch.
OF_A_BATCH: dict[str, Callable[[str], str]] = {
    "job": lambda batch: keys.job(f"{batch}:{SLOT}"),
    "token": lambda batch: keys.in_progress(f"{batch}:{SLOT}"),
    "retry": lambda batch: keys.retry(f"{batch}:{SLOT}"),
    "result": lambda batch: keys.result(f"{batch}:{SLOT}"),
    "history": lambda batch: keys.attempts(f"{batch}:{SLOT}"),
    "batch": keys.batch,
    "done": keys.done,
    "errors": keys.errors,
    "digests": keys.digests,
    "again": keys.again,
}
#: Keys that all share.
SHARED = [
    *(keys.cancel_marks, keys.wake, keys.workers, keys.queues, keys.quarantine, keys.abort),
    *("gatherq:gates:arq:queue", "gatherq:lanes:arq:queue", "gatherq:events:arq:queue"),
    *("gatherq:batches:arq:queue", "gatherq:totals:arq:queue", "gatherq:lane:arq:queue:thread"),
]
#: Fields of a batch's hash, each of another batch. Not `queue`: any text is the name of one, and
#: the jobs of a batch that is of another queue are left alone.
FIELDS = [
    *("size", "written", "writing", "expires", "keep", "created", "deadline", "limit", "lease"),
    *("leased", "queue_timeout", "tolerate", "running", "succeeded", "failed", "cancelled"),
    *("parked", "gradual", "admitted", "beyond", "again", "called", "turn", "interval"),
    *("max_at_once", "priority", "starts", "pace", "passed", "life", "kind", "trace"),
    *("cancelled_by", "deleting", "patient", "answered", "started", "ended", "generation"),
]


def values() -> Iterator[tuple[str, Any]]:
    """Yield (type, contents) of what is put into a key."""
    for number, text in enumerate(TEXTS):
        yield "string", text
        name = IDS[number % len(IDS)] or b"x"
        match number % 5:
            case 0:
                yield "list", [text]
            case 1:
                yield "set", [text]
            case 2:
                yield "hash", {name: text}
            case 3:
                yield "zset", {name: SCORES[number % len(SCORES)]}
            case 4:
                yield "stream", {name: text}


async def beside(pool: Pool, names: list[str], damage: AsyncIterator[None]) -> None:
    """Run batches that are damaged, and a sound one; look at what becomes of each."""
    good = await pool.submit([("nap", (0.05,))] * 100, executions=1, batch_id="good", max_at_once=4)
    collecting = asyncio.create_task(pool.outcomes(good))
    readings = {}
    for name in names:
        calls = [call("nap", nap) for nap in NAPS]
        batch = await pool.ours.producer().submit(calls, batch_id=name, max_at_once=2)
        readings[name] = asyncio.create_task(answer(batch))
    async for _ in damage:
        await asyncio.sleep(0.01)
    async with pool.recovers(WITHIN + 1, "who waited for what was damaged had an answer"):
        await asyncio.wait(readings.values(), timeout=WITHIN + 2)
    for name, reading in readings.items():
        pool.must(reading.done(), f"who waits for {name} has no answer")
        if reading.done():
            said = ", ".join(f"{n} {what}" for what, n in Counter(reading.result()).items())
            pool.seen += [f"{name}: {said}"] if said != f"{len(NAPS)} succeeded" else []
        reading.cancel()
    await collecting
    pool.all_are(good, "succeeded")
    charged = [each.id for each in good.endings if each.attempts != 1]
    pool.must(not charged, f"charged: {charged}")
    for worker in pool.workers:
        pool.must("Traceback" not in worker.said(), "a worker has logged a traceback")


async def answer(batch: Any) -> list[str]:
    """Return what who waits for a batch is told."""
    try:
        return [
            each.error.type if each.status == "failed" else each.status
            for each in await batch.outcomes()
        ]
    except GatherqError as error:
        return [type(error).__name__]


async def clean(pool: Pool, *patterns: str) -> None:
    """Take away what was damaged: nothing else is to be left."""
    for pattern in patterns:
        async for name in pool.redis.scan_iter(pattern, 1000):
            await pool.redis.delete(name)


@row("28", "foreign data in each key of a batch", arq="it has few of these keys")
async def test_each_key_of_a_batch(pool):
    """Ten batches have another key damaged each, every 0.1 s: about 100 texts and values of each
    type, wrong bytes, sizes and numbers. A sound batch runs beside them."""
    await pool.start(2)

    async def damage() -> AsyncIterator[None]:
        for kind, contents in values():
            for name, key in OF_A_BATCH.items():
                await put(pool.redis, key(f"bad-{name}"), kind, contents)
                yield

    await beside(pool, [f"bad-{name}" for name in OF_A_BATCH], damage())
    await clean(pool, "*bad-*")


@row("28", "foreign data in each field of a batch", arq="it has no batches")
async def test_each_field_of_a_batch(pool):
    """As many batches as the hash of one has fields have one damaged each: numbers that are none,
    absurd ones, wrong bytes."""
    await pool.start(2)

    async def damage() -> AsyncIterator[None]:
        for text in [*NUMBERS, *TEXTS[18:30]]:
            for name in FIELDS:
                await pool.redis.hset(keys.batch(f"bad-{name}"), name, text)
            yield

    await beside(pool, [f"bad-{name}" for name in FIELDS], damage())
    await clean(pool, "*bad-*")


@row("28", "foreign data in each key that all share", arq="it has few of these keys")
async def test_each_shared_key(pool):
    """The same values in the keys of a queue, and in messages to its workers."""
    await pool.start(2)

    async def damage() -> AsyncIterator[None]:
        for kind, contents in values():
            for key in SHARED:
                await put(pool.redis, key, kind, contents)
            if kind == "string":
                await pool.redis.publish("gatherq:control:arq:queue", contents)
            yield

    await beside(pool, ["bad-none"], damage())
    await clean(pool, *SHARED)


@row("23", "foreign data in the queue", quick=True)
async def test_the_queue(pool):
    """Members that are no jobs (no UTF-8, NUL and newline, 5 kB, slots that are not there) with
    scores that are no times are put into the queue, again and again, beside 100 jobs."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (0.02,))] * 100, executions=1)
    collecting = asyncio.create_task(pool.outcomes(jobs))
    for score in SCORES:
        for member in IDS:
            await pool.redis.zadd(keys.queue, {member: score})
        await asyncio.sleep(0.02)
    await collecting
    pool.all_are(jobs, "succeeded")
    if not pool.is_ours:
        return
    # What has no score that is a time is as due as what has one: all of it goes.
    async with asyncio.timeout(10):
        while await pool.redis.zcount(keys.queue, "-inf", 2e12):
            await asyncio.sleep(0.05)
    held = await pool.redis.llen(keys.quarantine)
    pool.must(held > 0, "nothing is in quarantine")
    events = await pool.redis.xrange("gatherq:events:arq:queue")
    counted = sum(int(f[b"n"]) for _, f in events if f[b"event"] == b"quarantined")
    pool.must(counted >= held, f"{counted} were counted, and {held} are in quarantine")
    said = sum(worker.said().count("cannot be a job") for worker in pool.workers)
    pool.must(said <= counted, f"{said} lines for {counted} members")
    pool.seen.append(f"{counted} in quarantine, {said} lines in the log")
    await clean(pool, keys.queue)


@row("23", "foreign data in the place of the queue")
async def test_the_place_of_the_queue(pool):
    """The queue is replaced by a value of each other type, for 0.2 s each; then it goes, and what
    waits for jobs puts them back."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (0.3,))] * 20, batch_id="good", max_at_once=4)
    collecting = asyncio.create_task(pool.outcomes(jobs))
    await pool.started(4)
    for kind, contents in [("string", b"x"), ("list", [b"x"]), ("hash", {b"x": b"y"})]:
        await put(pool.redis, keys.queue, kind, contents)
        await asyncio.sleep(0.2)
    await pool.redis.delete(keys.queue)
    async with pool.recovers(WITHIN, "all had ended, which takes 1.5 s,"):
        await collecting
    pool.all_are(jobs, "succeeded")
