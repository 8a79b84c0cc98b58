"""What may be left in Redis where nothing is queued and nothing runs."""

import asyncio
import re
import time

from redis.asyncio import Redis

#: Results and the record of what was: all with a time to live, or as docs/keys.md says.
KEPT = re.compile(
    r"arq:result:|arq:queue:health-check$|arq:tick:|gatherq:(batch|done|digests|errors|attempts|stats|worker|nudge|lanes"
    r"|place-free|tick|gate|lane-served):|gatherq:(workers|quarantine|wake|totals|events|batches|lane-wake)\b"
    r"|gatherq:queues$"
)


async def left_behind(redis: Redis, within: float) -> list[str]:
    """Return what is left and should not be, once there is nothing or the time is over."""
    end = time.monotonic() + within
    while True:
        names = {key.decode(errors="replace") async for key in redis.scan_iter("*", 1000)}
        left = sorted(f"{name} is left" for name in names if not _is_kept(name, names))
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.05)


def _is_kept(name: str, names: set[str]) -> bool:
    """Tell whether a key may stay; what did not succeed keeps its call, for a redrive."""
    id_ = name.removeprefix("arq:job:")
    return bool(KEPT.match(name)) or (id_ != name and f"arq:result:{id_}" in names)
