"""A TCP proxy before a server: it passes on, soon or late, cuts, swallows, or loses a reply."""

import asyncio
import contextlib

from gatherq.store.script import script


class Proxy:
    """`async with Proxy(port) as proxy`: connect to `proxy.url`."""

    def __init__(self, port):
        self._port = port
        self._connections, self._serving = set(), set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._lose, self._left = b"", 0
        #: Whether anything has been asked of the black hole.
        self.swallowed = asyncio.Event()
        #: Replies that were lost.
        self.lost = 0
        #: Seconds by which everything comes late, in each direction.
        self.delay = 0.0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *exc_info):
        self._server.close()
        self.cut()
        await self._server.wait_closed()
        if self._serving:  # they close their connections to the server
            await asyncio.wait(self._serving)
        await asyncio.sleep(0)

    def cut(self):
        """Reset all connections."""
        for writer in list(self._connections):
            writer.transport.abort()

    def swallow(self):
        """Be a black hole: take everything, answer nothing."""
        self._passing.clear()
        self.swallowed.clear()

    def heal(self):
        """Pass on again, on new connections; what was swallowed is gone."""
        self._passing.set()

    def lose(self, step, count=1):
        """Lose the next replies of a Lua step, or to some bytes, after the server has done it."""
        self._lose = step if isinstance(step, bytes) else script(step).digest.encode()
        self._left = count

    async def _serve(self, reader, writer):
        self._connections.add(writer)
        self._serving.add(asyncio.current_task())
        lost = asyncio.Event()
        try:
            theirs = await asyncio.open_connection("127.0.0.1", self._port)
            up = asyncio.create_task(self._up(reader, theirs[1], lost))
            down = asyncio.create_task(self._down(theirs[0], writer, lost))
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
            for task in (up, down):
                task.cancel()
            await asyncio.wait([up, down])
            theirs[1].transport.abort()
        except OSError:
            return  # there is no server at the moment
        finally:
            self._serving.discard(asyncio.current_task())
            self._connections.discard(writer)
            with contextlib.suppress(Exception):
                writer.transport.abort()

    async def _up(self, reader, writer, lost):
        while data := await _read(reader):
            if self._left and self._lose in data:
                self._left -= 1
                lost.set()
            if self._passing.is_set():
                self._pass(writer, data)
            else:
                self.swallowed.set()

    async def _down(self, reader, writer, lost):
        while data := await _read(reader):
            if lost.is_set():
                self.lost += 1
                return
            if self._passing.is_set():
                self._pass(writer, data)

    def _pass(self, writer, data):
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, writer.write, data)
        else:
            writer.write(data)


async def _read(reader):
    try:
        return await reader.read(65536)
    except OSError:
        return b""
