"""Frames between a worker and the processes that run isolated jobs: a length, then that much JSON.

The length is 8 bytes, little-endian, unsigned.
"""

import struct
from typing import Any, Protocol

from gatherq.contract.values import codec

_LENGTH = struct.Struct("<Q")


class Readable(Protocol):
    """A stream to read frames from; `read` blocks until it has `size` bytes, or the end."""

    def read(self, size: int, /) -> bytes: ...


def pack(message: Any) -> bytes:
    """Return a frame of a value; raises ValueError for a value without a JSON form."""
    return framed(codec.encode(message))


def framed(body: bytes) -> bytes:
    """Return a frame of JSON."""
    return _LENGTH.pack(len(body)) + body


def read(stream: Readable) -> Any:
    """Read the value of the next frame; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return codec.from_json(stream.read(_LENGTH.unpack(head)[0]))


def unpack(data: bytearray) -> bytes | None:
    """Remove the first frame from received bytes, and return its JSON; None if it is incomplete."""
    if len(data) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    if len(data) < end:
        return None
    body = bytes(data[_LENGTH.size : end])
    del data[:end]
    return body
