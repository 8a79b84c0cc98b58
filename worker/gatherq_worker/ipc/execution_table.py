"""The executions that have begun and not ended, in memory that outlives their process."""

import mmap
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

#: Where an execution runs: code in the loop or a thread can take its worker down, a process cannot.
Where = Literal["loop", "thread", "process"]

#: Executions that the table tells apart; while there are more, every attempt counts as begun.
ENTRIES = 16_384
_WHERE: tuple[Literal["", "loop", "thread", "process"], ...] = ("", "loop", "thread", "process")
_CODES = {where: code for code, where in enumerate(_WHERE)}
_WHICH = ("execution", "batch")
# Where, whose limit; length of the id, attempt, checksum of the id; deadline, overdue, limit
_ENTRY = struct.Struct("<BBHII4xddd")
_COUNT = struct.Struct("<I")
_checksum = zlib.crc32
_PUT, _STEP = _ENTRY.pack_into, _ENTRY.size
#: Entries that a snapshot reads at a time.
_READ = 512
#: Bytes that the table takes.
SIZE = _STEP * (ENTRIES + 1)

#: An attempt, as an entry names it: length of the job's id, number, checksum of the id.
Key = tuple[int, int, int]


class Execution(NamedTuple):
    """One execution: where it runs, and its limits; times are monotonic seconds, 0 for none."""

    where: Where
    deadline: float = 0.0
    #: By when the execution must have ended: its deadline, and the time to clean up.
    overdue: float = 0.0
    #: Length of the limit, in seconds.
    limit: float = 0.0
    #: Whose limit that is: of the `execution`, or of its `batch`.
    which: str = "execution"

    def late(self, now: float) -> bool:
        """Tell whether the execution must have ended by now."""
        return bool(self.overdue) and now > self.overdue


class ExecutionSnapshot:
    """A copy of the table at one moment; not `complete` if more had begun than it holds."""

    def __init__(self, executions: dict[Key, Execution], *, complete: bool = True) -> None:
        self._executions, self._complete = executions, complete

    def find(self, job_id: str, number: int) -> Execution | None:
        """Return the execution of an attempt; None if it had not begun, or had ended."""
        unknown = None if self._complete else Execution("loop")
        return self._executions.get(key(job_id, number), unknown)

    def __len__(self) -> int:
        return len(self._executions)

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._executions.values())


class ExecutionTable:
    """The table in shared memory; the worker process alone writes, its supervisor copies."""

    def __init__(self, memory: mmap.mmap | bytearray, start: int) -> None:
        self._memory, self._start = memory, start
        self._places: dict[Attempt, int] = {}
        self._free: list[int] = []
        self._fresh = start + _STEP
        self._end = start + SIZE
        self._excess = 0

    def enter(self, attempt: "Attempt", where: Where) -> None:
        """Note that the execution of an attempt begins, under its limits of this moment."""
        if attempt in self._places:
            self.leave(attempt)
        if self._free:
            place = self._free.pop()
        elif self._fresh < self._end:
            place = self._fresh
            self._fresh += _STEP
        else:
            place = 0
            self._count(1)
        self._places[attempt] = place
        if place:
            length, number, checksum = key(attempt.job_id, attempt.number)
            _PUT(
                self._memory,
                place,
                _CODES[where],
                attempt.which == "batch",
                length,
                number,
                checksum,
                attempt.deadline or 0.0,
                attempt.overdue or 0.0,
                attempt.limit or 0.0,
            )

    def leave(self, attempt: "Attempt") -> None:
        """Note that the execution of an attempt has ended; does nothing if none had begun."""
        place = self._places.pop(attempt, None)
        if place:
            self._memory[place] = 0
            self._free.append(place)
        elif place is not None:
            self._count(-1)

    def snapshot(self) -> ExecutionSnapshot:
        """Copy the table; the process that writes it may have died."""
        (excess,) = _COUNT.unpack_from(self._memory, self._start)
        executions: dict[Key, Execution] = {}
        for place in range(self._start + _STEP, self._end, _STEP * _READ):
            entries = self._memory[place : min(place + _STEP * _READ, self._end)]
            if not any(entries):
                break  # entries are used from the first on
            executions.update(_read(entries))
        return ExecutionSnapshot(executions, complete=not excess)

    def _count(self, more: int) -> None:
        """Count the executions that have begun beyond the entries of the table."""
        self._excess += more
        _COUNT.pack_into(self._memory, self._start, self._excess)


def _read(entries: bytes | bytearray) -> Iterator[tuple[Key, Execution]]:
    for entry in _ENTRY.iter_unpack(entries):
        where, which, length, number, checksum, deadline, overdue, limit = entry
        if where:
            execution = Execution(_WHERE[where], deadline, overdue, limit, _WHICH[which])
            yield (length, number, checksum), execution


def key(job_id: str, number: int) -> Key:
    """Return what names an attempt in an entry."""
    id_ = job_id.encode()
    return len(id_) & 0xFFFF, number & 0xFFFFFFFF, _checksum(id_)
