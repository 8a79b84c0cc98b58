"""Worker processes that a row may kill, stop and wake."""

import asyncio
import os
import re
import signal
import subprocess
import time
from pathlib import Path


class Worker:
    """A process; `is_excused` once the row has ended it, or expects it to end."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str], log: Path
    ) -> None:
        self.log = log
        self.is_excused = False
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    @property
    def pid(self) -> int:
        """Its process: the supervisor's, where there is one."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def pids(self) -> list[int]:
        """Return this process and all below it."""
        found, left = [], [self.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            try:
                tasks = list(Path(f"/proc/{pid}/task").iterdir())
                below = [(task / "children").read_text().split() for task in tasks]
                left += [int(each) for some in below for each in some]
            except OSError:
                continue
        return found

    def kill(self) -> None:
        """End the worker and all that it has started, as the end of its machine does."""
        self.is_excused = True
        for pid in self.pids():
            _signal(pid, signal.SIGKILL)
        self.process.wait(10)

    def kill_child(self) -> int:
        """Kill a worker process below its supervisor; return its pid."""
        children = self.pids()[1:]
        _signal(children[0], signal.SIGKILL)
        return children[0]

    def stop(self) -> None:
        """Let the worker and all that it has started stand still."""
        for pid in self.pids():
            _signal(pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let them go on."""
        for pid in self.pids():
            _signal(pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end, as whoever deploys does."""
        self.is_excused = True
        self.process.terminate()

    def close(self) -> None:
        """End what is left of it, and what its jobs have left behind."""
        left = self.pids()[1:] if self.is_alive else []
        if self.is_alive:
            self.wake()
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()
        for pid in left:
            _signal(pid, signal.SIGKILL)

    async def says(self, pattern: str, within: float = 20.0) -> bool:
        """Wait until it has logged something; tell whether it has in time."""
        end = time.monotonic() + within
        while not re.search(pattern, self.said()):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.01)
        return True

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(errors="replace")


def _signal(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass
