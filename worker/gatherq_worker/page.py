"""A page of memory that a worker process shares with its supervisor.

It says which job's code runs just now, and survives the process: a killed process cannot speak.
"""

import json
import mmap
import struct
import tempfile
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .attempt import Attempt

_SIZE = 4096
# Running now or not, the deadline, by when it must have ended, the limit; attempt, length of the id
_MARK = struct.Struct("<BdddIH")
_WHICH = ("", "execution", "batch")
_ID = slice(_MARK.size, 3000)
_PLACE = slice(3000, 4000)
_TICK = struct.Struct("<d")
_TICK_AT, _READY_AT, _ENDED_AT = 4000, 4010, 4011


class Mark(NamedTuple):
    """The job whose code was running; times are those of the monotonic clock, in seconds."""

    deadline: float
    overdue: float
    limit: float
    attempt: int
    job_id: str
    #: Whose limit that is.
    which: str = "execution"


class Place(NamedTuple):
    """Where a worker takes its jobs from, for whoever speaks for it when it cannot."""

    #: None where a URL does not say it all: Sentinel, or TLS with files of its own.
    url: str | None
    queue: str
    #: In seconds.
    lease: float


class Page:
    """Made by the supervisor; the worker process maps it by its file descriptor."""

    def __init__(self, fd: int | None = None) -> None:
        if fd is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as this is)
            self._file.truncate(_SIZE)
            fd = self._file.fileno()
        self.fd = fd
        self.memory: mmap.mmap | bytearray = mmap.mmap(fd, _SIZE)

    def close(self) -> None:
        """Give the memory back, on the supervisor's side."""
        if isinstance(self.memory, mmap.mmap):
            self.memory.close()
        self._file.close()

    def detach(self) -> None:
        """Share the memory no longer: this is a fork of the process that it speaks for."""
        self.memory = bytearray(_SIZE)

    def enter(self, attempt: "Attempt", place: str) -> None:
        """Hear that an attempt's code begins to run: in the loop, a thread or a process."""

    def leave(self, attempt: "Attempt") -> None:
        """Hear that it has ended."""

    def tick(self) -> None:
        """Give a sign of life."""
        _TICK.pack_into(self.memory, _TICK_AT, monotonic())

    def silent_for(self) -> float:
        """Return the seconds since the last sign of life; 0 before the first."""
        (last,) = _TICK.unpack_from(self.memory, _TICK_AT)
        return monotonic() - last if last else 0.0

    def begin(self) -> None:
        """Say that the process takes jobs now; the first may hold the interpreter at once."""
        self.tick()
        self.memory[_READY_AT] = 1

    @property
    def ready(self) -> bool:
        """Whether the process has begun to take jobs."""
        return bool(self.memory[_READY_AT])

    @property
    def ended(self) -> bool:
        """Whether the process ended of its own accord, whatever its exit code."""
        return bool(self.memory[_ENDED_AT])

    @ended.setter
    def ended(self, value: bool) -> None:
        self.memory[_ENDED_AT] = value

    @property
    def place(self) -> Place | None:
        """Where the process takes its jobs from; None before it does."""
        text = bytes(self.memory[_PLACE]).rstrip(b"\0")
        return Place(*json.loads(text)) if text else None

    @place.setter
    def place(self, place: Place) -> None:
        text = json.dumps(place).encode()
        if len(text) > _PLACE.stop - _PLACE.start:
            text = json.dumps(place._replace(url=None)).encode()
        self.memory[_PLACE] = text[: _PLACE.stop - _PLACE.start].ljust(1000, b"\0")

    def mark(self) -> Mark | None:
        """Return the job whose code runs; None if it is none, or cannot be told."""
        running, deadline, overdue, limit, attempt, length = _MARK.unpack_from(self.memory)
        if not running:
            return None
        id_ = self.memory[_ID][:length].decode("utf-8", "replace")
        return Mark(deadline, overdue, limit, attempt, id_, _WHICH[running])


def mark_of(attempt: "Attempt") -> bytes:
    """Make what stands in the page while the code of an attempt runs."""
    id_ = attempt.job_id.encode()[: _ID.stop - _ID.start]
    times = attempt.deadline or 0.0, attempt.overdue or 0.0, attempt.limit or 0.0
    return _MARK.pack(_WHICH.index(attempt.which), *times, attempt.number, len(id_)) + id_
