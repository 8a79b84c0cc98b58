"""Writes that are told of only once replicas have them, as far as that can be had."""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Milliseconds for which replicas are waited for; and while they are known to be behind.
_PATIENCE, _BEHIND = 1000, 100


class Replicas:
    """How many replicas are to have a write before it counts, with one warning a spell.

    Redis cannot take a write back that no replica has. So it goes on, and says so.
    """

    def __init__(self, wanted: int, logger: logging.Logger) -> None:
        self._wanted, self._logger = wanted, logger
        #: Whether too few of them had the last write in time.
        self._behind = False

    async def send(self, redis: "Redis", *command: Any) -> Any:
        """Send a command, and return its reply once they have what it wrote."""
        async with redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*command)
            pipe.execute_command("WAIT", self._wanted, _BEHIND if self._behind else _PATIENCE)
            reply, confirmed = await pipe.execute(raise_on_error=False)
        if isinstance(reply, Exception):
            raise reply
        self._note(confirmed)
        return reply

    def _note(self, confirmed: object) -> None:
        enough = isinstance(confirmed, int) and confirmed >= self._wanted
        if enough and self._behind:
            self._logger.warning("replicas of Redis confirm writes again")
        elif not enough and not self._behind:
            self._logger.warning("%s; it goes on: see INFO replication", self._shortage(confirmed))
        self._behind = not enough

    def _shortage(self, confirmed: object) -> str:
        if isinstance(confirmed, Exception):
            return f"replicas of Redis cannot be waited for (GATHERQ_REPLICAS): {confirmed}"
        return (
            f"{confirmed} of {self._wanted} replicas (GATHERQ_REPLICAS) have confirmed a write "
            f"within {_PATIENCE / 1000:g} s: a failover now may lose it"
        )


def waited_for(wanted: int, logger: logging.Logger) -> Replicas | None:
    """Return what waits for so many replicas; None for none, which costs nothing."""
    return Replicas(wanted, logger) if wanted else None
