"""The ledger: a file to which handlers append at the start and at the end of each execution."""

import asyncio
from collections import Counter
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

    def lines(self, what: str = "start", id_: str | None = None) -> list[Line]:
        """Return the lines of a kind, of one job or of all."""
        found = []
        for text in self.path.read_text().split("\n")[:-1]:
            kind, job, attempt, pid, parent, at = text.split()
            if kind == what and id_ in (None, job):
                found.append(Line(kind, job, int(attempt), int(pid), int(parent), float(at)))
        return found

    def executions(self) -> Counter[str]:
        """Count how often each job has begun."""
        return Counter(line.id for line in self.lines())

    async def started(self, count: int, id_: str | None = None) -> list[Line]:
        """Wait until so many executions have begun."""
        while len(found := self.lines("start", id_)) < count:
            await asyncio.sleep(0.005)
        return found
