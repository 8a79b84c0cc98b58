"""A page of memory that a worker process shares with its supervisor.

It says which job's code runs just now, and what has begun, and survives the process: a killed
process cannot speak.
"""

import mmap
import os
import struct
import tempfile
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from . import execution_table
from .process_contract import Farewell

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

_HEAD = 4096
_SIZE = _HEAD + execution_table.SIZE
# Running now or not, the deadline, by when it must have ended, the limit; attempt, length of the id
_MARK = struct.Struct("<BdddII")
_WHICH = ("", "execution", "batch")
_ID = slice(_MARK.size, 3000)
_ROOM = _ID.stop - _ID.start
_TICK = struct.Struct("<d")
_TICK_AT, _READY_AT, _FAREWELL_AT, _HURRY_AT = 4000, 4010, 4011, 4012


class Mark(NamedTuple):
    """The job whose code was running; times are those of the monotonic clock, in seconds."""

    deadline: float
    overdue: float
    limit: float
    attempt: int
    #: The beginning of its id, if that is long, and how long the whole is.
    job_id: bytes
    length: int
    #: Whose limit that is.
    which: str = "execution"

    def names(self, attempt: "Attempt") -> bool:
        """Tell whether it is of this attempt."""
        id_ = attempt.job_id.encode("utf-8", "replace")
        said = self.attempt, self.length, self.job_id
        return said == (attempt.number, len(id_), id_[:_ROOM])


class Scoreboard:
    """Made by the supervisor; the worker process maps it by its file descriptor."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = _file() if fd is None else fd
        self._own = fd is None
        try:
            self.memory: mmap.mmap | bytearray = mmap.mmap(self.fd, _SIZE)
        except (OSError, ValueError):
            self._close_file()
            raise
        self._table = execution_table.Table(self.memory, _HEAD)

    def close(self) -> None:
        """Give the memory back, on the supervisor's side."""
        if isinstance(self.memory, mmap.mmap):
            self.memory.close()
        self._close_file()

    def _close_file(self) -> None:
        if self._own:
            os.close(self.fd)

    def enter(self, attempt: "Attempt", where: execution_table.Where) -> None:
        """Note that the execution of an attempt begins, under the limits that it has now."""
        self._table.enter(attempt, where)

    def leave(self, attempt: "Attempt") -> None:
        """Note that the execution of an attempt has ended; needs none to have begun."""
        self._table.leave(attempt)

    def begun(self) -> execution_table.Begun:
        """Return what has begun and not ended, in a copy."""
        return self._table.copy()

    def detach(self) -> None:
        """Share the memory no longer: this is a fork of the process that it speaks for."""
        self.memory = bytearray(_SIZE)
        self._table = execution_table.Table(self.memory, _HEAD)

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
    def farewell(self) -> Farewell:
        """What the process said of its own end."""
        return Farewell(self.memory[_FAREWELL_AT])

    @farewell.setter
    def farewell(self, value: Farewell) -> None:
        self.memory[_FAREWELL_AT] = value

    @property
    def hurry(self) -> bool:
        """Whether the supervisor, once it has said stop, wants it at once."""
        return bool(self.memory[_HURRY_AT])

    @hurry.setter
    def hurry(self, value: bool) -> None:
        self.memory[_HURRY_AT] = value

    def mark(self) -> Mark | None:
        """Return the job whose code runs; None if it is none, or cannot be told."""
        running, deadline, overdue, limit, attempt, length = _MARK.unpack_from(self.memory)
        if not running:
            return None
        id_ = bytes(self.memory[_ID][:length])
        return Mark(deadline, overdue, limit, attempt, id_, length, _WHICH[running])


def mark_of(attempt: "Attempt") -> bytes:
    """Make what stands in the page while the code of an attempt runs."""
    id_ = attempt.job_id.encode("utf-8", "replace")
    times = attempt.deadline or 0.0, attempt.overdue or 0.0, attempt.limit or 0.0
    return _MARK.pack(_WHICH.index(attempt.which), *times, attempt.number, len(id_)) + id_[:_ROOM]


def _file() -> int:
    """Make a file of zeros that has no name; in memory, which needs no folder, where there is."""
    fd = -1
    if hasattr(os, "memfd_create"):
        try:
            fd = os.memfd_create("gatherq")
        except OSError:  # a sandbox may forbid it
            fd = -1
    if fd < 0:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, _SIZE)
    except OSError:
        os.close(fd)
        raise
    return fd
