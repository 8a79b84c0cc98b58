"""A batch with slots in every state, a sound one beside it, and what may be damaged."""

from contextlib import suppress
from time import time

from hypothesis import strategies as st
from redis.exceptions import ResponseError

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.error_groups import group_of
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.worker_record import Beat, SignOff, WorkerNews, WorkerRecord
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.queue_position import FRONT, Passing
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from tests.store.steps import Asks

from . import junk

QUEUE, SIZE, GOOD = "fuzz", 7, 3
keys = KeySpace(QUEUE)
#: Signature of the failures here.
NO = group_of("failed", {"error": ErrorInfo(type="ValueError", message="no")}).sig
#: What may be damaged, and ids of entries of a stream.
WAYS = ["key", "field", "member", "mark", "done", "entry", "error", "event", "worker"]
IDS = [b"*", b"18446744073709551615-1"]
FIELDS = [
    *("size", "expires", "written", "life", "keep", "cancelled_by", "created", "deadline", "limit"),
    *("lease", "leased", "queue_timeout", "tolerate", "writing", "deleting", "succeeded", "failed"),
    *("timed_out", "cancelled", "lost", "running", "patient", "answered"),
    *("kind", "label", "names", "by", "parent", "started", "ended", "generation"),
]
OF_SLOT = [keys.job, keys.in_progress, keys.retry, keys.result, keys.attempts]
OF_BATCH = [keys.batch, keys.done, keys.digests, keys.errors]
SHARED = [keys.cancel_marks, keys.wake, keys.workers, keys.quarantine]
SHARED += [keys.abort, f"{QUEUE}:health-check", keys.queues, keys.worker("w1")]
SHARED += [keys.events, keys.batch_index, keys.totals]
#: Fields of the record of a worker that a step reads, and of statistics.
OF_WORKERS = ["seq", "started", "seen", "f", "<unknown>"]
#: Fields of the error groups: of a group that is there, of the list of them, of earlier redrives.
OF_ERRORS = ["groups", "other", NO, f"{NO}:slot", f"{NO}:text", f"0|{NO}", "0|other"]


@st.composite
def damage(draw):
    """One thing that is not as it should be: (what is done, with what)."""
    slot_key = st.builds(lambda key, n: key(f"bad:{n}"), st.sampled_from(OF_SLOT), slots)
    batch_key = st.sampled_from([key("bad") for key in OF_BATCH])
    how = draw(st.sampled_from([*WAYS, "key", "field"]))
    match how:
        case "key":
            key = draw(st.one_of(slot_key, batch_key, st.sampled_from(SHARED)))
            return how, key, draw(junk.value())
        case "field":
            value = st.one_of(st.none(), junk.number, junk.text)
            return how, draw(st.sampled_from(FIELDS)), draw(value)
        case "member":
            member = st.one_of(junk.name, st.builds(lambda n: b"bad:%d" % n, slots))
            return how, draw(member), draw(junk.score)
        case "mark":
            return how, draw(junk.name), draw(junk.text)
        case "error":
            value = st.one_of(st.none(), junk.number, junk.text)
            return how, draw(st.sampled_from(OF_ERRORS)), draw(value)
        case "worker":
            value = st.one_of(junk.number, junk.text)
            return how, draw(st.sampled_from(OF_WORKERS)), draw(value)
        case "event":
            return how, draw(st.sampled_from(IDS)), {draw(junk.name): draw(junk.text)}
        case "done":
            pairs = st.dictionaries(junk.name, junk.text, min_size=1, max_size=3)
            return how, draw(st.sampled_from(IDS)), draw(pairs)
        case _:
            return how, draw(slots), draw(junk.text)


slots = st.integers(0, SIZE - 1)


async def damaged(redis, how, what, value):
    """Do one damage."""
    match how:
        case "key":
            await junk.put(redis, what, *value)
        case "field" if value is None:
            await _try(redis.hdel(keys.batch("bad"), what))
        case "field":
            await _try(redis.hset(keys.batch("bad"), what, value))
        case "member":
            await redis.zadd(QUEUE, {what: value})
        case "mark":
            await _try(redis.hset(KeySpace(QUEUE).cancel_marks, what, value))
        case "error" if value is None:
            await _try(redis.hdel(keys.errors("bad"), what))
        case "error":
            await _try(redis.hset(keys.errors("bad"), what, value))
        case "worker":
            for key in (keys.worker("w1"), keys.totals, keys.statistics(str(int(time() / 60)))):
                await _try(redis.hset(key, what, value))
        case "event":
            await _try(redis.xadd(keys.events, value, id=what))
        case "done":
            await _try(redis.xadd(keys.done("bad"), value, id=what))
        case "entry":
            await _try(redis.rpush(keys.attempts(f"bad:{what}"), value))


async def _try(work):
    try:
        await work
    except Exception:  # of another type by now
        return


class World:
    """Its stores, and what its worker holds."""

    def __init__(self, redis):
        self.redis = redis
        self.worker = JobStore(redis, KeySpace(QUEUE), "w1", 2.0)
        self.other = JobStore(redis, KeySpace(QUEUE), "w2", 2.0)
        self.asks = Asks(redis, KeySpace(QUEUE))
        self.held = []

    async def begin(self):
        """Succeeded, failed, running, given back; the rest is queued."""
        await self.submit()
        jobs = [records.encode_job(call("f", n), "good", n, None) for n in range(GOOD)]
        claimed = _attempts(await self.worker.claim(4, 0, 0))
        await self.asks.submit("good", GOOD, 3600, 0, jobs, life="g")
        await self.worker.record([ended(claimed[0]), ended(claimed[1], "failed")])
        await self.worker.release([Release(claimed[3], charge=True, entry=b'{"attempt":1}')])
        self.held = [claimed[2]]

    async def submit(self):
        """Write the batch, or write it again."""
        jobs = [records.encode_job(call("f", n), "bad", n, None, 60.0) for n in range(SIZE)]
        terms = BatchOptions(queue_timeout=60.0, lease=60.0, tolerate=5)
        sums = digests(jobs)
        origin = BatchOrigin("submit", "bad", by="h.1").of(["f"] * SIZE)
        given = {"options": terms, "origin": origin, "digests": sums, "life": "b"}
        await self.asks.submit("bad", SIZE, 3600, 0, jobs, **given)

    async def claim(self):
        """Take some."""
        now = (await self.worker.claim(0, 0, 0)).now
        self.held += _attempts(await self.worker.claim(2, now - 9_000, now))

    async def pass_over(self):
        """Take what is not of the good batch's name, wherever it stands, from place to place."""
        place = FRONT
        for _ in range(3):
            told = Passing(b'["\\"f\\"","\\"\\u00e9\\""]', 30_000, place)
            found = await self.worker.claim(2, *await self.contact(), told)
            self.held += _attempts(found)
            place = found.position

    async def renew(self):
        """Renew what is held, and tell of the worker, twice the same."""
        news = WorkerNews("7", [("worker_blocked", "job", "b:1")], [["f", 1, 1, 7, 5]]).encode()
        for _ in range(2):
            beat = Beat({"seq": "7", "state": "running"}, news)
            await self.worker.renew(self.held, *await self.contact(), beat=beat)

    async def finish(self):
        """End what is held, each alone and all together."""
        if self.held:
            await self.worker.record([ended(self.held[0], "failed")])
        await self.worker.record([ended(attempt) for attempt in self.held])
        self.held = []

    async def release(self):
        """Give back what is held, and again."""
        for _ in range(2):
            await self.worker.release([Release(attempt) for attempt in self.held])
        self.held = []

    async def contact(self):
        """Say since when and until when contact lasted."""
        now = (await self.worker.claim(0, 0, 0)).now
        return now - 9_000, now

    async def sweep(self):
        """End what is too late."""
        await self.asks.sweep("bad", force=True, contact=await self.contact())

    async def cancel(self):
        """Cancel a slot."""
        await self.asks.cancel("bad", [5], "me")

    async def cancel_all(self):
        """Cancel the batch."""
        await self.asks.cancel("bad", None, "me")

    async def mend(self):
        """Look after all slots, twice."""
        found = await self.asks.mend("bad", range(SIZE), -1)
        if found:
            await self.asks.mend("bad", range(SIZE), found.written)

    async def redrive(self):
        """Run again what failed."""
        slots = dict.fromkeys(range(SIZE), "failed")
        known = await self.asks.ended_badly("bad", slots)
        await self.asks.put_back("bad", True, known, "r:1")
        await self.asks.signatures("bad", range(SIZE))

    async def extend(self):
        """Let it stay."""
        await self.asks.extend("bad")
        await self.asks.extend("bad", 3600.0, "me")
        await self.asks.renew_lease("bad")

    async def bury(self):
        """Find what a worker holds."""
        for claimed in (await self.worker.find_claims())[1]:
            Attempt.read(claimed)
        await self.other.find_claims(jobs=False)

    async def look(self):
        """Read what collectors read, but outcomes."""
        await self.asks.counts("bad")
        await self.asks.name_of("bad", 3)
        await self.asks.standings("bad", range(SIZE))
        await self.asks.recorded("bad", range(SIZE))
        await self.asks.missing(["bad", "good"])

    async def announce(self):
        """Tell of a worker, and look who is there."""
        await self.worker.announce(WorkerRecord.of_this_process(QUEUE, ["f"], 2.0, {"loop": 1}))
        for queue in (QUEUE, "none"):
            with suppress(ResponseError):  # a list that is none; who looks contains it
                await self.asks.presence.look(queue, {})
        await self.asks.presence.sample({"bad": range(SIZE), "good": [0], "none": [0]})
        news = WorkerNews("8", [], [["f", 1, 1], ["g", 2, 1]]).encode()
        await self.worker.sign_off(SignOff(news=news))

    async def drain(self):
        """Run all that can be run; return the good batch's attempts, by slot."""
        good = {}
        for _ in range(100):
            found = await self.other.claim(50, *await self.contact())
            attempts = _attempts(found)
            good |= {a.slot: a.number for a in attempts if a.batch == "good"}
            await self.other.record([ended(a) for a in attempts])
            if not attempts and not found.quarantined:
                return good
        raise AssertionError("it never ends")


def _attempts(claim):
    return [Attempt.read(claimed) for claimed in claim.jobs]


STEPS = [name for name in vars(World) if name not in ("begin", "drain", "contact")]
STEPS = [name for name in STEPS if not name.startswith("_")]


def ended(attempt, status="succeeded"):
    """Make an outcome."""
    verdict = verdicts.failed("ValueError", "no") if status == "failed" else Verdict("succeeded", 1)
    times = Times(1_700_000_000_000, 1_700_000_000_001)
    verdict, payload = verdicts.encode_outcome(verdict, attempt, times, "w1", QUEUE)
    return Record(attempt, status, payload, 60, group=verdict.group, name=attempt.name)
