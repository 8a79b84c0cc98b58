"""Reads many keys in one round trip; a key of another type reads as None."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gatherq.store.server.errors import code

if TYPE_CHECKING:
    from redis.asyncio import Redis

Command = tuple[Any, ...]


async def ask(redis: "Redis", commands: Iterable[Command]) -> list[Any]:
    """Return the reply to each command; raises the first error that is not WRONGTYPE."""
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        replies: list[Any] = await pipe.execute(raise_on_error=False)
    return [_checked(reply) for reply in replies]


def _checked(reply: Any) -> Any:
    if not isinstance(reply, Exception):
        return reply
    if code(reply) == "WRONGTYPE":
        return None
    raise reply
