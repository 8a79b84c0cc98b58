"""Connections of our own to the server that arq's pool talks to."""

from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from gatherq.connection import SOCKET_TIMEOUT, packing


def pool_like(theirs: ConnectionPool, lease: float) -> ConnectionPool:
    """Make a pool to the same server, or by the same sentinels; silence ends within a lease."""
    options = {
        **theirs.connection_kwargs,
        "socket_timeout": min(SOCKET_TIMEOUT, lease),
        "decode_responses": False,
        "connection_class": packing(theirs.connection_class),
    }
    if not isinstance(theirs, SentinelConnectionPool):
        return ConnectionPool(**options)
    options.pop("connection_pool", None)
    return SentinelConnectionPool(
        theirs.service_name,
        _sentinel(theirs.sentinel_manager),
        is_master=theirs.is_master,
        check_connection=theirs.check_connection,
        **options,
    )


def _sentinel(theirs: Any) -> Sentinel:
    """Make another of its kind: its connections belong to the event loop that made them."""
    places = [sentinel.connection_pool.connection_kwargs for sentinel in theirs.sentinels]
    return Sentinel(
        [(place["host"], place["port"]) for place in places],
        min_other_sentinels=theirs.min_other_sentinels,
        sentinel_kwargs=theirs.sentinel_kwargs,
    )
