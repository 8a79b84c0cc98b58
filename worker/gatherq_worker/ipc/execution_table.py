"""The executions that have begun and not ended, in a page that outlives their process."""

import mmap
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

#: Where an execution runs: what can have taken its worker down, and what cannot.
Where = Literal["loop", "thread", "process"]

#: Executions that are told apart at a time; where there are more, all count as begun.
ENTRIES = 16_384
_WHERE: tuple[Literal["", "loop", "thread", "process"], ...] = ("", "loop", "thread", "process")
_CODES = {where: code for code, where in enumerate(_WHERE)}
_WHICH = ("execution", "batch")
# Where, whose limit; length of the id, attempt, checksum of the id; deadline, overdue, limit
_ENTRY = struct.Struct("<BBHII4xddd")
_COUNT = struct.Struct("<I")
_checksum = zlib.crc32
_PUT, _STEP = _ENTRY.pack_into, _ENTRY.size
#: Bytes that the table takes.
SIZE = _STEP * (ENTRIES + 1)

Key = tuple[int, int, int]


class Execution(NamedTuple):
    """What is known of one; times are those of the monotonic clock in seconds, 0 for none."""

    where: Where
    deadline: float = 0.0
    overdue: float = 0.0
    limit: float = 0.0
    which: str = "execution"

    def late(self, now: float) -> bool:
        """Tell whether it must have ended by now."""
        return bool(self.overdue) and now > self.overdue


class Begun:
    """A copy of the table."""

    def __init__(self, executions: dict[Key, Execution], *, complete: bool = True) -> None:
        self._executions, self._complete = executions, complete

    def find(self, job_id: str, number: int) -> Execution | None:
        """Return what is known of an attempt; None if it had not begun, or has ended."""
        unknown = None if self._complete else Execution("loop")
        return self._executions.get(_key(job_id, number), unknown)

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._executions.values())


class Table:
    """The table itself; the worker process alone writes."""

    def __init__(self, memory: mmap.mmap | bytearray, start: int) -> None:
        self._memory, self._start = memory, start
        self._places: dict[Attempt, int] = {}
        self._free: list[int] = []
        self._fresh = start + _STEP
        self._end = start + SIZE
        self._excess = 0

    def enter(self, attempt: "Attempt", where: Where) -> None:
        """Note that the execution of an attempt begins, under the limits that it has now."""
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
            length, number, checksum = _key(attempt.job_id, attempt.number)
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
        """Note that the execution of an attempt has ended; needs none to have begun."""
        place = self._places.pop(attempt, None)
        if place:
            self._memory[place] = 0
            self._free.append(place)
        elif place is not None:
            self._count(-1)

    def copy(self) -> Begun:
        """Read it, as it stands when its process has died."""
        (excess,) = _COUNT.unpack_from(self._memory, self._start)
        executions: dict[Key, Execution] = {}
        for place in range(self._start + _STEP, self._end, _STEP * 512):
            some = self._memory[place : min(place + _STEP * 512, self._end)]
            if not any(some):
                break  # they are used from the first on
            for where, which, *key, deadline, overdue, limit in _ENTRY.iter_unpack(some):
                if where:
                    execution = Execution(
                        _WHERE[where],
                        deadline,
                        overdue,
                        limit,
                        _WHICH[which],
                    )
                    executions[key[0], key[1], key[2]] = execution
        return Begun(executions, complete=not excess)

    def _count(self, more: int) -> None:
        self._excess += more
        _COUNT.pack_into(self._memory, self._start, self._excess)


def _key(job_id: str, number: int) -> Key:
    id_ = job_id.encode()
    return len(id_) & 0xFFFF, number & 0xFFFFFFFF, _checksum(id_)
