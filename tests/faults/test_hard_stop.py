"""A machine that stops with the last second of the append-only file not on its disk."""

import asyncio
import time
from collections import deque
from pathlib import Path

import pytest

from gatherq.errors import BatchNotFound

from .harness.pool import LEASE, Pool
from .harness.rows import row

EVERY_SECOND = {"appendfsync": "everysec", "auto-aof-rewrite-percentage": "0"}


async def stopped_hard(pool: Pool, ready: "asyncio.Future[None]") -> None:
    """Kill the server once `ready` is, and take away what it wrote in its last second."""
    sizes: deque[tuple[float, int]] = deque()
    file = next(Path(pool.server.folder).glob("appendonlydir/*.incr.aof"))
    while not ready.done():
        sizes.append((time.monotonic(), file.stat().st_size))
        await asyncio.sleep(0.02)
    pool.server.kill()
    before = [size for at, size in sizes if at < time.monotonic() - 1]
    with file.open("r+b") as opened:
        opened.truncate(before[-1])
    pool.recorder.forget()
    await pool.server.start()


@row("4", "Redis's machine stops hard", server=EVERY_SECOND)
async def test_what_a_hard_stop_loses_is_done_again(pool):
    """SIGKILL of Redis in a batch of 6,000 jobs, and all that its append-only file (every second)
    had got in the last second is cut off. Outcomes of that second are lost, and come again."""
    await pool.start(2)
    ready = asyncio.get_running_loop().create_future()
    stopping = asyncio.create_task(stopped_hard(pool, ready))
    await asyncio.sleep(1.2)  # so much is to be on the disk
    jobs = await pool.submit([("nap", (0.1,))] * 6000)
    await pool.started(3000)  # which takes longer than a second: the batch itself is on the disk
    ready.set_result(None)
    ended = len(pool.ledger.lines("end"))
    await stopping
    found = await pool.redis.mget([f"arq:result:{id_}" for id_ in jobs.ids])
    lost = ended - sum(each is not None for each in found)
    pool.seen.append(f"of {ended} jobs that had ended, Redis had lost {lost} outcomes")
    pool.must(lost > 0, "the row is not one: nothing was lost")
    async with pool.recovers(LEASE + 1, "the first job began again"):
        await pool.started(len(pool.ledger.lines()) + 1)
    await pool.outcomes(jobs)
    pool.all_are(jobs, "succeeded")


@row("12", "a hard stop loses a batch", arq="arq has no batches", server=EVERY_SECOND)
async def test_a_batch_that_a_hard_stop_loses_is_said_to_be_gone(pool):
    """The same within the second after a submission: Redis has never heard of the batch."""
    await pool.start(2)
    ready = asyncio.get_running_loop().create_future()
    stopping = asyncio.create_task(stopped_hard(pool, ready))
    await asyncio.sleep(1.2)  # so much is to be on the disk
    jobs = await pool.submit([("nap", (30.0,))] * 10)
    await pool.started(10)
    pool.submissions.remove(jobs)
    ready.set_result(None)
    await stopping
    async with pool.recovers(3, "the collector was told"):
        with pytest.raises(BatchNotFound):
            await jobs.submitted.outcomes()
