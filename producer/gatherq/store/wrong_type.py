"""Keys of ours where something of another type stands: nothing of ours is there."""

from collections.abc import Awaitable
from typing import TypeVar

from redis.exceptions import ResponseError

R = TypeVar("R")


async def unless_foreign(reply: Awaitable[R]) -> R | None:
    """Return what a command answers; None where its key is of another type."""
    try:
        return await reply
    except ResponseError as error:
        if is_wrong_type(error):
            return None
        raise


def is_wrong_type(error: BaseException) -> bool:
    """Tell whether a key is of another type than was expected."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)
