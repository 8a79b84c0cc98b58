"""Resolves host names in threads of its own, which no other code can fill."""

import asyncio
import socket
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import Any

_Addresses = asyncio.Future[list[str]]


class Resolver:
    """Asks once for a name, however many connections wait for it at a time.

    The loop's own `getaddrinfo` uses the loop's executor, which users' `asyncio.to_thread` fills.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], _Addresses] = {}

    async def __call__(self, host: str, port: int, limit: float) -> list[str]:
        """Return addresses to try, in order; raises OSError, or TimeoutError after `limit` s."""
        with suppress(ValueError):
            return [str(ip_address(host))]
        asked = self._asked.get((host, port))
        if asked is None or asked.done() or asked.get_loop() is not asyncio.get_running_loop():
            asked = self._asked[host, port] = _ask(host, port)
        try:
            async with asyncio.timeout(limit):
                return await asyncio.shield(asked)
        finally:
            # The next connection asks anew: this question may hang.
            if self._asked.get((host, port)) is asked:
                del self._asked[host, port]


def _ask(host: str, port: int) -> _Addresses:
    addresses: _Addresses = asyncio.get_running_loop().create_future()
    addresses.add_done_callback(lambda done: done.cancelled() or done.exception())
    # A daemon thread: one that hangs does not keep the process from ending.
    Thread(
        target=_resolve, args=(addresses, host, port), name="gatherq-resolve", daemon=True
    ).start()
    return addresses


def _resolve(addresses: _Addresses, host: str, port: int) -> None:
    settle: partial[Any]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        settle = partial(_settle, addresses, list(dict.fromkeys(str(each[4][0]) for each in found)))
    except Exception as error:
        settle = partial(_settle, addresses, error)
    with suppress(RuntimeError):  # the loop is closed
        addresses.get_loop().call_soon_threadsafe(settle)


def _settle(addresses: _Addresses, found: list[str] | Exception) -> None:
    if addresses.done():
        return
    if isinstance(found, Exception):
        addresses.set_exception(found)
    else:
        addresses.set_result(found)
