"""Processes that try one guard each: a fork runs tests, and tells which of them fails first."""

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .guards import Guard

#: Seconds that one test may take: without a guard some never end.
LIMIT = 15.0


@dataclass(frozen=True)
class Trial:
    """What tests made of a guard that was taken out."""

    guard: Guard
    #: The test that saw it; None if no test did.
    test: str | None
    hangs: bool = False
    #: Whether that test passes where nothing is changed.
    is_sound: bool = True


#: Is told each test that begins.
Begins = Callable[[str], None]
#: Runs tests without a guard, up to the first that fails, which it returns.
Run = Callable[[list[str], Guard, Begins], str | None]


class _Child:
    def __init__(self, guard: Guard, run: Callable[[Begins], str | None]) -> None:
        self.guard = guard
        self.now, self.since = "", time.monotonic()
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(run, end)
        os.close(end)
        self._lines = os.fdopen(self.pipe)

    def read(self) -> Trial | None:
        """Read what the child tells; return what it found once it has ended."""
        line = self._lines.readline()
        told: dict[str, Any] = json.loads(line) if line else {"failed": f"(ends) {self.now}"}
        if "begins" in told:
            self.now, self.since = told["begins"], time.monotonic()
            return None
        self.end()
        return Trial(self.guard, told["failed"])

    def is_late(self) -> bool:
        return time.monotonic() - self.since > LIMIT

    def end(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._lines.close()


def _be_child(run: Callable[[Begins], str | None], end: int) -> None:
    """Run tests in a fork, with nobody to read what they print."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)

    def tell(**what: str | None) -> None:
        os.write(end, (json.dumps(what) + "\n").encode())

    try:
        failed = run(lambda test: tell(begins=test))
    except BaseException as error:
        failed = f"(raises) {error!r}"
    tell(failed=failed)
    signal.pause()


class Trials:
    """Tries guards, so many at a time. A test that sees one must pass where nothing is changed."""

    def __init__(self, run: Run, jobs: int) -> None:
        self._run, self._jobs = run, jobs
        self._sound: dict[str, bool] = {}

    def of(self, guards: list[Guard], tests: Callable[[Guard], list[str]]) -> Iterator[Trial]:
        """Try guards with their tests; yield each as it is done."""
        for trial in self._all(guards, tests):
            yield replace(trial, is_sound=trial.test is None or self._is_sound(trial, tests))

    def _is_sound(self, trial: Trial, tests: Callable[[Guard], list[str]]) -> bool:
        """Tell whether a test passes without any change. One that is not there does not."""
        test = str(trial.test)
        if test not in self._sound:
            run = [test] if "::" in test else tests(trial.guard)
            nothing = Guard(trial.guard.file, "nothing", 0, 0, "")
            found = [each.test for each in self._all([nothing], lambda _: run)]
            self._sound[test] = found == [None]
        return self._sound[test]

    def _all(self, guards: list[Guard], tests: Callable[[Guard], list[str]]) -> Iterator[Trial]:
        todo, children = list(reversed(guards)), list[_Child]()
        try:
            while todo or children:
                while todo and len(children) < self._jobs:
                    guard = todo.pop()
                    children.append(_Child(guard, partial(self._run, tests(guard), guard)))
                yield from _done(children)
        finally:
            for child in children:
                child.end()


def _done(children: list[_Child]) -> Iterator[Trial]:
    """Wait a while; yield the trials of those that are done, and take them off the list."""
    ready, _, _ = select.select([child.pipe for child in children], [], [], 1.0)
    for child in list(children):
        trial = child.read() if child.pipe in ready else None
        if trial is None and child.is_late():
            child.end()
            trial = Trial(child.guard, child.now, hangs=True)
        if trial:
            children.remove(child)
            yield trial
