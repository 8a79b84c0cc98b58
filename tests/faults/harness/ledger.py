"""The ledger: a file to which handlers append at the start and at the end of each execution."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One line: `what` is "start" or "end"; `at` is in seconds since the machine has started."""

    what: str
    id: str
    attempt: int
    pid: int
    parent: int
    at: float


class Ledger:
    """Reads the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._read = 0
        self._of: defaultdict[tuple[str, str | None], list[Line]] = defaultdict(list)

    def lines(self, what: str = "start", id_: str | None = None) -> list[Line]:
        """Return the lines of a kind, of one job or of all; read what is new in the file first."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            new, _, _ = file.read().rpartition(b"\n")
        for text in new.decode().splitlines():
            kind, job, attempt, pid, parent, at = text.split()
            line = Line(kind, job, int(attempt), int(pid), int(parent), float(at))
            self._of[kind, None].append(line)
            self._of[kind, job].append(line)
        self._read += len(new) + bool(new)
        return self._of[what, id_]

    def executions(self) -> Counter[str]:
        """Count how often each job has begun."""
        return Counter(line.id for line in self.lines())

    async def started(self, count: int, id_: str | None = None) -> list[Line]:
        """Wait until so many executions have begun."""
        while len(found := self.lines("start", id_)) < count:
            await asyncio.sleep(0.005)
        return found
