"""What a worker process tells its supervisor of itself, with each heartbeat."""

import struct
from typing import NamedTuple

#: States of a worker, as its record has them; the first is that of a process that begins.
STATES = ("starting", "running", "draining", "blocked", "away")
#: In the order of the fields below.
_LAYOUT = struct.Struct("<Bd9Q")
SIZE = _LAYOUT.size


class WorkerStatus(NamedTuple):
    """The fields are those of the record of a worker (docs/keys.md), but the second."""

    state: str = STATES[0]
    #: `time.monotonic()` of the last answer from Redis; 0 before the first.
    contact: float = 0.0
    running: int = 0
    held: int = 0
    done: int = 0
    refused: int = 0
    unrecorded: int = 0
    lag_ms: int = 0
    rss: int = 0
    abandoned: int = 0
    redis_errors: int = 0

    def encode(self) -> bytes:
        """Return `SIZE` bytes."""
        return _LAYOUT.pack(STATES.index(self.state), *self[1:])

    @classmethod
    def decode(cls, raw: bytes) -> "WorkerStatus":
        """Read what `encode` wrote; zeros are a process that begins."""
        state, *others = _LAYOUT.unpack(raw)
        return cls(STATES[state], *others)
