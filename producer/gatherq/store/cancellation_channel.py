"""Cancellations as they are published: hints to look at once, for anybody may publish anything.

What is cancelled stands in Redis; a hint that is missed costs time only.
"""

from typing import TYPE_CHECKING, NamedTuple

from gatherq.contract.values import codec

from .server.connection import disconnect

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

    from gatherq.contract.keys import KeySpace

#: Largest message that is read, in bytes; one of ours names some hundred jobs.
_LARGEST = 256 * 1024


class CancellationHint(NamedTuple):
    """A batch, or jobs by their ids, that may have been cancelled; an empty id names no batch."""

    batch: str
    jobs: frozenset[str]


class CancellationChannel:
    """The channel of one queue's cancellations, on a connection of its own.

    `subscribe`, then `next` again and again; after an error `unsubscribe`, and begin anew.
    """

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._name = redis, keys.channel
        self._pubsub: PubSub | None = None
        self._pinged = False

    async def subscribe(self) -> None:
        """Ask the server for the channel; its consent comes as a first None from `next`."""
        self._pubsub, self._pinged = self._redis.pubsub(), False
        await self._pubsub.subscribe(self._name)

    async def next(self, silence: float) -> CancellationHint | None:
        """Wait for a hint; None for anything else that the server sends, which shows that it lives.

        A server that is silent for `silence` seconds is sent a PING. Raises TimeoutError when it is
        silent for as long again, and errors of Redis.
        """
        assert self._pubsub is not None, "subscribe first"
        while (message := await self._pubsub.get_message(timeout=silence)) is None:
            if self._pinged:
                raise TimeoutError("no answer on the connection for cancellations")
            self._pinged = True
            await self._pubsub.ping()
        self._pinged = False
        return read_hint(message["data"]) if message["type"] == "message" else None

    async def unsubscribe(self) -> None:
        """Close the connection; a subscription may follow."""
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            await pubsub.aclose()

    async def close(self) -> None:
        """Close the connection and its pool."""
        await self.unsubscribe()
        await disconnect(self._redis)


def read_hint(data: object) -> CancellationHint | None:
    """Read a message; None for what is no message of ours."""
    if not isinstance(data, bytes) or len(data) > _LARGEST:
        return None
    try:
        message = codec.from_json(data)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    batch, jobs = message.get("batch"), message.get("jobs")
    named = [job for job in jobs if isinstance(job, str)] if isinstance(jobs, list) else []
    hint = CancellationHint(batch if isinstance(batch, str) else "", frozenset(named))
    return hint if hint.batch or hint.jobs else None
