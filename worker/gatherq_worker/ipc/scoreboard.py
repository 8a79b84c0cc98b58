"""Memory that a worker process shares with its supervisor, and that survives the process.

It holds the job whose code runs in the loop just now, the executions that have begun, the worker's
signs of life, how it is, and what the process says of its end. A killed process can say nothing
afterwards.
"""

import mmap
import os
import struct
import tempfile
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from .execution_table import SIZE, ExecutionSnapshot, ExecutionTable, Where
from .process_contract import Farewell
from .worker_status import SIZE as STATUS_SIZE
from .worker_status import WorkerStatus

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

_HEAD = 4096
_SIZE = _HEAD + SIZE
# Whose limit (0: no job runs), deadline, overdue, limit; number of the attempt, length of the id
_RUNNING = struct.Struct("<BdddII")
_WHICH = ("", "execution", "batch")
_ID = slice(_RUNNING.size, 3000)
_ROOM = _ID.stop - _ID.start
_STATUS = slice(3008, 3008 + STATUS_SIZE)
_TICK = struct.Struct("<d")
_COUNTS = struct.Struct("<II")
_TICK_AT, _READY_AT, _FAREWELL_AT, _HURRY_AT, _COUNTS_AT = 4000, 4010, 4011, 4012, 4016


class RunningJob(NamedTuple):
    """The job whose code runs in the loop; times are monotonic seconds, 0 for none."""

    deadline: float
    #: By when the execution must have ended: its deadline, and the time to clean up.
    overdue: float
    #: Length of the limit, in seconds.
    limit: float
    #: Number of the attempt.
    attempt: int
    #: The id, cut if it is long, and the length of the whole.
    job_id: bytes
    length: int
    #: Whose limit that is: of the `execution`, or of its `batch`.
    which: str = "execution"

    def is_of(self, attempt: "Attempt") -> bool:
        """Tell whether it is the job of this attempt."""
        id_ = attempt.job_id.encode("utf-8", "replace")
        own = self.attempt, self.length, self.job_id
        return own == (attempt.number, len(id_), id_[:_ROOM])


class Scoreboard:
    """Made by the supervisor; the worker process maps the memory by its file descriptor."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = _file() if fd is None else fd
        self._own = fd is None
        try:
            self.memory: mmap.mmap | bytearray = mmap.mmap(self.fd, _SIZE)
        except (OSError, ValueError):
            self._close_file()
            raise
        self._table = ExecutionTable(self.memory, _HEAD)

    def close(self) -> None:
        """Give the memory back; for the supervisor, once the process has ended."""
        if isinstance(self.memory, mmap.mmap):
            self.memory.close()
        self._close_file()

    def _close_file(self) -> None:
        if self._own:
            os.close(self.fd)

    def enter(self, attempt: "Attempt", where: Where) -> None:
        """Note that the execution of an attempt begins, under its limits of this moment."""
        self._table.enter(attempt, where)

    def leave(self, attempt: "Attempt") -> None:
        """Note that the execution of an attempt has ended; does nothing if none had begun."""
        self._table.leave(attempt)

    def executions(self) -> ExecutionSnapshot:
        """Return a copy of the executions that have begun and not ended."""
        return self._table.snapshot()

    def detach(self) -> None:
        """Share the memory no longer: in a fork of the process that the scoreboard is of."""
        self.memory = bytearray(_SIZE)
        self._table = ExecutionTable(self.memory, _HEAD)

    def tick(self) -> None:
        """Give a sign of life."""
        _TICK.pack_into(self.memory, _TICK_AT, monotonic())

    def silent_for(self) -> float:
        """Return the seconds since the last sign of life; 0 before the first."""
        (last,) = _TICK.unpack_from(self.memory, _TICK_AT)
        return monotonic() - last if last else 0.0

    def set_ready(self) -> None:
        """Say that the process claims jobs now, and give a sign of life.

        The first job may hold the interpreter before the watchdog has given one.
        """
        self.tick()
        self.memory[_READY_AT] = 1

    @property
    def ready(self) -> bool:
        """Whether the process has begun to claim jobs."""
        return bool(self.memory[_READY_AT])

    @property
    def status(self) -> WorkerStatus:
        """How the worker is, as its last heartbeat said."""
        return WorkerStatus.decode(bytes(self.memory[_STATUS]))

    @status.setter
    def status(self, value: WorkerStatus) -> None:
        self.memory[_STATUS] = value.encode()

    @property
    def farewell(self) -> Farewell:
        """What the process said of its own end."""
        return Farewell(self.memory[_FAREWELL_AT])

    @farewell.setter
    def farewell(self, value: Farewell) -> None:
        self.memory[_FAREWELL_AT] = value

    @property
    def hurry(self) -> bool:
        """Whether the supervisor wants a stop at once, without the grace."""
        return bool(self.memory[_HURRY_AT])

    @hurry.setter
    def hurry(self, value: bool) -> None:
        self.memory[_HURRY_AT] = value

    @property
    def counts(self) -> tuple[int, int]:
        """How many jobs succeeded, and how many did not, as the process said at its end."""
        succeeded, others = _COUNTS.unpack_from(self.memory, _COUNTS_AT)
        return succeeded, others

    @counts.setter
    def counts(self, value: tuple[int, int]) -> None:
        _COUNTS.pack_into(self.memory, _COUNTS_AT, *value)

    def running_job(self) -> RunningJob | None:
        """Return the job whose code runs in the loop; None if none does, or it cannot be told."""
        running, deadline, overdue, limit, attempt, length = _RUNNING.unpack_from(self.memory)
        if not running:
            return None
        id_ = bytes(self.memory[_ID][:length])
        return RunningJob(deadline, overdue, limit, attempt, id_, length, _WHICH[running])


def encode_running_job(attempt: "Attempt") -> bytes:
    """Return the bytes at the start of the memory while the code of an attempt runs."""
    id_ = attempt.job_id.encode("utf-8", "replace")
    times = attempt.deadline or 0.0, attempt.overdue or 0.0, attempt.limit or 0.0
    head = _WHICH.index(attempt.which), *times, attempt.number, len(id_)
    return _RUNNING.pack(*head) + id_[:_ROOM]


def _file() -> int:
    """Make a file of zeros without a name: in memory if the system can, else in a folder."""
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
