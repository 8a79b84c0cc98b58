"""What a heartbeat costs the server: commands, and instructions by callgrind. Linux, with valgrind.

    python bench/beat_cost.py

A worker that holds 100 jobs, and one that holds none: a renewal of leases alone, with the record of
the worker, and with news of so many names of jobs besides, all of which have counts before.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from record_cost import control, total, valgrind
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.contract.statistics import SIZE
from gatherq.contract.worker_record import Beat, WorkerNews
from gatherq.store.batches import BatchStore
from gatherq.store.claims import ClaimedJob
from gatherq.store.jobs import JobStore
from gatherq.testing.server import REAL, embedded_server

QUEUE, BATCH, BEATS = "beat", "b", 60
keys = KeySpace(QUEUE)
#: Kinds of beats: names with news, and whether other jobs run than before.
KINDS = [
    ("the leases", None, False),
    ("the record, same jobs", 0, False),
    ("the record, new jobs", 0, True),
    *((f"and news of {names} names", names, True) for names in (1, 10, 50)),
]


def changes(held: list[ClaimedJob], seq: int, *, jobs: bool) -> dict[str, str | int]:
    """Return fields of a record as a worker tells them, with those that its jobs change, or not."""
    changed: dict[str, str | int] = {"state": "running", "lag_ms": seq, "rss": 60_000_000 + seq}
    if jobs:
        told = [
            {
                "id": job.job_id,
                "name": "fetch",
                "started": 1_700_000_000_000 + seq,
                "limit": 300.0,
                "attempt": 1,
                "where": "loop",
            }
            for job in held
        ]
        changed |= {
            "running": len(held),
            "done": seq * 100,
            "jobs": json.dumps(told, separators=(",", ":")),
        }
    return changed


def news(names: int, seq: int) -> bytes:
    """Return the news of some names: of each a hundred jobs, in seven buckets."""
    cells = [part for cell in (1, 7, 8, 12, 13, 27, 28) for part in (cell, 100 + cell)]
    rows: list[list[str | int]] = [[f"job_{n}", *cells] for n in range(names)]
    return WorkerNews(str(seq), [], rows).encode()


class Beats:
    """Beats of one worker."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._store, self._seq = redis, JobStore(redis, keys, "w1", 600.0), 0

    async def claim(self, n: int) -> list[ClaimedJob]:
        """Submit and claim some jobs."""
        if not n:
            return []
        jobs = [records.encode_job(call("fetch", i), BATCH, i, None) for i in range(n)]
        await BatchStore(self._redis, keys).submit(BATCH, n, 3600, 0, jobs)
        return (await self._store.claim(n, 0, 0)).jobs

    async def full(self) -> None:
        """Give each name a vector without a zero, and the record a number."""
        rows: list[list[str | int]] = [
            [f"job_{n}", *(part for cell in range(1, SIZE + 1) for part in (cell, 10_000))]
            for n in range(50)
        ]
        await self._store.renew([], beat=Beat({"seq": "0"}))
        await self._store.renew(
            [], beat=Beat({"seq": "full"}, WorkerNews("full", [], rows).encode())
        )

    async def renew(self, held: list[ClaimedJob], names: int | None, *, jobs: bool = True) -> None:
        """Beat once: with news of so many names, or without a record (None)."""
        self._seq += 1
        if names is None:
            await self._store.renew(held)
            return
        told = changes(held, self._seq, jobs=jobs)
        if names:
            told["seq"] = str(self._seq)
        await self._store.renew(held, beat=Beat(told, news(names, self._seq) if names else b""))

    async def cost(self, held: list[ClaimedJob], names: int | None, *, jobs: bool) -> float:
        """Beat, and have the instructions written; return the commands of one beat."""
        server = int((await self._redis.info("server"))["process_id"])
        await self._redis.config_resetstat()
        control("--zero", server)
        for _ in range(BEATS):
            await self.renew(held, names, jobs=jobs)
        control("--dump", server)
        stats = await self._redis.info("commandstats")
        commands = sum(stat["calls"] for name, stat in stats.items() if "config" not in name)
        return float(commands) / BEATS


async def main(url: str, dumps: Path) -> None:
    """Print a line a kind of beat."""
    print(f"{'':40} {'commands':>9} {'k-instructions':>15} {'more':>8}")
    async with Redis.from_url(url) as redis:
        for n in (100, 0):
            await redis.flushdb()
            beats = Beats(redis)
            held = await beats.claim(n)
            await beats.full()
            before = 0.0
            for what, names, jobs in KINDS:
                commands = await beats.cost(held, names, jobs=jobs)
                spent = total(dumps) / BEATS / 1000
                before = before or spent
                more = f"{spent / before - 1:+8.1%}"
                print(f"{n:4} jobs held: {what:24} {commands:9.1f} {spent:15,.0f} {more}")


if __name__ == "__main__":
    if not shutil.which("valgrind"):
        sys.exit("no valgrind here: apt-get install valgrind")
    with (
        tempfile.TemporaryDirectory() as folder,
        valgrind(Path(folder)),
        embedded_server() as (server_url, kind),
    ):
        assert kind in REAL
        asyncio.run(main(server_url, Path(folder)))
