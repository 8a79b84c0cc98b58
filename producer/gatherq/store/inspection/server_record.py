"""What a server says of itself."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from redis.asyncio import Redis


class ServerRecord(NamedTuple):
    """The reply to INFO, empty where this user may not ask; and how long it took, in seconds."""

    fields: Mapping[str, Any]
    latency: float


async def read_server(redis: "Redis") -> ServerRecord:
    """Ask once; the server answers while it loads, too."""
    begun = time.perf_counter()
    try:
        fields = await redis.info()
    except ResponseError:  # a user with few rights, or a server that has renamed it
        fields = {}
    return ServerRecord(fields, time.perf_counter() - begun)
