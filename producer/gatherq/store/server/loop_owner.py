"""The loop and the process that a producer belongs to: those of its first use."""

import asyncio
import contextlib
import os
import weakref
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool

from gatherq.errors import ProducerClosed, ProducerElsewhere


class LoopOwner:
    """Tells one loop from another, and begins anew where the first is closed, or was forked."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._closed = False

    def check(self) -> None:
        """Raise ProducerClosed, or ProducerElsewhere; outside of any loop only the first."""
        if self._closed:
            raise ProducerClosed.now()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop is self._loop and self._pid == os.getpid():
            return
        if self._loop is not None:
            if self._pid == os.getpid() and not self._loop.is_closed():
                raise ProducerElsewhere(
                    "this producer is in use in another event loop, of another thread or of an "
                    "earlier run: make one for each loop, `async with Producer(...) as producer`, "
                    "or `await producer.aclose()` in the loop that it was used in"
                )
            self._begin()
        self._loop, self._pid = loop, os.getpid()

    def close(self) -> None:
        """Let nothing be used any more."""
        self._closed = True

    @property
    def here(self) -> bool:
        """Whether what is open was opened in this loop, by this process."""
        return self._loop is asyncio.get_running_loop() and self._pid == os.getpid()


class OwnedPool(ConnectionPool):
    """Gives connections to its owner alone."""

    owner: LoopOwner

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        """Return one that is open; raises what `Owner.check` does."""
        self.owner.check()
        return await super().get_connection(*args, **options)

    def forget(self) -> None:
        """Let go of all connections: their loop is closed, or they are another process's.

        Nothing is sent, and no loop is told: a forked one shares its selector with its parent.
        """
        for connection in [*self._available_connections, *self._in_use_connections]:
            writer, connection._writer, connection._reader = connection._writer, None, None
            if writer is not None:
                _close(writer.transport)
        self._available_connections = []
        self._in_use_connections = weakref.WeakSet()  # type: ignore[assignment]
        self._lock = asyncio.Lock()


def _close(transport: Any) -> None:
    """Close this process's descriptor of a connection."""
    known = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):  # another loop's own kind of socket
        known._sock.close()
    inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
    # Else it would tell its loop that it is closed, once nobody knows it any more.
    with contextlib.suppress(AttributeError):
        transport._closed = True
    with contextlib.suppress(AttributeError):
        inner._closing, inner._sock = True, None
