"""The producer and the workers of one peer, as child processes."""

import json
import os
import selectors
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import processes
from .environments import REPOSITORY

BENCH = REPOSITORY / "bench"
#: Lines of a log that an error shows.
TAIL = 6


class BrokenError(Exception):
    """A producer or worker did not do what it was to; the text has the end of its log."""


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(BENCH), "BENCH_URL": url, "PYTHONUNBUFFERED": "1"}


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-TAIL:])[-600:] or "its log is empty"


class Child:
    """The producer: answers requests by lines of JSON."""

    def __init__(self, python: Path, name: str, url: str, logs: Path) -> None:
        self._log = logs / f"{name}-producer.log"
        command = [str(python), "-m", "peers.adapters.serve", name, url]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=BENCH,
                env=_environment(url),
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it has connected."""
        self._answer(60, lambda: None)

    def ask(
        self, what: str, patience: float, check: Callable[[], None] = lambda: None, **arguments: Any
    ) -> dict[str, Any]:
        """Ask, and wait for the answer for so many seconds, as long as `check` does not raise."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"ask": what, **arguments}) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise self._broken("is gone") from None
        answer = self._answer(patience, check)
        if "error" in answer:
            raise BrokenError(f"producer: {answer['error']}")
        return answer

    def _answer(self, most: float, check: Callable[[], None]) -> dict[str, Any]:
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            for _ in range(max(1, round(most * 2))):
                if selector.select(0.5):
                    break
                check()
            else:
                raise TimeoutError(f"the producer did not answer within {most:.0f} s")
        if not (line := self.process.stdout.readline()):
            raise self._broken("ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def _broken(self, how: str) -> BrokenError:
        return BrokenError(f"the producer {how}: {_tail(self._log)}")

    def end(self) -> None:
        """End it."""
        processes.end(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue


class Workers:
    """Worker processes, each command the head of a session."""

    def __init__(self, commands: list[list[str]], log: Path, url: str) -> None:
        self._log = log
        self.running: list[subprocess.Popen[str]] = []
        with log.open("w") as file:
            for command in commands:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    text=True,
                    cwd=BENCH,
                    env=_environment(url),
                    start_new_session=True,
                )
                self.running.append(process)

    @property
    def pids(self) -> list[int]:
        """The processes that were started here."""
        return [process.pid for process in self.running]

    def check(self) -> None:
        """Raise if one has ended."""
        for process in self.running:
            if (code := process.poll()) is not None:
                raise BrokenError(f"a worker ended with code {code}: {_tail(self._log)}")

    def tail(self) -> str:
        """Return the end of the log."""
        return _tail(self._log)


@contextmanager
def workers(commands: list[list[str]], log: Path, url: str) -> Iterator[Workers]:
    """Run workers; end them with the block."""
    found = Workers(commands, log, url)
    try:
        yield found
    finally:
        processes.end(*found.running)
