"""The two that meet the same faults: gatherq, and stock arq in its own processes."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arq.connections import ArqRedis, create_pool
from arq.jobs import DeserializationError, deserialize_result
from redis.exceptions import RedisError

from gatherq import Outcome, Producer, call
from gatherq.contract.keys import DEFAULT_QUEUE
from tests.conftest import gatherq, in_contact

from ..jobs.places import redis_settings
from .ledger import Ledger
from .workers import Worker

#: What a row submits: (name of the job, its arguments).
Call = tuple[str, tuple[Any, ...]]
JOBS = Path(__file__).parent.parent / "jobs"


@dataclass
class Ending:
    """What became of one job: a status of an outcome, or "none" where there was none in time."""

    id: str
    status: str
    value: Any = None
    error: str = ""
    attempts: int = 0
    #: How its earlier attempts ended, in words.
    history: tuple[str, ...] = ()
    #: The outcome of gatherq, or the result that arq's own client reads.
    outcome: Any = None


class Ours:
    """gatherq."""

    #: Environment variable that names the server.
    variable = "GATHERQ_REDIS_URL"

    def __init__(self, url: str, lease: float) -> None:
        self.url, self.lease = url, lease
        self.producers: list[Producer] = []

    def producer(self, url: str | None = None, **options: Any) -> Producer:
        """Make a producer, which is closed with the row."""
        producer = Producer(url or self.url, **{"patience": 20, **options})
        self.producers.append(producer)
        return producer

    def command(self, options: Sequence[str], module: str) -> list[str]:
        """Return what starts a worker, but for the variable that names the server."""
        command = gatherq("worker", module, "--lease", str(self.lease), "--grace", "3", *options)
        if "--processes" not in options:
            command += ["--processes", "0"]
        return command

    async def ready(self, workers: Sequence[Worker], ledger: Ledger) -> None:
        async with Producer(self.url) as producer:
            await in_contact(producer.redis, DEFAULT_QUEUE, len(workers), self.lease)

    async def submit(self, calls: Sequence[Call], **terms: Any) -> tuple[list[str], Any]:
        producer = terms.pop("by", None) or next(iter(self.producers), None) or self.producer()
        batch = await producer.submit([call(name, *words) for name, words in calls], **terms)
        return [f"{batch.id}:{slot}" for slot in range(len(calls))], batch

    async def collect(self, ids: Sequence[str], submitted: Any, within: float) -> list[Ending]:
        found: dict[int, Ending] = {}
        with suppress(TimeoutError):
            async for outcome in submitted.as_completed(timeout=within):
                found[outcome.slot] = ending_of(outcome)
        return [found.get(slot, Ending(id_, "none")) for slot, id_ in enumerate(ids)]

    async def attach(self, ids: Sequence[str]) -> Any:
        """Come to a batch that another process has submitted."""
        producer = next(iter(self.producers), None) or self.producer()
        return await producer.batch(ids[0].rpartition(":")[0])

    async def close(self) -> None:
        for producer in self.producers:
            await producer.aclose()


def ending_of(outcome: Outcome[Any]) -> Ending:
    """Return what a row looks at in an outcome of gatherq."""
    return Ending(
        outcome.job_id,
        outcome.status,
        getattr(outcome, "value", None),
        "" if outcome.status == "succeeded" else _said(outcome),
        getattr(outcome, "attempts", outcome.attempt),  # those of a Lost are its deaths
        tuple(str(each) for each in outcome.history),
        outcome,
    )


class Arq:
    """arq as it is, by its own command."""

    variable = "REDIS_URL"

    def __init__(self, url: str) -> None:
        self.url = url
        if str(JOBS) not in sys.path:  # its producers import what its jobs raise
            sys.path.append(str(JOBS))
        self._redis: ArqRedis | None = None
        self._submitted = 0

    async def redis(self) -> ArqRedis:
        """Return its own client."""
        if self._redis is None:
            self._redis = await create_pool(redis_settings(self.url))
        return self._redis

    def command(self, options: Sequence[str], module: str) -> list[str]:
        """Return what starts a worker, but for the variable that names the server."""
        return [sys.executable, "-m", "arq", "stock.WorkerSettings"]

    async def ready(self, workers: Sequence[Worker], ledger: Ledger) -> None:
        wanted = {worker.pid for worker in workers if worker.is_alive}
        while not wanted <= {line.pid for line in ledger.lines("up")}:
            await asyncio.sleep(0.02)

    async def submit(self, calls: Sequence[Call], **terms: Any) -> tuple[list[str], Any]:
        redis, ids = await self.redis(), []
        self._submitted += 1
        for slot, (name, words) in enumerate(calls):
            ids.append(f"{terms.get('batch_id', f'arq{self._submitted}')}:{slot}")
            await redis.enqueue_job(name, *words, _job_id=ids[-1])
        return ids, None

    async def collect(self, ids: Sequence[str], submitted: Any, within: float) -> list[Ending]:
        redis, found, end = await self.redis(), {}, time.monotonic() + within
        while len(found) < len(ids) and time.monotonic() < end:
            left = [id_ for id_ in ids if id_ not in found]
            with suppress(RedisError, OSError):
                raw = await redis.mget([f"arq:result:{id_}" for id_ in left])
                found |= {
                    id_: _ending(id_, each) for id_, each in zip(left, raw, strict=True) if each
                }
            await asyncio.sleep(0.02)
        return [found.get(id_, Ending(id_, "none")) for id_ in ids]

    async def attach(self, ids: Sequence[str]) -> Any:
        return None

    async def close(self) -> None:
        if self._redis:
            await self._redis.aclose()


def _said(outcome: Any) -> str:
    """Return all that an outcome says, as whoever unwraps it reads it."""
    try:
        outcome.unwrap()
    except BaseException as error:
        return f"{outcome!r}: {type(error).__name__}: {error}"
    return ""


def _ending(id_: str, raw: bytes) -> Ending:
    try:
        result = deserialize_result(raw)
    except DeserializationError as error:
        return Ending(id_, "unreadable", error=str(error))
    if result.success:
        return Ending(id_, "succeeded", result.result, "", result.job_try, outcome=result)
    kind = type(result.result).__name__
    try:
        text = str(result.result)
    except Exception:
        text = ""
    status = {"TimeoutError": "timed_out", "CancelledError": "cancelled"}.get(kind, "failed")
    if "max" in text and "retries" in text:
        status = "lost"
    return Ending(id_, status, None, f"{kind} {text}".strip(), result.job_try, outcome=result)
