"""JSON between a worker and the processes that it isolates jobs in: a length, then the text."""

import asyncio
import struct
from typing import Any, Protocol

from gatherq import codec

_LENGTH = struct.Struct("<Q")


class Readable(Protocol):
    """What a frame is read from; it blocks until so many bytes are there."""

    def read(self, size: int, /) -> bytes: ...


def pack(message: Any) -> bytes:
    """Write a frame; raises ValueError for what has no JSON form."""
    return framed(codec.encode(message))


def framed(body: bytes) -> bytes:
    """Make a frame of JSON."""
    return _LENGTH.pack(len(body)) + body


def read(stream: Readable) -> Any:
    """Read a frame; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return codec.from_json(stream.read(_LENGTH.unpack(head)[0]))


async def receive(stream: asyncio.StreamReader) -> Any:
    """Read a frame; raises IncompleteReadError at the end."""
    (size,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return codec.from_json(await stream.readexactly(size))
