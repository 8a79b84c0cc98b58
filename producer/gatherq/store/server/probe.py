"""A few questions to a Redis server over a blocking socket, without redis-py.

The import of redis-py takes 0.12 s of CPU: too much for a probe that every container runs every few
seconds. What is not simple (TLS, options of a URL, a refusal to be explained) is redis-py's.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import hiredis

from .urls import UnreadableURL, check_url, split_url

_CHUNK = 65_536


class Address(NamedTuple):
    """A server and a database; `path` is that of a Unix socket, or empty."""

    host: str
    port: int
    path: str
    username: str
    password: str
    database: int

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


def simple_address(url: str) -> Address | None:
    """Read a URL as redis-py does; None for what is not simple, and what is no URL.

    Simple is a URL of one server, without TLS, and without options beside `db`.
    """
    try:
        check_url(url)
    except UnreadableURL:
        return None
    parts = split_url(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme not in ("redis", "unix") or options.keys() - {"db"}:
        return None
    is_path = parts.scheme == "unix"
    database = options.get("db") or ("" if is_path else parts.path.strip("/"))
    return Address(
        "" if is_path else unquote(parts.hostname or ""),
        parts.port or 6379 if not is_path else 0,
        unquote(parts.path) if is_path else "",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        int(database or 0),
    )


def ask(url: str, commands: Sequence[tuple[Any, ...]], timeout: float) -> list[Any] | None:
    """Return the replies to commands; None where redis-py is to ask, or to say what is wrong.

    `timeout` is in seconds, for the connection and for each silence of the server. Raises
    TimeoutError, with the text of redis-py's, so that nobody waits for the same silence twice.
    """
    address = simple_address(url)
    if address is None:
        return None
    greeting = list(_greeting(address))
    try:
        with _connect(address, timeout) as connection:
            replies = _exchange(connection, address, [*greeting, *commands])
    except TimeoutError:
        raise
    except (OSError, hiredis.HiredisError):
        return None
    if any(isinstance(reply, hiredis.ReplyError) for reply in replies):
        return None
    return replies[len(greeting) :]


def _greeting(address: Address) -> Iterator[tuple[Any, ...]]:
    if address.username:
        yield "AUTH", address.username, address.password
    elif address.password:
        yield "AUTH", address.password
    if address.database:
        yield "SELECT", address.database


def _exchange(
    connection: socket.socket, address: Address, commands: list[tuple[Any, ...]]
) -> list[Any]:
    connection.sendall(b"".join(map(hiredis.pack_command, commands)))
    reader, replies = hiredis.Reader(), list[Any]()
    while len(replies) < len(commands):
        while (reply := reader.gets()) is not False:
            replies.append(reply)
        if len(replies) < len(commands):
            reader.feed(_receive(connection, address))
    return replies


def _receive(connection: socket.socket, address: Address) -> bytes:
    try:
        chunk = connection.recv(_CHUNK)
    except TimeoutError:
        raise TimeoutError(f"Timeout reading from {address}") from None
    if not chunk:
        raise ConnectionError("the server closed the connection")
    return chunk


def _connect(address: Address, timeout: float) -> socket.socket:
    """Connect in a thread: a name server that is away would be waited for without a limit."""
    made: list[socket.socket | OSError] = []

    def connect() -> None:
        try:
            made.append(_open(address, timeout))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    if not made or isinstance(made[0], TimeoutError):
        raise TimeoutError("Timeout connecting to server")
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def _open(address: Address, timeout: float) -> socket.socket:
    if not address.path:
        return socket.create_connection((address.host, address.port), timeout)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(address.path)
    except BaseException:
        connection.close()
        raise
    return connection
