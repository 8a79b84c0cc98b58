"""Signs of life of this host's workers, for a probe."""

import socket

from redis.exceptions import RedisError

from gatherq.errors import GatherqError, RedisUnavailable
from gatherq.escape import escape
from gatherq.settings import Settings
from gatherq.store.jobs import alive
from gatherq.store.server.connection import connection_pool
from gatherq.store.server.errors import is_transient, unavailable
from gatherq_worker.arq.worker import arq_pool

#: Seconds after which a server that says nothing is away: a probe has not much time.
_PATIENCE = 2.0


async def report(url: str | None, queue: str | None, *, ready: bool) -> tuple[int, list[str]]:
    """Return the exit code of the probe, and what it has to say, a line each."""
    settings = Settings()
    url, queue = url or settings.redis_url, queue or settings.queue
    try:
        found = await _alive(url, queue)
    except RedisUnavailable as error:
        if not is_transient(error.__cause__):
            return 1, [f"Error: {escape(str(error))}"]
        return int(ready), [f"the server is away, and workers wait for it: {escape(str(error))}"]
    except GatherqError as error:
        return 1, [f"Error: {escape(str(error))}"]
    own = [(name, age) for name, age in found if name.startswith(f"{socket.gethostname()}.")]
    if not own:
        return 1, [f"Error: no worker of {socket.gethostname()} is alive on {queue}"]
    return 0, [f"{escape(name)}: {age:.1f} s ago" for name, age in own]


async def _alive(url: str, queue: str) -> list[tuple[str, float]]:
    redis = arq_pool(connection_pool(url, socket_timeout=_PATIENCE), queue)
    try:
        return await alive(redis, queue)
    except (RedisError, OSError) as error:
        raise unavailable(error, url) from error
    finally:
        await redis.connection_pool.disconnect()
