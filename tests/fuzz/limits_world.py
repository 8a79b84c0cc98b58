"""Batches with limits, workers that claim, park and die, and what may be lost of them.

An operation is a tuple: the name of a method of `LimitsWorld`, and numbers that choose among what
is there at that time. So any list of operations can be run, and a shorter one too.
"""

import asyncio
import math
from dataclasses import dataclass, field

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.parking import Admission, LaneRoom
from gatherq_worker.attempt import Attempt
from tests.store.steps import Asks

QUEUES = ["limits", "limits-2"]
#: Queue of each worker.
WORKERS = [0, 0, 0, 1]
LEASE = 100.0
LANES = ["thread", "process"]
#: How far time is moved, in ms: further than any delay or deadline here, and more than a lease.
LATER = 200_000
PARKED = 1e14 + 0.25
BAND = 1e13


@dataclass
class Terms:
    """What a batch is submitted with."""

    size: int
    max_at_once: int | None = None
    max_per_second: float | None = None
    pace: str = ""
    priority: int = 0
    delay: float = 0.0
    tolerate: int | None = None
    deadline: float | None = None
    #: Own priority and delay of slots.
    own: dict[int, tuple[int | None, float | None]] = field(default_factory=dict)
    #: Which gate its jobs pass: none, one of `GATES`, or by slot.
    gate: str = ""
    queue: int = 0
    #: Slots in one call, and how many calls are made at first.
    chunk: int = 400
    calls: int = 99

    @property
    def is_limited(self):
        return self.max_at_once is not None or self.max_per_second is not None

    @property
    def is_gradual(self):
        return self.size > 200 or self.is_limited


@dataclass
class Known:
    """What the model knows of a batch."""

    name: str
    order: int
    terms: Terms
    life: str
    #: Whether the counts in its hash can be relied on: nothing of it was lost.
    is_sound: bool = True
    #: Whether its jobs start in order: no death, retry, redrive, parking or loss so far.
    is_calm: bool = True
    is_deleted: bool = False
    last: int = -1


@dataclass
class Held:
    """A claim that a worker holds, or believes to hold."""

    attempt: Attempt
    worker: int
    gate: str = ""
    begun: bool = False


class LimitsWorld:
    """Its stores, its batches, and what its workers hold."""

    def __init__(self, redis, gates):
        self.redis, self.gates = redis, gates
        self.keys = [KeySpace(queue) for queue in QUEUES]
        self.workers = [
            JobStore(redis, self.keys[queue], f"w{n}", LEASE) for n, queue in enumerate(WORKERS)
        ]
        self.asks = [Asks(redis, keys) for keys in self.keys]
        self.batches: list[Known] = []
        self.held: list[Held] = []
        #: Gates whose holders were lost: more may be inside.
        self.open: set[tuple[int, str]] = set()
        #: Whether it was lost who is at which gate: holders are found to be gone when others come.
        self.is_leaky = False
        #: Starts by pace, and how many may be in a second: each between two times (ms).
        self.starts: dict[str, list[tuple[int, int]]] = {}
        self.rates: dict[str, float] = {}
        self.has_lost_turns = False

    # --- choosing

    @property
    def alive(self):
        return [known for known in self.batches if not known.is_deleted]

    def one(self, n):
        """Return one of the batches that are there; None where there is none."""
        alive = self.alive
        return alive[n % len(alive)] if alive else None

    def gate_of(self, known, slot):
        kind = known.terms.gate
        return sorted(self.gates)[slot % len(self.gates)] if kind == "mixed" else kind

    async def now(self):
        seconds, micros = await self.redis.time()
        return seconds * 1000 + micros // 1000

    # --- operations of producers

    async def submit(self, terms):
        """Submit a batch, or its first calls."""
        n = len(self.batches)
        known = Known(f"b{n}", n, terms, f"life{n}")
        self.batches.append(known)
        await self._write(known, terms.calls)

    async def _write(self, known, calls=9999):
        terms, jobs = known.terms, []
        for slot in range(terms.size):
            jobs.append(records.encode_job(call("f", slot), known.name, slot, None))
        options = BatchOptions(
            tolerate=terms.tolerate,
            deadline=terms.deadline,
            max_at_once=terms.max_at_once,
            max_per_second=terms.max_per_second,
            priority=terms.priority,
            delay=terms.delay,
            pace=terms.pace,
        )
        firsts = list(range(0, terms.size, terms.chunk))[:calls]
        for first in firsts:
            chunk = jobs[first : first + terms.chunk]
            reply = await self.asks[terms.queue].submit(
                known.name,
                terms.size,
                3600,
                first,
                chunk,
                options=options,
                digests=digests(chunk),
                life=known.life,
                terms={s: t for s, t in terms.own.items() if first <= s < first + len(chunk)},
            )
            assert (reply.size, reply.differs, reply.behind) == (terms.size, -1, None), reply

    async def resubmit(self, n):
        """Submit a batch again, with all its calls."""
        if known := self.one(n):
            known.is_calm = False
            await self._write(known)

    async def come_back(self, n):
        """Submit a batch again that was deleted."""
        gone = [known for known in self.batches if known.is_deleted]
        if gone:
            known = gone[n % len(gone)]
            known.life, known.is_deleted, known.is_sound = known.life + "+", False, True
            known.is_calm = False
            await self._write(known)

    async def cancel(self, n, slots):
        """Cancel slots of a batch, or all."""
        if known := self.one(n):
            chosen = sorted({slot % known.terms.size for slot in slots})
            await self.asks[known.terms.queue].cancel(known.name, chosen, "me")

    async def sweep(self, n):
        """End what may not run any more."""
        if known := self.one(n):
            contact = (await self.now() - 3_000_000, await self.now())
            asks = self.asks[known.terms.queue]
            await asks.sweep(known.name, force=True, contact=contact)

    async def mend(self, n, give_up):
        """Look after all slots; once more for those that are not written."""
        if known := self.one(n):
            await self._mend(known, give_up)

    async def _mend(self, known, give_up):
        asks, written = self.asks[known.terms.queue], -1
        for _ in range(2 if give_up else 1):
            reply = None
            for first in range(0, known.terms.size, 250):
                slots = range(first, min(first + 250, known.terms.size))
                reply = await asks.mend(known.name, slots, written)
            written = reply.written

    async def redrive(self, n):
        """Run again what did not succeed."""
        if known := self.one(n):
            known.is_calm = False
            await self.asks[known.terms.queue].run_again(known.name)

    async def delete(self, n):
        """Remove a batch."""
        if known := self.one(n):
            known.is_deleted = True
            await self.asks[known.terms.queue].remove(known.name)

    # --- operations of workers

    async def claim(self, worker, n, places):
        """Claim up to n jobs, with places for so many of each lane (0: no lanes).

        Returns in how many ms there may be more, as far as is known.
        """
        now = await self.now()
        lanes = [LaneRoom(lane, places, lane, places) for lane in LANES] if places else []
        store = self.workers[worker]
        reply = await store.claim(n, now - 3_000_000, now, lanes=lanes)
        found = [Attempt.read(claimed) for claimed in reply.jobs]
        named = {known.name: known for known in self.alive}
        self._check_order(found, named)
        for attempt in found:
            known = named[attempt.batch]  # nothing of a deleted batch is claimed
            assert attempt.life == known.life
            held = Held(attempt, worker, self.gate_of(known, attempt.slot))
            if attempt.job:
                attempt.job = attempt.job.model_copy(update={"priority": known.terms.priority})
            else:  # its data is lost: all that begins is its failure
                held.gate, held.begun = "", True
            self.held.append(held)
            if rate := known.terms.max_per_second:
                pace = f"{known.terms.queue} {known.terms.pace}" if known.terms.pace else known.life
                self._note_start(pace, rate, reply.now, reply.now)
            if attempt.number > 1:
                known.is_calm = False
        for batch in reply.to_sweep:
            await store.sweep(batch)
        return 0 if found else reply.next_in

    def _check_order(self, found, named):
        """Check properties of order."""
        last = None
        for attempt in found:
            known = named.get(attempt.batch)
            calm = known and known.is_calm and known.terms.priority >= 0 and not known.terms.delay
            if not calm or attempt.number > 1 or known.terms.own:
                continue
            assert attempt.slot > known.last, f"{attempt.job_id} after {known.last}"
            known.last = attempt.slot
            terms = known.terms
            if terms.is_gradual or terms.delay or terms.calls < 99 or terms.chunk < terms.size:
                continue
            if last and last.terms.priority == terms.priority:
                assert last.order <= known.order, f"{attempt.job_id} after {last.name}"
            last = known

    async def park(self, worker, lanes):
        """Let what this worker has claimed begin, or park it; `lanes` is drawn for each."""
        mine = [held for held in self.held if held.worker == worker and not held.begun]
        asking = []
        for n, held in enumerate(mine):
            lane = lanes[n % len(lanes)] if lanes else ""
            if lane:
                asking.append((held, Admission(held.attempt, lane)))
            elif held.gate:
                gate = self.gates[held.gate]
                asking.append((held, Admission(held.attempt, "", gate)))
            else:
                held.begun = True
        if not asking:
            return
        before = await self.now()
        replies = await self.workers[worker].park([admission for _, admission in asking])
        named = {known.name: known for known in self.alive}
        after = await self.now()
        for (held, _), begins in zip(asking, replies, strict=True):
            if begins:
                held.begun = True
                if interval := self.gates[held.gate].interval:
                    gate = f"gate {WORKERS[worker]} {held.gate}"
                    self._note_start(gate, 1_000_000 / interval, before, after)
            else:
                self.held.remove(held)
                if held.attempt.batch in named:
                    named[held.attempt.batch].is_calm = False

    def _note_start(self, pace, rate, before, after):
        self.rates[pace] = rate
        self.starts.setdefault(pace, []).append((before, after))

    def check_rates(self):
        """Check that no second has more starts than it may."""
        for pace, starts in self.starts.items():
            most = int(self.rates[pace] + max(1, self.rates[pace] / 100) + 1e-9)
            for (first, _), (_, last) in zip(starts, starts[most:], strict=False):
                said = f"more than {most} starts in {last - first} ms of {pace}: {starts}"
                assert last - first >= 1000 or self.has_lost_turns, said

    def _some(self, worker, first, n):
        mine = [held for held in self.held if held.worker == worker and held.begun]
        first %= max(len(mine), 1)
        return mine[first : first + n]

    async def record(self, worker, first, n, status):
        """Record outcomes of what has begun."""
        await self._record(worker, self._some(worker, first, n), status)

    async def _record(self, worker, some, status="succeeded"):
        if not some:
            return
        store = self.workers[worker]
        outcomes = [ended(held.attempt, f"w{worker}", status) for held in some]
        reply = await store.record(outcomes)
        for held in some:
            self.held.remove(held)
        for batch in reply.to_sweep:
            await store.sweep(batch)
        for batch in reply.to_extend:
            await store.extend(batch)

    async def release(self, worker, first, n, charge, delay):
        """Give claims back."""
        some = self._some(worker, first, n)
        entry = b'{"attempt":1,"status":"failed"}' if charge else b""
        releases = [Release(held.attempt, delay, charge, entry) for held in some]
        await self.workers[worker].release(releases)
        for held in some:
            self.held.remove(held)
            self._disturb(held.attempt.batch)

    def _disturb(self, batch):
        for known in self.batches:
            if known.name == batch:
                known.is_calm = False

    async def renew(self, worker):
        """Renew all that a worker believes to hold."""
        mine = [held for held in self.held if held.worker == worker]
        latest = {held.attempt.job_id: held for held in mine}
        reply = await self.workers[worker].renew([held.attempt for held in latest.values()])
        for held in mine:
            if latest[held.attempt.job_id] is not held or held.attempt.job_id in reply.lost:
                self.held.remove(held)

    async def lapse(self, worker, first, n):
        """Let leases run out: the worker lost Redis. It still believes to hold the jobs."""
        mine = [held for held in self.held if held.worker == worker]
        first %= max(len(mine), 1)
        await self._lapse(mine[first : first + n])

    async def _lapse(self, some):
        now = await self.now()
        for held in some:
            self._disturb(held.attempt.batch)
            if await self.is_current(held):
                id_, queue = held.attempt.job_id, QUEUES[WORKERS[held.worker]]
                await self.redis.delete(self.keys[0].in_progress(id_))
                await self.redis.zadd(queue, {id_: now - 1}, xx=True)

    async def is_current(self, held):
        a = held.attempt
        token, number = await self.redis.mget(
            self.keys[0].in_progress(a.job_id), self.keys[0].retry(a.job_id)
        )
        if token is not None:
            return token.decode() == f"w{held.worker}:{a.number}:{a.claim}"
        score = await self.redis.zscore(QUEUES[WORKERS[held.worker]], a.job_id)
        return number == b"%d" % a.number and score is not None and score % 1 == 0

    # --- time, and loss

    async def later(self):
        """Let delays and deadlines pass."""
        now = await self.now()
        for known in self.alive:
            key = self.keys[0].batch(known.name)
            for name in ("deadline", "starts", "patient"):
                if await self.redis.hexists(key, name):
                    await self.redis.hincrby(key, name, -LATER)
        paced = {k.name for k in self.alive if k.terms.max_per_second and not k.terms.delay}
        for queue in QUEUES:
            for member, score in await self.redis.zrange(queue, 0, -1, withscores=True):
                at = score % BAND
                if member.decode().rpartition(":")[0] in paced and at - now < 10_000:
                    continue  # its turn comes soon
                held = await self.redis.exists(self.keys[0].in_progress(member.decode()))
                if score < 9.5 * BAND and at > now and not held:
                    await self.redis.zincrby(queue, -LATER, member)

    async def lose(self, what, n):
        """Lose a key, or a member of one."""
        known = self.one(n // 16)
        if not known:
            return
        keys = self.keys[known.terms.queue]
        queue, slot = keys.queue, n % known.terms.size
        gate = sorted(self.gates)[n % len(self.gates)]
        known.is_sound = known.is_calm = False
        lane = LANES[n % len(LANES)]
        match what:
            case "entry":
                await self.redis.zrem(queue, f"{known.name}:{slot}")
            case "queue":
                await self.redis.delete(queue)
                for each in self.alive:
                    if each.terms.queue == known.terms.queue:
                        each.is_sound = each.is_calm = False
            case "again":
                await self.redis.delete(keys.again(known.name))
            case "token":
                id_ = f"{known.name}:{slot}"
                await self.redis.delete(keys.in_progress(id_), keys.retry(id_))
            case "data":
                await self.redis.delete(keys.job(f"{known.name}:{slot}"))
            case _:
                for each in self.alive:
                    each.is_sound = each.is_calm = False
                lost = {
                    "lane": keys.lane(lane),
                    "holders": keys.holders(gate),
                    "waiting": keys.waiting(gate),
                    "gates": keys.gates,
                    "gate": keys.gate(gate),
                    "lanes": keys.lanes,
                }
                await self.redis.delete(lost[what])
                self.has_lost_turns |= what == "gate"
                self.is_leaky |= what in ("holders", "gates")
                if what == "holders":
                    self.open.add((known.terms.queue, gate))

    # --- properties

    async def check(self):
        """Check what holds at every instant."""
        members = {
            queue: await self.redis.zrange(queue, 0, -1, withscores=True) for queue in QUEUES
        }
        for known in self.alive:
            await self._check_batch(known, members[QUEUES[known.terms.queue]])
        inside: dict[tuple[int, str], set[str]] = {}
        for held in self.held:
            if held.begun and held.gate and await self.is_current(held):
                place = (WORKERS[held.worker], held.gate)
                inside.setdefault(place, set()).add(held.attempt.job_id)
        for place, jobs in inside.items():
            most = self.gates[place[1]].most
            assert most is None or place in self.open or len(jobs) <= most, f"{place}: {jobs}"

    async def _check_batch(self, known, members):
        mine = [(m.decode(), s) for m, s in members if m.decode().rpartition(":")[0] == known.name]
        raw = await self.redis.hgetall(self.keys[0].batch(known.name))
        raw = {name.decode(): value for name, value in raw.items()}
        fields = {name: int(value) for name, value in raw.items() if value.isdigit()}

        def of(name):
            return fields.get(name, 0)

        statuses = ("succeeded", "failed", "timed_out", "cancelled", "lost")
        done = sum(of(status) for status in statuses)
        said = f"{known.name} {known.terms}: {fields}, {len(mine)} in the queue"
        most = known.terms.max_at_once
        assert most is None or len(mine) <= most, f"more than {most} of {said}"
        assert done <= known.terms.size, said
        if not known.is_sound:
            return
        if known.terms.is_gradual:
            inside = of("admitted") + of("beyond") - of("again") - done
            assert inside == len(mine), f"inside is {inside} of {said}"
            again = await self.redis.zcard(self.keys[0].again(known.name))
            assert again == of("again"), f"{again} again of {said}"
        parked = sum(score == PARKED for _, score in mine)
        assert parked == of("parked"), f"{parked} parked of {said}"
        counts = await self.redis.mget(["none", *(self.keys[0].retry(id_) for id_, _ in mine)])
        begun = [
            (id_, score)
            for (id_, score), count in zip(mine, counts[1:], strict=True)
            if int(count or 0) > 0 and score % 1 in (0, 0.5)
        ]
        assert len(begun) == of("running"), f"begun are {begun} of {said}"

    async def drain(self):
        """Let plain workers run all, after all others have died; then check what is left."""
        await self._lapse(self.held)
        self.held = []
        for known in self.alive:
            await self._write(known)
        await self.later()
        await self._work()
        for known in self.alive:
            if known.is_sound:
                await self._check_done(known, "workers alone")
        for _ in range(4):
            if await self._are_done():
                break
            for known in self.alive:
                await self._mend(known, give_up=True)
                await self.sweep(self.alive.index(known))
            await self._work()
        for known in self.alive:
            await self._check_done(known, "workers and collectors")
        await self._check_empty()
        self.check_rates()

    async def _are_done(self):
        for known in self.alive:
            counts = await self.asks[known.terms.queue].counts(known.name)
            if counts.finished < counts.size:
                return False
        return True

    async def _work(self):
        for worker in (0, 3):
            while await self._work_once(worker):
                pass

    async def _work_once(self, worker):
        """Do what is due; return whether there is more, once a rate allows it."""
        await self.workers[worker].tend_lanes(LANES)
        wait = await self.claim(worker, 100, 100)
        await self.park(worker, [])
        await self._record(worker, [held for held in self.held if held.worker == worker])
        if await self.redis.lpop(self.keys[WORKERS[worker]].wake):
            return True
        if wait:
            await asyncio.sleep(wait / 1000)
        return wait is not None

    async def _check_done(self, known, who):
        counts = await self.asks[known.terms.queue].counts(known.name)
        fields = await self.redis.hgetall(self.keys[0].batch(known.name))
        said = f"{known.name} {known.terms} with {who}: {fields}"
        assert counts is not None, said
        assert counts.finished == counts.size == known.terms.size, said
        results = await self.asks[known.terms.queue].results(known.name, range(known.terms.size))
        assert all(results), said
        if known.terms.is_gradual:
            admitted, beyond, again = (
                int(fields.get(name, 0)) for name in (b"admitted", b"beyond", b"again")
            )
            inside = admitted + beyond - again
            assert inside == known.terms.size or not known.is_sound, said
        for name in (b"running", b"parked", b"again"):
            assert int(fields.get(name, 0)) == 0 or not known.is_sound, said

    async def _check_empty(self):
        names = [key.decode() async for key in self.redis.scan_iter("gatherq:*", 1000)]
        kinds = ("gatherq:lane:", "gatherq:again:")
        of_gates = ("gatherq:waiting:", "gatherq:holders:", "gatherq:gates:")
        kinds += () if self.is_leaky else of_gates
        left = [name for name in names if name.startswith(kinds)]
        assert left == []
        for queue in QUEUES:
            assert await self.redis.zrange(queue, 0, -1) == []


def ended(attempt, worker, status):
    """Make an outcome."""
    head = records.result_head(worker, attempt.number).encode()
    name = f"{attempt.batch}:{attempt.slot}"
    tail = f'"id":"{name}","status":"{status}","r":1,"batch":"{attempt.batch}"}}'
    return Record(attempt, status, head + tail.encode(), math.inf)
