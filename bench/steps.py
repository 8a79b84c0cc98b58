"""Server time of each Lua step, with a value of 1 MiB in each place that it reads.

Every step is run with 100 slots or jobs, first with nothing odd, then with each place damaged in
turn. The server's own clock (SLOWLOG) is what counts. Exits 1 if a step takes 5 ms or more.

python bench/steps.py [ROUNDS]
"""

import asyncio
import statistics
import sys
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.remote_errors.error_groups import ErrorGroup
from gatherq.contract.worker_record import MOST_HANDLERS, Beat, SignOff, WorkerNews, WorkerRecord
from gatherq.store.batches import BatchStore
from gatherq.store.claims import ClaimedJob
from gatherq.store.cron import CronRun, enqueue_cron_run
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.script import script
from gatherq.store.wrong_type import unless_wrong_type
from gatherq.testing.server import embedded_server

QUEUE, SIZE, BATCH, SIG = "q", 100, "b", "3fa9c107"
keys = KeySpace(QUEUE)
MIB = 1024 * 1024
#: Junk of 1 MiB: what patterns like least, and what looks like our own data.
JUNK = {
    "spaces": b" " * MIB,
    '"et":': b',"et":1' * (MIB // 7),
    "a job": b'{"f":"' + b"n" * MIB + b'","a":[],"k":{},"t":null,"timeout":1,"et":1}',
    "an argument": b'{"f":"f","a":["' + b"x" * MIB + b'"],"k":{},"t":null,"timeout":null,"batch":'
    b'"b","slot":7,"queue_timeout":0.001,"et":1}',
    "bytes": b"\xff" * MIB,
}
STEPS = [
    *("batch/submit", "job/claim_jobs", "job/renew_claims", "job/release_claims"),
    *("job/record_outcomes", "batch/cancel", "batch/sweep", "batch/mend", "batch/redrive"),
    *("batch/extend", "batch/renew_producer_lease", "job/find_claims", "job/enqueue_cron_run"),
    *("batch/delete", "worker/announce_worker", "worker/sign_off"),
]
FIELDS = [
    *("size", "expires", "written", "life", "keep", "cancelled_by", "created", "deadline", "limit"),
    *("lease", "leased", "queue_timeout", "tolerate", "writing", "succeeded", "failed", "running"),
    *("patient", "answered", "kind", "started", "ended", "generation"),
]


class Stage:
    """One batch of 100 slots: half of them claimed, some ended."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.worker = JobStore(redis, keys, "w", 60.0)
        self.asks = BatchStore(redis, keys)
        self.held: list[ClaimedJob] = []

    async def submit(self) -> None:
        """Write the batch, or write it again."""
        jobs = [records.encode_job(call("f", n), BATCH, n, None, 60.0) for n in range(SIZE)]
        terms = BatchOptions(tolerate=1000, lease=600.0, queue_timeout=60.0)
        sums = digests(jobs)
        await self.asks.submit(
            BATCH,
            SIZE,
            3600,
            0,
            jobs,
            options=terms,
            origin=BatchOrigin("submit", "label", by="h.1").of(["f"] * SIZE),
            digests=sums,
            life="l",
            patience=30,
        )

    async def begin(self) -> None:
        """Fail some, hold some, leave the rest in the queue."""
        await self.redis.flushdb()
        await self.submit()
        claimed = (await self.worker.claim(50, 0, 0)).jobs
        await self.worker.record([_ended(a, "failed") for a in claimed[:20]])
        again = [Release(a, charge=True, entry=b'{"attempt":1}') for a in claimed[45:]]
        await self.worker.release(again)
        self.held = claimed[20:45]
        await self.worker.renew([], beat=Beat({"seq": "0"}))

    async def run(self, step: str) -> None:
        """Run one step."""
        await getattr(self, f"_{step.partition('/')[2]}")()

    async def _submit(self) -> None:
        await self.submit()

    async def _claim_jobs(self) -> None:
        now = (await self.worker.claim(0, 0, 0)).now
        await self.worker.claim(100, now - 120_000, now)

    async def _renew_claims(self) -> None:
        await self.worker.renew(self.held, 1, 1, beat=Beat({"seq": "1", "jobs": "[]"}, _news("1")))

    async def _release_claims(self) -> None:
        await self.worker.release([Release(a, charge=True, entry=b"{}") for a in self.held])

    async def _record_outcomes(self) -> None:
        await self.worker.record([_ended(a, "succeeded") for a in self.held])

    async def _cancel(self) -> None:
        await self.asks.cancel(BATCH, range(SIZE), "me", "1")

    async def _sweep(self) -> None:
        mark = self.redis.execute_command("HSETNX", keys.batch(BATCH), "cancelled_by", "me")
        await unless_wrong_type(mark)
        await self.asks.maintenance.sweep(BATCH, force=True)

    async def _mend(self) -> None:
        await self.redis.delete(QUEUE)
        await self.asks.maintenance.mend(BATCH, range(SIZE), SIZE)

    async def _redrive(self) -> None:
        known = await self.asks.redrive.ended_badly(BATCH, dict.fromkeys(range(50), "failed"))
        await self.asks.redrive.put_back(BATCH, True, known, "1")

    async def _extend(self) -> None:
        await self.asks.maintenance.extend(BATCH)

    async def _renew_producer_lease(self) -> None:
        await self.asks.renew_lease(BATCH)

    async def _find_claims(self) -> None:
        await self.worker.find_claims()

    async def _enqueue_cron_run(self) -> None:
        run = CronRun("cron:1", f"{BATCH}:7", b"{}", 1, 1000)
        await enqueue_cron_run(self.redis, keys, run)

    async def _announce_worker(self) -> None:
        names = (f"{n:03}" + "n" * 28 for n in range(MOST_HANDLERS))
        await self.worker.announce(WorkerRecord.of_this_process(QUEUE, names, 60.0, {"loop": 100}))

    async def _sign_off(self) -> None:
        await self.worker.sign_off(SignOff(news=_news("2")))

    async def _delete(self) -> None:
        await self.asks.maintenance.delete(BATCH, 0)


def _news(seq: str) -> bytes:
    """Return the news of some names, with an event."""
    rows: list[list[str | int]] = [[name, 1, 5, 7, 900, 12, 5] for name in ("f", "g", "h")]
    return WorkerNews(seq, [("worker_blocked", "job", "b:1")], rows).encode()


def _ended(attempt: ClaimedJob, status: str) -> Record[ClaimedJob]:
    head = records.result_head("w", attempt.number).encode()
    sig = f"{SIG[:-2]}{attempt.slot % 40:02x}"  # of forty groups
    group = None if status == "succeeded" else ErrorGroup(sig, "t" * 300, "jobs.py in f")
    mark = b"" if group is None else b',"sig":"%b"' % sig.encode()
    payload = head + b'"id":"b:1","status":"x"%b}' % mark
    return Record(attempt, status, payload, 60, group=group, name="f")


Put = Callable[[Redis, bytes], Any]


def places() -> dict[str, Put]:
    """Say how junk gets into each place."""
    found: dict[str, Put] = {}
    for slot, what in ((7, "an ended"), (30, "a running"), (47, "a waiting"), (70, "a queued")):
        id_ = job_id(BATCH, slot)
        for key in (keys.job, keys.in_progress, keys.retry, keys.result):
            found[f"{key.__name__} of {what} job"] = _setter(key(id_))
        found[f"attempts of {what} job"] = _pusher(keys.attempts(id_))
    for field in FIELDS:
        found[f"field {field}"] = _fielder(field)
    of_batch = keys.batch, keys.done, keys.digests, keys.errors
    for whole in (each(BATCH) for each in of_batch):
        found[f"{whole} as text"] = _setter(whole)
    found["done entry"] = lambda redis, junk: redis.xadd(keys.done(BATCH), {junk: junk})
    of_record = keys.events, keys.batch_index, keys.totals
    of_workers = keys.workers, keys.queues, keys.worker("w")
    for shared in (
        keys.cancel_marks,
        keys.wake,
        *of_workers,
        *of_record,
        keys.quarantine,
        keys.abort,
    ):
        found[f"{shared} as text"] = _setter(shared)
    for field in ("groups", "other", SIG, f"{SIG}:text"):
        found[f"{field} of the errors"] = _fielder(field, keys.errors(BATCH))
    for field in ("f", "<unknown>"):
        found[f"{field} of the totals"] = _fielder(field, keys.totals)
    for field in ("seq", "started"):
        found[f"{field} of a record"] = _fielder(field, keys.worker("w"))
    found["event"] = lambda redis, junk: redis.xadd(keys.events, {junk: junk})
    found["batch in the index"] = lambda redis, junk: redis.zadd(keys.batch_index, {junk: 1})
    found["queue member"] = lambda redis, junk: redis.zadd(QUEUE, {junk: 1})
    found["queue member of the batch"] = lambda redis, junk: redis.zadd(
        QUEUE, {b"b:" + b"9" * len(junk): 1}
    )
    found["mark of a job"] = lambda redis, junk: redis.execute_command(
        "HSET", keys.cancel_marks, f"{BATCH}:70", junk
    )
    found["mark of no job"] = lambda redis, junk: redis.execute_command(
        "HSET", keys.cancel_marks, junk, "x"
    )
    found["abort member"] = lambda redis, junk: redis.zadd(keys.abort, {junk: 1})
    found["wake element"] = lambda redis, junk: redis.rpush(keys.wake, junk)
    found["worker"] = lambda redis, junk: redis.zadd(keys.workers, {junk: 1})
    found["queue of workers"] = lambda redis, junk: redis.zadd(keys.queues, {junk: 1})
    found["field of a record"] = lambda redis, junk: redis.execute_command(
        "HSET", keys.worker("w"), "handlers", junk
    )
    return found


def _setter(key: str) -> Put:
    return lambda redis, junk: redis.set(key, junk)


def _fielder(field: str, key: str = keys.batch(BATCH)) -> Put:
    return lambda redis, junk: redis.execute_command("HSET", key, field, junk)


def _pusher(key: str) -> Put:
    return lambda redis, junk: redis.rpush(key, junk)


async def measure(redis: Redis, stage: Stage, step: str, put: Put | None, junk: bytes) -> float:
    """Return the server time of a step, in ms."""
    await stage.begin()
    if put is not None:
        await put(redis, junk)
    await redis.execute_command("SLOWLOG", "RESET")
    await stage.run(step)
    digest = script(step).digest.encode()
    log = await redis.execute_command("SLOWLOG", "GET", 1000)
    found = [entry[2] for entry in log if digest in entry[3]]
    return float(max(found, default=0)) / 1000


async def main(rounds: int) -> int:
    """Print a line a step; return the exit code."""
    too_slow = 0
    with embedded_server() as (url, kind):
        async with Redis.from_url(url) as redis:
            await redis.config_set("slowlog-log-slower-than", 0)
            await redis.config_set("slowlog-max-len", 2000)
            stage = Stage(redis)
            print(f"{kind}; ms of server time, median of {rounds}; {len(places())} places")
            print(f"{'step':26} {'sound':>7} {'worst':>7}  where")
            for step in STEPS:
                sound = await _median(redis, stage, step, None, b"", rounds)
                worst, where = 0.0, ""
                for name, put in places().items():
                    for kind_of, junk in JUNK.items():
                        took = await measure(redis, stage, step, put, junk)
                        if took >= 2.5:  # the machine, or the step?
                            took = await _median(redis, stage, step, put, junk, rounds)
                        if took > worst:
                            worst, where = took, f"{name}: {kind_of}"
                too_slow += worst >= 5
                print(f"{step:26} {sound:7.2f} {worst:7.2f}  {where}", flush=True)
    return 1 if too_slow else 0


async def _median(
    redis: Redis, stage: Stage, step: str, put: Put | None, junk: bytes, rounds: int
) -> float:
    times = [await measure(redis, stage, step, put, junk) for _ in range(rounds)]
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)))
