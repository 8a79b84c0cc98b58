"""Keys of another type, which another program has written: nothing of ours is there."""

from collections.abc import Awaitable
from typing import TypeVar

from redis.exceptions import ResponseError

from .server.errors import code

R = TypeVar("R")


async def unless_wrong_type(reply: Awaitable[R]) -> R | None:
    """Return the reply of a command; None where its key is of another type."""
    try:
        return await reply
    except ResponseError as error:
        if code(error) == "WRONGTYPE":
            return None
        raise
