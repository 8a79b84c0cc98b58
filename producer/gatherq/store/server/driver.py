"""Our connection class of redis-py: less work for each command, and no lost cancellations."""

import asyncio
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .name_resolution import Resolver

#: Seconds that a server may take to answer, unless a URL says less.
SOCKET_TIMEOUT = 10.0


def fast_connection(kind: Any) -> Any:
    """Derive a connection class from `kind`, a class of redis-py's.

    Commands are packed in C by hiredis, which arq requires (`redis[hiredis]`), as redis-py's
    synchronous connection does. They are sent without `asyncio.wait_for`, which on Python 3.11
    swallows a cancellation that arrives as the sending ends (fixed in 3.12): a worker would miss
    its SIGTERM, a producer's caller its timeout.

    Host names are resolved outside of the loop's executor, which users' code may fill.
    """
    resolve = Resolver()

    class FastConnection(kind):  # type: ignore[misc]
        async def _connect(self) -> None:
            if not hasattr(self, "host"):
                await super()._connect()  # over a Unix socket
                return
            failed = OSError(f"{self.host} has no address")
            limit = self.socket_connect_timeout or SOCKET_TIMEOUT
            for address in await resolve(self.host, self.port, limit):
                self._address = address
                try:
                    await super()._connect()
                    return
                except OSError as error:  # a TimeoutError too
                    failed = error
            raise failed

        def _connection_arguments(self) -> dict[str, Any]:
            arguments = {**super()._connection_arguments(), "host": self._address}
            if arguments.get("ssl"):
                arguments["server_hostname"] = self.host
            return arguments

        def pack_command(self, *args: Any) -> list[bytes]:
            return [hiredis.pack_command((*args[0].encode().split(), *args[1:]))]

        async def can_read(self) -> bool:
            # The pool asks this before each command. Unread data is in the stream's buffer; reading
            # it, as redis-py did before version 8, would cost a timer and a turn of the loop.
            stream = self._reader
            return bool(stream.at_eof() or stream.exception() or stream._buffer)

        #: Its name before redis-py 8.
        can_read_destructive = can_read

        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            if not self.is_connected:
                await self.connect()
            elif check_health:
                await self.check_health()
            try:
                async with asyncio.timeout(self.socket_timeout):
                    self._writer.writelines([command] if isinstance(command, bytes) else command)
                    await self._writer.drain()
            except BaseException as error:
                await self.disconnect(nowait=True)
                if isinstance(error, TimeoutError):
                    raise RedisTimeoutError("Timeout writing to socket") from None
                if isinstance(error, OSError):
                    raise RedisConnectionError(f"Error while writing to socket: {error}") from error
                raise

    return FastConnection
