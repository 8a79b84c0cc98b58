"""What holds jobs until a row has done what it wants done while they run."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Hold:
    """A port that jobs connect to; `release` lets them go, and whoever comes later at once."""

    def __init__(self) -> None:
        self._released = asyncio.Event()
        self.port = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator["Hold"]:
        """Listen; at the end, release."""
        hold = cls()
        server = await asyncio.start_server(hold._wait, "127.0.0.1", 0)
        hold.port = server.sockets[0].getsockname()[1]
        try:
            yield hold
        finally:
            hold.release()
            server.close()

    def release(self) -> None:
        """Let all go."""
        self._released.set()

    async def _wait(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._released.wait()
        writer.close()
