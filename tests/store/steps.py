"""What the tests of the Lua steps do again and again."""

import asyncio
import re
from dataclasses import fields
from types import SimpleNamespace

from gatherq.client import batch_operations
from gatherq.contract import records
from gatherq.contract.keys import KeySpace, job_id
from gatherq.errors import BatchNotFound
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import Record
from gatherq_worker.attempt import Attempt

keys = KeySpace()

LEASE = 0.3
#: Scores from here on are of jobs that are parked: they wait for no time.
_PARKED = 1e14


async def claim(store, n=10, contact=True):
    """Claim in full contact with Redis, or in none."""
    now, _ = await store.find_claims(jobs=False)  # which is no sign of life
    claim = await store.claim(n, now - 10_000 if contact else now, now)
    found = {field.name: getattr(claim, field.name) for field in fields(claim)}
    return SimpleNamespace(**found, attempts=[Attempt.read(claimed) for claimed in claim.jobs])


async def claim_all(store, n):
    """Claim in full contact until there are so many, or no more: large batches come in parts."""
    attempts = []
    while len(attempts) < n and (found := (await claim(store, n - len(attempts))).attempts):
        attempts += found
    return attempts


async def contact(store):
    """Say how a worker is in full contact with Redis: since when, and until when."""
    now, _ = await store.find_claims(jobs=False)  # which is no sign of life
    return now - 10_000, now


def record(attempt: Attempt, worker="w1", keep=60.0):
    payload = records.result_head(worker, attempt.number).encode() + b'"status":"succeeded"}'
    return Record(attempt, "succeeded", payload, keep)


async def is_old(redis):
    """Tell whether the server is older than Redis 7, as Valkey never is."""
    return int((await redis.info("server"))["redis_version"].partition(".")[0]) < 7


async def rights(redis, *words):
    """Return rights of a user as the server's ACL writes them: the old ones know no %R~."""
    old = await is_old(redis)
    return [word.replace("%R~", "~") if old else word for word in words]


async def expired(redis, attempt):
    """Wait until the lease of an attempt has run out."""
    while await redis.exists(keys.in_progress(attempt.job_id)):
        await asyncio.sleep(0.01)


async def pass_time(redis, queue, batch, seconds):
    """Move the times of a batch and its jobs back: for the server so much time has passed."""
    ms = round(seconds * 1000)
    facts = await redis.hgetall(keys.batch(batch))
    times = {b"created", b"deadline", b"leased", b"writing", b"patient"} & facts.keys()
    async with redis.pipeline(transaction=False) as pipe:
        for field in times:
            pipe.hincrby(keys.batch(batch), field, -ms)
        for slot in range(int(facts[b"size"])):
            await _pass_time_of(redis, pipe, queue, job_id(batch, slot), ms)
        await pipe.execute()


async def _pass_time_of(redis, pipe, queue, id_, ms):
    if (score := await redis.zscore(queue, id_)) is not None and score < _PARKED:
        pipe.zincrby(queue, -ms, id_)
    if (left := await redis.pttl(keys.in_progress(id_))) > ms:
        pipe.pexpire(keys.in_progress(id_), left - ms)
    else:
        pipe.delete(keys.in_progress(id_))
    if job := await redis.get(keys.job(id_)):
        earlier = re.sub(rb'(?<=,"et":)\d+', lambda at: b"%d" % (int(at[0]) - ms), job)
        pipe.set(keys.job(id_), earlier, keepttl=True)


class Asks(BatchStore):
    """What a producer asks of Redis, in one place; whole batches as `Batch` does it."""

    def __init__(self, redis, keys):
        super().__init__(redis, keys)
        self.sweep, self.mend = self.maintenance.sweep, self.maintenance.mend
        self.extend, self.delete = self.maintenance.extend, self.maintenance.delete
        self.size_of = self.maintenance.size_of
        self.ended_badly, self.put_back = self.redrive.ended_badly, self.redrive.put_back
        self.standings, self.recorded = self.slot_states.read, self.slot_states.recorded
        self.missing = self.completions.missing
        self.signatures = self.redrive.signatures

    async def cancel(self, batch, slots, by, request=""):
        if request:
            return await super().cancel(batch, slots, by, request)
        return await self._whole(batch_operations.cancel(self._session, batch, slots or (), by))

    async def run_again(self, batch, but=()):
        counts = await self.counts(batch)
        if counts is None:
            return None
        after, last = b"0", {}
        while True:
            after, found = await self.completions.read(batch, after)
            if not found:
                break
            last.update(found)
        kept = ("succeeded", "redriven")
        ended = {slot: s for slot, s in last.items() if s not in kept and slot not in but}
        return await self._whole(batch_operations.redrive(self._session, batch, ended))

    async def remove(self, batch):
        return await self._whole(batch_operations.delete(self._session, batch)) is not False

    @property
    def _session(self):
        return SimpleNamespace(
            store=self, retry=lambda method, *args, **options: method(*args, **options)
        )

    async def _whole(self, work):
        try:
            return await work
        except BatchNotFound:
            return None if work.__name__ != "delete" else False
