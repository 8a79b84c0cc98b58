"""Cancellations that meet claims, ends, one another, and what has ended."""

import asyncio
from random import Random

import pytest

from gatherq.contract.keys import KeySpace

from .harness.rows import row

keys = KeySpace()
#: Jobs that are cancelled in each way; seconds until they may begin, and that each takes.
EACH, DELAY, WORK = 250, 0.5, 0.3
#: Seconds within which all are to have ended.
WITHIN = 15.0


class Slot:
    """A job that is cancelled, through one or two producers."""

    def __init__(self, one, other, slot, random):
        self.one, self.other, self.slot, self.random = one, other, slot, random

    async def at_its_claim(self):
        """It is cancelled before, or at about, the time at which it may begin."""
        await asyncio.sleep(DELAY + self.random.uniform(-WORK, 0.2 * WORK))
        return [await self.one.cancel(self.slot)]

    async def at_its_end(self):
        """It is cancelled as it runs, or at about its end."""
        await asyncio.sleep(DELAY + self.random.uniform(0, 1.3 * WORK))
        return [await self.one.cancel(self.slot)]

    async def twice(self):
        """It is cancelled by two producers at once, at any time."""
        await asyncio.sleep(DELAY + self.random.uniform(-0.5 * WORK, 1.3 * WORK))
        cancel = self.one.cancel(self.slot, by="a"), self.other.cancel(self.slot, by="b")
        return await asyncio.gather(*cancel)

    async def after_its_end(self):
        """It is cancelled by two producers once one of them has its outcome."""
        await self.one.handles()[self.slot].outcome()
        cancel = self.one.cancel(self.slot, by="late"), self.other.cancel(self.slot, by="late")
        return await asyncio.gather(*cancel)


WAYS = {
    "at its claim": Slot.at_its_claim,
    "at its end": Slot.at_its_end,
    "twice": Slot.twice,
    "after its end": Slot.after_its_end,
}


@pytest.mark.parametrize("way", WAYS)
@row("25", "cancellations meet claims and ends", arq="its abort names one job, and waits for it")
async def test_cancellations(pool, way):
    """250 jobs of 0.3 s are cancelled one by one at random times: at the claim, at the end, by two
    at once, after the end. Each is to have one of value and cancellation, and for good."""
    random = Random(way)
    await pool.start(2)
    one, other = pool.ours.producer(), pool.ours.producer()
    calls = [("nap", (WORK,))] * EACH
    jobs = await pool.submit(calls, by=one, executions=1, batch_id="c", delay=DELAY)
    batch, same = jobs.submitted, await other.batch("c")
    async with pool.recovers(WITHIN, f"all {EACH} had been cancelled, or had ended,"):
        slots = [Slot(batch, same, slot, random) for slot in range(EACH)]
        answers = await asyncio.gather(*[WAYS[way](slot) for slot in slots])
        await pool.outcomes(jobs)
    ended = [each.status for each in jobs.endings]
    pool.must(set(ended) <= {"succeeded", "cancelled"}, f"there is one that is {set(ended)}")
    begun, finished = pool.ledger.executions(), {line.id for line in pool.ledger.lines("end")}
    for each, counts in zip(jobs.endings, answers, strict=True):
        if each.status == "succeeded":
            pool.must(each.id in finished, f"{each.id} has a value, and did not return")
        else:
            pool.must(sum(counts) > 0, f"{each.id} is cancelled, and nobody was told so")
            pool.must(begun[each.id] <= each.attempts, f"{each.id} ran {begun[each.id]} times")
    if way == "after its end":
        pool.must(not any(map(sum, answers)), "something was cancelled after its end")
    entries = await pool.redis.xrange(keys.done("c"))
    completions = [name for _, fields in entries for name in fields if name.isdigit()]
    pool.must(len(completions) == EACH, f"{len(completions)} completions of {EACH} jobs")
    counts = await batch.counts()
    pool.must(counts.finished == EACH and not counts.running, f"counted: {counts}")
    pool.must(ended.count("succeeded") == counts.succeeded, f"counted: {counts}")
    pool.seen.append(f"{ended.count('cancelled')} cancelled, {counts.succeeded} with their value")
    of_ends = way == "after its end"
    pool.must(of_ends or "cancelled" in ended, "the row is not one: nothing was cancelled")
    pool.must(way != "at its end" or "succeeded" in ended, "the row is not one: none ended")
