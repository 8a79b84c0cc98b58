"""What may be left in Redis where nothing is queued and nothing runs."""

import asyncio
import re
import time

from redis.asyncio import Redis

#: Results and the record of what was: all with a time to live, or as docs/keys.md says.
KEPT = re.compile(
    r"arq:result:|arq:queue:health-check$|arq:tick:|gatherq:(batch|done|digests|errors|attempts|stats|worker|nudge"
    r"|place-free|tick|gate|lanes|lane-served):|gatherq:(workers|quarantine|wake|totals|events|batches|lane-wake)\b"
    r"|gatherq:queues$"
)


async def left_behind(redis: Redis, within: float) -> list[str]:
    """Return what is left and should not be, once there is nothing or the time is over."""
    end = time.monotonic() + within
    while True:
        names = {key.decode(errors="replace") async for key in redis.scan_iter("*", 1000)}
        names = {name for name in names if not KEPT.match(name)}
        names -= await _of_redrives(redis, names)
        left = sorted(f"{name} is left" for name in names)
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.05)


async def _of_redrives(redis: Redis, names: set[str]) -> set[str]:
    """Return the calls of jobs that have ended and did not succeed: a redrive runs them again."""
    calls = sorted(name for name in names if name.startswith("arq:job:"))
    results = await redis.mget([f"arq:result:{name[8:]}" for name in calls]) if calls else []
    return {
        name
        for name, raw in zip(calls, results, strict=True)
        if raw and b'"status":"succeeded"' not in raw
    }
