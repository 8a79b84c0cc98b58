"""A pool whose connections go to one owner: the event loop and process of a producer."""

import asyncio
import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool

from .pools import connection_pool
from .sentinels import MasterPool


class OwnedPool(ConnectionPool):
    """Gives a connection only where `check_owner` raises nothing."""

    #: Raises ProducerClosed or ProducerElsewhere; set before the first connection is asked for.
    check_owner: Callable[[], None]

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        """Return an open connection; raises what `check_owner` does."""
        self.check_owner()
        return await super().get_connection(*args, **options)

    def forget(self) -> None:
        """Drop all connections: their loop is closed, or they belong to the parent process.

        Sends nothing and unregisters nothing: a forked loop shares its selector with its parent.
        """
        for connection in [*self._available_connections, *self._in_use_connections]:
            writer, connection._writer, connection._reader = connection._writer, None, None
            if writer is not None:
                _close(writer.transport)
        self._available_connections = []
        self._in_use_connections = weakref.WeakSet()  # type: ignore[assignment]
        self._lock = asyncio.Lock()


class OwnedMasterPool(OwnedPool, MasterPool):
    """The same, of the master that sentinels know."""


def owned_pool(url: str) -> OwnedPool:
    """Make the pool of a producer; raises RedisUnavailable for what is not a Redis URL."""
    pool = connection_pool(url, kind=OwnedPool, master_kind=OwnedMasterPool)
    assert isinstance(pool, OwnedPool)
    return pool


def _close(transport: Any) -> None:
    """Close this process's descriptor of a connection."""
    known = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):  # uvloop's sockets are of another kind
        known._sock.close()
    inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
    # Otherwise the transport calls its closed loop when it is garbage-collected.
    with contextlib.suppress(AttributeError):
        transport._closed = True
    with contextlib.suppress(AttributeError):
        inner._closing, inner._sock = True, None
