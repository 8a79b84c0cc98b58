"""Producers and workers of two queues, each beside the model of what must come of it.

Time is moved, never waited for: leases are long, and a death lets them run out.
"""

import json

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.store.jobs import JobStore, Release
from gatherq_worker.attempt import Attempt
from tests.store.outcomes import recorded
from tests.store.steps import Asks

from .model import Claim, Known

QUEUES = ["model", "model-2"]
#: Queue of each worker.
WORKERS = [0, 0, 1]
LEASE = 100.0
#: How far time is moved, in ms: further than a delay here, and more than a lease.
LATER, DELAY = 200_000, 50.0
#: Claims that are remembered, for those who come late.
MOST_PAST = 60


class ModelWorld:
    """What is asked of Redis, and at once of the model; `check` compares the two."""

    def __init__(self, redis):
        self.redis = redis
        self.keys = [KeySpace(queue) for queue in QUEUES]
        self.stores = [
            JobStore(redis, self.keys[queue], f"w{n}", LEASE) for n, queue in enumerate(WORKERS)
        ]
        self.asks = [Asks(redis, keys) for keys in self.keys]
        self.batches: dict[str, Known] = {}
        #: Batches of which the first chunk is deleted, and the rest is not.
        self.deleting: dict[str, Known] = {}
        self.held: list[Claim] = []
        self.past: list[Claim] = []
        self.made = self.lives = self.requests = 0

    def one(self, n):
        """Return one of the batches that are there; None where there is none."""
        alive = list(self.batches.values())
        return alive[n % len(alive)] if alive else None

    def some(self, worker, first, many):
        """Return some claims of a worker, each of another job."""
        mine = [claim for claim in self.held if claim.worker == worker]
        first %= max(len(mine), 1)
        return list({c.attempt.job_id: c for c in mine[first : first + many]}.values())

    async def now(self):
        seconds, micros = await self.redis.time()
        return seconds * 1000 + micros // 1000

    # --- producers

    async def submit(self, name, size, queue, *, named, tolerate, most, calls):
        """Submit a batch under a new name, or one that is free again; or its first chunks."""
        if name in self.batches or name in self.deleting:
            return
        self.lives += 1
        terms = {"named": named, "tolerate": tolerate, "most": most}
        self.batches[name] = known = Known(name, queue, size, f"life{self.lives}", **terms)
        await self.write(known, calls)

    async def write(self, known, calls=9999, twice=False):
        """Write the chunks of a batch, those that are there too."""
        for first in list(range(0, known.size, known.chunk))[:calls]:
            jobs = self.jobs_of(known)[first : first + known.chunk]
            for _ in range(1 + twice):
                reply = await self.submit_chunk(known, first, jobs, self.asks[known.queue])
                assert (reply.size, reply.differs, reply.behind) == (known.size, -1, None), reply
                known.write(first, len(jobs))
                assert reply.stopped == bool(known.by)

    async def submit_chunk(self, known, first, jobs, asks, size=None):
        return await asks.submit(
            *(known.name, size or known.size, 3600, first, jobs),
            options=BatchOptions(tolerate=known.tolerate, max_at_once=known.most),
            digests=digests(jobs) if known.named else b"",
            life=known.life,
            patience=None if known.named else 3600.0,
        )

    def jobs_of(self, known, of=""):
        calls = [call("f", slot, of) for slot in range(known.size)]
        return [records.encode_job(c, known.name, n, None) for n, c in enumerate(calls)]

    async def submit_another(self, n, _):
        """Submit something else under the name of a batch: nothing of it is written."""
        if not (known := self.one(n)):
            return
        how = ("calls", "size", "queue")[n % 3]
        other, asks, size = self.jobs_of(known)[: known.chunk], self.asks[known.queue], known.size
        if how == "calls":
            if not known.named:
                return
            other = self.jobs_of(known, "x")[: known.chunk]
        elif how == "size":
            size += 1
        else:
            asks = self.asks[1 - known.queue]
        reply = await self.submit_chunk(known, 0, other, asks, size)
        assert reply.size != size or reply.differs == 0, reply

    async def cancel(self, n, slots, twice):
        """Cancel slots of a batch, or all of it."""
        if not (known := self.one(n)):
            return
        self.requests += 1
        chosen, by = sorted({slot % known.size for slot in slots}), f"c{self.requests}"
        request = f"r{self.requests}"
        asks, found = self.asks[known.queue], set()
        for _ in range(1 + twice):
            found.add(await asks.cancel(known.name, chosen, by, request))
        assert found == {self._cancelled(known, chosen, by)}
        await self.settle({known.name: dict.fromkeys(chosen, by)})

    def _cancelled(self, known, chosen, by):
        if not chosen:
            if known.left and not known.by:
                known.by = by
            return known.left
        count = 0
        for at in chosen:
            slot = known.slots[at]
            if slot.status or at >= known.written:
                continue
            count += 1
            if slot.token:
                slot.marked = slot.marked or by
        return count

    async def sweep(self, n, contact, twice):
        """End what may not run any more; all of it that no worker may hold."""
        if known := self.one(n):
            for _ in range(1 + twice):
                contact_of = await self.contact(contact)
                await self.asks[known.queue].sweep(known.name, force=True, contact=contact_of)
            await self.settle()
            for at, slot in enumerate(known.slots):
                may_stay = slot.place == "lease" and not contact  # its worker may have lost Redis
                if not slot.status and known.by and not slot.token:
                    assert may_stay, f"{known.name}:{at} is not swept: {slot}"

    async def mend(self, n, twice):
        """Look after all slots, of which none is lost."""
        if known := self.one(n):
            for _ in range(1 + twice):
                await self._mend(known, -1)
            await self.asks[known.queue].extend(known.name)

    async def _mend(self, known, before):
        written = -1
        for first in range(0, known.size, 250):
            slots = range(first, min(first + 250, known.size))
            reply = await self.asks[known.queue].mend(known.name, slots, before)
            await self.settle({known.name: dict.fromkeys(slots, known.by)}, unwritten=True)
            written = reply.written
            assert written == known.written
            assert reply.ended == [at for at in slots if known.slots[at].status]
        return written

    async def give_up(self, n, _=False):
        """Look after a batch until what is not written has ended."""
        if known := self.one(n):
            await self._mend(known, await self._mend(known, -1))
            unwritten = known.slots[known.written :]
            assert not known.named or all(slot.status for slot in unwritten)

    async def redrive(self, n, twice):
        """Run again what did not succeed."""
        if not (known := self.one(n)):
            return
        self.requests += 1
        asks, total = self.asks[known.queue], 0
        slots = {at: slot.status for at, slot in enumerate(known.slots) if slot.status}
        badly = await asks.ended_badly(known.name, slots)
        for first in range(0, max(len(badly), 1), 50):
            found = set()
            for _ in range(1 + twice):
                request = f"r{self.requests}.{first}"
                chunk = badly[first : first + 50]
                found.add(await asks.put_back(known.name, not total, chunk, request))
            (count,) = found
            total += count
        assert total == known.redrive()

    async def delete(self, n, twice, part):
        """Remove a batch; or the first chunk of it, as where its producer dies meanwhile."""
        if not (known := self.one(n)):
            return
        del self.batches[known.name]
        asks = self.asks[known.queue]
        next_ = 0
        for _ in range(1 + twice):
            next_ = await asks.delete(known.name, 0)
        if next_ and part:
            self.deleting[known.name] = known
            return
        while next_:
            next_ = await asks.delete(known.name, next_)

    async def delete_rest(self, n, _=False):
        """Remove what is left of a batch."""
        if self.deleting:
            name = sorted(self.deleting)[n % len(self.deleting)]
            known = self.deleting.pop(name)
            assert await self.asks[known.queue].remove(name)

    # --- workers

    async def contact(self, full=True):
        now = await self.now()
        return (now - 3_000_000 if full else now, now)

    async def claim(self, worker, n, contact=True):
        """Claim jobs: those that may be claimed.

        All of them where there is room, unless others were woken for the rest.
        """
        queue = WORKERS[worker]
        due = await self._due(queue)
        found = await self.claim_unseen(worker, n, contact)
        shared = found.jobs and await self.redis.exists(self.keys[queue].wake)
        if len(found.jobs) < n and found.next_in != 0 and not shared:
            for known in self.batches.values():
                for at, slot in enumerate(known.slots):
                    left = slot.place and not slot.token and f"{known.name}:{at}" in due
                    left = left and (slot.place != "lease" or contact)
                    assert not left or known.queue != queue, f"{known.name}:{at} is left: {slot}"
        return found

    async def _due(self, queue):
        now, members = await self.now(), await self.scores(queue)
        return {id_ for id_, score in members.items() if score <= now}

    async def claim_unseen(self, worker, n, contact):
        """Claim jobs, each of which may be claimed."""
        await self.settle()
        waiting = await self._due(WORKERS[worker])
        found = await self.stores[worker].claim(n, *await self.contact(contact))
        for claimed in found.jobs:
            self._note_claim(worker, Attempt.read(claimed), waiting, contact)
        await self.settle()
        for batch in found.to_sweep:
            await self.stores[worker].sweep(batch)
        await self.settle()
        return found

    def _note_claim(self, worker, attempt, waiting, contact):
        known = self.batches[attempt.batch]
        slot = known.slots[attempt.slot]
        said = f"{attempt.job_id} of life {attempt.life}: {slot}"
        assert (attempt.life, WORKERS[worker]) == (known.life, known.queue), said
        assert attempt.job_id in waiting, said
        assert (slot.token, slot.status, known.is_over(slot)) == ("", "", False), said
        assert slot.place in ("fresh", "back", *(["lease"] if contact else [])), said
        slot.retry += 1
        assert attempt.number == slot.retry, said
        if slot.retry > 1 and slot.history[-1:] != [slot.retry - 1]:
            slot.history.append(slot.retry - 1)  # it died
        assert [entry["attempt"] for entry in attempt.history] == slot.history, said
        claim = Claim(worker, known, attempt)
        slot.place, slot.token = "lease", claim.token
        self.held.append(claim)
        self.past = [*self.past[-MOST_PAST:], claim]

    async def work(self, worker, status):
        """Claim all, and record it."""
        await self.claim(worker, 100)
        await self.record(worker, 0, 9999, status, twice=False)

    async def lose_claim(self, worker, n):
        """Lose the reply of a claim: the worker finds what it holds, and gives that back."""
        mine = {claim.token for claim in self.held if claim.worker == worker}
        await self.claim_unseen(worker, n, contact=True)
        _, found = await self.stores[worker].find_claims()
        tokens = {
            f"{known.name}:{at}"
            for known in self.batches.values()
            for at, slot in enumerate(known.slots)
            if slot.token.startswith(f"w{worker}:")
        }
        here = {each.job_id for each in found}
        assert {id_ for id_ in here if id_.rpartition(":")[0] not in self.deleting} == tokens
        strays = [c for c in self.held if c.worker == worker and c.token not in mine]
        await self._release(worker, strays, charge=False, delay=0.0, twice=False)

    async def renew(self, worker):
        """Renew all that a worker believes to hold."""
        await self._renew(worker, self.some(worker, 0, 9999))

    async def _renew(self, worker, claims):
        reply = await self.stores[worker].renew(
            [claim.attempt for claim in claims], *await self.contact()
        )
        lost = {claim.attempt.job_id for claim in claims if not self.holds(claim)}
        lost_here = {claim.attempt.job_id for claim in claims if self._is_deleting(claim)}
        assert set(reply.lost) - lost_here == lost - lost_here
        wanted = {}
        for claim in claims:
            if self.holds(claim):
                claim.slot.token, claim.slot.place = claim.token, "lease"
                if by := claim.slot.marked or claim.known.by:
                    wanted[claim.attempt.job_id] = by
        found = {id_: by for id_, by in reply.cancelled.items() if id_ not in lost_here}
        assert found == wanted
        self.held = [c for c in self.held if c not in claims or self.holds(c)]
        for batch in reply.to_sweep:
            await self.stores[worker].sweep(batch)
        await self.settle()

    def holds(self, claim):
        return self.is_there(claim) and claim.is_current

    def is_there(self, claim):
        return self.batches.get(claim.known.name) is claim.known

    def _is_deleting(self, claim):
        return self.deleting.get(claim.known.name) is claim.known

    async def record(self, worker, first, many, status, twice):
        """Record outcomes."""
        await self.finish(worker, self.some(worker, first, many), status, twice)

    async def finish(self, worker, claims, status, twice):
        """Record outcomes of these claims."""
        if not claims:
            return
        store = self.stores[worker]
        written = [outcome(claim, status) for claim in claims]
        expected = [self._said_to(claim, each) for claim, each in zip(claims, written, strict=True)]
        for round_ in range(1 + twice):
            reply = await store.record(written)
            for claim, each, said, found in zip(
                claims, written, expected, reply.replies, strict=True
            ):
                if self._is_deleting(claim):
                    assert found in ("gone", "refused")
                    continue
                again = "already" if said == "recorded" and round_ else said
                assert found == again, f"{claim.attempt.job_id}: {found}, not {again}: {claim.slot}"
                if found == "recorded":
                    self._note_outcome(claim, status, each.payload)
            if status not in ("succeeded", "cancelled"):
                for known in {id(c.known): c.known for c in claims}.values():
                    known.judge()
        await self.settle()
        self.held = [claim for claim in self.held if claim not in claims]
        for batch in reply.to_sweep:
            await store.sweep(batch)
        for batch in reply.to_extend:
            await store.extend(batch)
        await self.settle()

    def _said_to(self, claim, written):
        if self.is_there(claim) and claim.may_record:
            return "recorded"
        result = claim.slot.result if self.is_there(claim) else b""
        head = f'{{"worker":"w{claim.worker}","t":{claim.attempt.number},'.encode()
        return "already" if result.startswith(head) else "refused"

    def _note_outcome(self, claim, status, payload):
        slot, number = claim.slot, claim.attempt.number
        slot.told = [*(entry["attempt"] for entry in claim.attempt.history), number]
        if number > 1 or claim.attempt.history:
            slot.history = []
        claim.known.end(claim.attempt.slot, status, payload)
        slot.data = status != "succeeded"

    async def release(self, worker, first, many, charge, delay, twice):
        """Give claims back."""
        claims = self.some(worker, first, many)
        await self._release(worker, claims, charge=charge, delay=delay, twice=twice)

    async def _release(self, worker, claims, *, charge, delay, twice):
        if not claims:
            return
        releases = [
            Release(c.attempt, delay, charge, entry(c.attempt.number) if charge else b"")
            for c in claims
        ]
        for _ in range(1 + twice):
            mine = [claim for claim in claims if self.holds(claim)]
            beside = sum(map(self._is_deleting, claims))
            count = await self.stores[worker].release(releases)
            assert len(mine) <= count <= len(mine) + beside
            for claim in mine:
                slot, number = claim.slot, claim.attempt.number
                slot.token, slot.retry = "", number if charge else number - 1
                slot.place = "back" if charge or number > 1 else "fresh"
                slot.history += [number] if charge else []
        self.held = [claim for claim in self.held if claim not in claims]

    async def die(self, worker, first, many):
        """Let leases run out: their worker is dead, or has lost Redis, and believes otherwise."""
        await self.lapse(self.some(worker, first, many))

    async def lapse(self, claims):
        """Let the leases of these claims run out."""
        now = await self.now()
        for claim in claims:
            if self.holds(claim):
                id_, queue = claim.attempt.job_id, QUEUES[claim.known.queue]
                await self.redis.delete(self.keys[0].in_progress(id_))
                await self.redis.zadd(queue, {id_: now - 5}, xx=True)
                claim.slot.token = ""

    async def come_late(self, worker, how, status):
        """Do what one who was believed dead does: with claims of any time, ended or not."""
        past = [claim for claim in self.past if claim.worker == worker]
        claims = list({claim.attempt.job_id: claim for claim in past}.values())
        if how == "record":
            await self.finish(worker, claims, status, twice=False)
        elif how == "renew":
            await self._renew(worker, claims)
            self.held += [c for c in claims if self.holds(c) and c not in self.held]
        else:
            charge = how == "charged"
            await self._release(worker, claims, charge=charge, delay=0.0, twice=False)

    async def outlive(self, worker, how, n):
        """Fail, and repeat that after somebody has had it run again."""
        await self.work(worker, "failed")
        await self.redrive(n, twice=False)
        await self.come_late(worker, how, "failed")

    async def go_on(self, n, _=False):
        """Look after a batch whose producer is slow, and then goes on to write it."""
        if known := self.one(n):
            await self.give_up(n)
            await self.write(known)

    # --- the server

    async def later(self, *_):
        """Let delays pass."""
        now = await self.now()
        for queue, name in enumerate(QUEUES):
            for member, score in (await self.scores(queue)).items():
                if score > now and not await self.redis.exists(self.keys[0].in_progress(member)):
                    await self.redis.zincrby(name, -LATER, member)

    async def forget_scripts(self, *_):
        await self.redis.script_flush()

    async def flush(self, *_):
        """Lose all; those who come late bring nothing of it back."""
        await self.redis.flushdb()
        gone = [*self.held, *self.past]
        self.batches, self.deleting = {}, {}
        for claim in gone[-10:]:
            await self.finish(claim.worker, [claim], "succeeded", twice=False)
            await self._renew(claim.worker, [claim])
            await self._release(claim.worker, [claim], charge=True, delay=0.0, twice=False)
        self.held = []

    async def scores(self, queue):
        members = await self.redis.zrange(QUEUES[queue], 0, -1, withscores=True)
        return {member.decode(): score for member, score in members}

    # --- what Redis may choose

    async def settle(self, ending=None, unwritten=False):
        """Take from Redis what it is free to choose: which slots it admits, and which of those
        that may not run it ends now; `ending`: of other slots who ends them, by batch.
        """
        for known in self.batches.values():
            also = (ending or {}).get(known.name, {})
            failures = known.count("failed")
            await self._settle(known, also, unwritten)
            if known.count("failed") > failures:
                known.judge()

    async def _settle(self, known, also, unwritten):
        open_ = [at for at, slot in enumerate(known.slots) if not slot.status]
        over = [at for at in open_ if known.is_over(known.slots[at]) or at in also]
        if over:
            keys = [self.keys[0].result(f"{known.name}:{at}") for at in over]
            for at, raw in zip(over, await self.redis.mget(keys), strict=True):
                if raw is not None:
                    self._note_end(known, at, raw, also, unwritten)
        if known.is_gradual and (outside := known.outside):
            ids = [f"{known.name}:{at}" for at in outside]
            scores = await self.redis.execute_command("ZMSCORE", QUEUES[known.queue], *ids)
            for at, score in zip(outside, scores, strict=True):
                if score is not None:
                    assert not known.slots[at].status
                    known.slots[at].place = "fresh"

    def _note_end(self, known, at, raw, also, unwritten):
        slot, told = known.slots[at], json.loads(raw)
        assert (told["worker"], told["t"]) == ("", slot.retry), f"{known.name}:{at}: {told}"
        if unwritten and at >= known.written and not known.by:
            assert told["error"]["type"] == "NeverSubmitted", told
            assert known.named, told
        else:
            assert told["status"] == "cancelled"
            assert not slot.token
            assert told["by"] in (slot.marked, known.by, also.get(at)), told
        known.end(at, told["status"], raw)


def entry(number):
    return b'{"attempt":%d,"status":"failed"}' % number


def outcome(claim, status):
    """Write an outcome as a worker does; it says whose it is."""
    attempt, worker = claim.attempt, f"w{claim.worker}"
    if status == "failed":
        error = ErrorInfo(type="ValueError", message=f"no {claim.token}")
        return recorded(Verdict("failed", claim.token, {"error": error}), attempt, worker)
    if status == "timed_out":
        fields = {"which": "execution", "limit": 1.0}
        return recorded(Verdict("timed_out", "timed out", fields), attempt, worker)
    return recorded(Verdict("succeeded", claim.token), attempt, worker)
