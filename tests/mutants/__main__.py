"""`python -m tests.mutants`: takes out guards, one after the other, and says which no test sees."""

import argparse
import os
import random
import sys
import tempfile
import time

import pytest

from . import lists
from .children import Trial, Trials
from .guards import REPOSITORY, Guard
from .lua_guards import LuaGuards
from .python_guards import OPTIONS, run_python

#: So often, in seconds, what was found is written.
_WRITE_EVERY = 30.0


class Outcome:
    """Tells what became of each guard, and in the end of all."""

    def __init__(self, total: int, write: bool) -> None:
        self._total, self._write = total, write
        self._done, self._begun, self._written = 0, time.monotonic(), time.monotonic()
        self.seen, self._accepted = lists.seen(), lists.accepted()
        self.unseen: list[Guard] = []
        self.outdated: list[Trial] = []
        self.unsound: list[Trial] = []
        self._moved = 0

    def report(self, trial: Trial) -> None:
        guard, test = trial.guard, trial.test
        if not trial.is_sound:
            self._done += 1
            self.unsound.append(trial)
            print(f"{_short(guard)}: {test} fails without any change", flush=True)
            return
        known, is_accepted = self.seen.get(guard.file, {}), self._is_accepted(guard)
        self._done += 1
        spent = time.monotonic() - self._begun
        left = round(spent / self._done * (self._total - self._done))
        if test is None:
            word = "accepted" if is_accepted else "UNSEEN"
        else:
            word = "SEEN, though accepted" if is_accepted else "hangs" if trial.hangs else "seen"
        print(f"{self._done} of {self._total}, {left} s left: {word}: {_short(guard)}", flush=True)
        if test and known.get(guard.name) != test:
            print(f"    by {test}", flush=True)
            self._moved += 1
        if test and is_accepted:
            self.outdated.append(trial)
        elif not is_accepted:
            self.seen.setdefault(guard.file, {})[guard.name] = test or ""
            if test is None:
                self.unseen.append(guard)
        if time.monotonic() - self._written > _WRITE_EVERY:
            self.write()

    def _is_accepted(self, guard: Guard) -> bool:
        return guard.name in self._accepted.get(guard.file, {})

    def write(self) -> None:
        """Write the list of tests, if that was asked for."""
        self._written = time.monotonic()
        if self._write:
            lists.write_seen(self.seen)

    def summary(self) -> int:
        """Say what is to be done; return the exit code."""
        self.write()
        for guard in self.unseen:
            print(f"no test sees {guard.file}: {guard.name}")
        for trial in self.outdated:
            print(f"is seen, though accepted: {trial.guard.file}: {trial.guard.name}")
            print(f"    by {trial.test}")
        for trial in self.unsound:
            print(f"fails without any change: {trial.test}")
        seconds = round(time.monotonic() - self._begun)
        bad = len(self.unseen) + len(self.outdated) + len(self.unsound)
        print(f"{self._done} guards in {seconds} s: {bad or 'none'} to be looked at")
        if self._moved and not self._write:
            print(f"{self._moved} are seen by other tests than listed: --write notes that")
        return 1 if bad or self._done < self._total else 0


def _whole(guard: Guard) -> str:
    return f"{guard.file}: {guard.name}"


def _short(guard: Guard) -> str:
    return f"{guard.file.rpartition('/')[2]}: {guard.name}"


def _chosen(asked: argparse.Namespace) -> list[Guard]:
    seen, accepted = lists.seen(), lists.accepted()

    def is_seen(guard: Guard) -> bool:
        return bool(seen.get(guard.file, {}).get(guard.name))

    def is_new(guard: Guard) -> bool:
        return not is_seen(guard) and guard.name not in accepted.get(guard.file, {})

    words = asked.filter or [""]
    guards = [guard for guard in lists.all_guards() if any(word in _whole(guard) for word in words)]
    guards.sort(key=lambda guard: next(n for n, word in enumerate(words) if word in _whole(guard)))
    if asked.new:
        guards = [guard for guard in guards if is_new(guard)]
    if asked.sample:
        some = [guard for guard in guards if is_seen(guard)]
        guards = random.Random(asked.seed).sample(some, min(asked.sample, len(some)))
    return guards


def _check_lua(guards: list[Guard]) -> None:
    """Refuse guards without which a file of Lua is none."""
    from lupa.lua51 import LuaError, LuaRuntime

    lua = LuaRuntime()
    for guard in guards:
        try:
            lua.compile(guard.taken_out((REPOSITORY / guard.file).read_bytes()))
        except LuaError as error:
            sys.exit(f"{guard.file}: {guard.name} cannot be taken out: {error}")


def _try(guards: list[Guard], outcome: Outcome, asked: argparse.Namespace) -> None:
    lua = [guard for guard in guards if guard.file.endswith(".lua")]
    python = [guard for guard in guards if guard not in lua]
    tests = lists.sources()
    listed = {g: t for g in guards if (t := outcome.seen.get(g.file, {}).get(g.name))}
    others = [guard for guard in python if guard not in listed]
    trials = Trials(run_python, asked.jobs)
    first = [guard for guard in python if guard in listed]
    for trial in trials.of(first, lambda guard: [listed[guard]]):
        if trial.test is None or not trial.is_sound:
            others.append(trial.guard)
        else:
            outcome.report(trial)
    for trial in trials.of(others, lambda guard: tests[guard.file]):
        outcome.report(trial)
    if lua:
        _check_lua(lua)
        warm = LuaGuards(lua, listed, outcome.report, asked.jobs, asked.slow)
        pytest.main([*OPTIONS, "-s", *lists.LUA_TESTS], plugins=[warm])


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="make mutants MUTANTS=...", description=__doc__)
    parser.add_argument("filter", nargs="*", help="text in the path or the name of a guard")
    parser.add_argument("--new", action="store_true", help="those that no test is known to see")
    parser.add_argument("--write", action="store_true", help="write seen.toml")
    parser.add_argument("--list", action="store_true", help="say which these are")
    parser.add_argument("--slow", action="store_true", help="try all tests, however long they take")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of those that are seen")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which these are")
    asked = parser.parse_args()
    guards = _chosen(asked)
    if asked.list:
        for guard in guards:
            print(f"{guard.file}: {guard.name}")
        return 0
    os.chdir(REPOSITORY)
    outcome = Outcome(len(guards), asked.write)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        _try(guards, outcome, asked)
    return outcome.summary()


sys.exit(main())
