"""Stand-in for the script to come."""

import time
from typing import TYPE_CHECKING, Any

from . import keys, wire
from .remote import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from .store import Mended


class Mending:
    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis, self._queue = redis, queue

    async def __call__(self, batch: str, slots: "Sequence[int]", written: int) -> "Mended | None":
        from .store import Mended

        size = await self._redis.execute_command("HGET", keys.batch(batch), "size")
        if size is None:
            return None
        async with self._redis.pipeline(transaction=False) as pipe:
            for slot in range(int(size)):
                id_ = keys.job_id(batch, slot)
                pipe.exists(keys.job(id_), keys.result(id_), keys.retry(id_))
            there = await pipe.execute()
        now_written = max((n + 1 for n, found in enumerate(there) if found), default=0)
        ended = []
        for slot in slots:
            id_ = keys.job_id(batch, slot)
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.exists(keys.result(id_))
                pipe.zscore(self._queue, id_)
                pipe.exists(keys.job(id_))
                pipe.exists(keys.in_progress(id_))
                result, score, data, progress = await pipe.execute()
            if result:
                ended.append(slot)
            elif score is not None or progress:
                continue
            elif data:
                await self._redis.zadd(self._queue, {id_: time.time() * 1000})
            elif slot < now_written:
                await self._end(batch, slot, "LostJob")
                ended.append(slot)
            elif written == now_written:
                await self._end(batch, slot, "NeverSubmitted")
                ended.append(slot)
        return Mended(ended, now_written)

    async def _end(self, batch: str, slot: int, kind: str) -> None:
        id_ = keys.job_id(batch, slot)
        now = round(time.time() * 1000)
        error: Any = ErrorInfo(type=kind, message="gone").model_dump()
        raw = wire.encode_result(
            wire.Verdict("failed", kind, {"error": error}),
            job_id=id_,
            attempt=0,
            worker="",
            job=None,
            batch=batch,
            slot=slot,
            times=wire.Times(None, now),
            queue=self._queue,
            echo=False,
        )
        await self._redis.set(keys.result(id_), raw, px=60000)
        await self._redis.xadd(keys.done(batch), {str(slot): "failed"})
        await self._redis.execute_command("HINCRBY", keys.batch(batch), "failed", 1)
