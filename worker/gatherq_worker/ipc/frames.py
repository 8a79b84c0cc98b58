"""JSON between a worker and the processes that it isolates jobs in: a length, then the text."""

import struct
from typing import Any, Protocol

from gatherq.contract.values import codec

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


def unpack(data: bytearray) -> bytes | None:
    """Take the text of a frame out of what has come; None if it is not all there."""
    if len(data) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    if len(data) < end:
        return None
    text = bytes(data[_LENGTH.size : end])
    del data[:end]
    return text
