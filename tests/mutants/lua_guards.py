"""Tries guards of Lua: in forks of one process that has imported and collected all tests.

A step is data: a fork reads it with one guard less, starts a server of its own, and runs tests.
"""

import importlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

from .children import Begins, Trial, Trials
from .first_failure import FirstFailure
from .guards import REPOSITORY, Guard
from .lists import LUA, sources
from .probes import Probes, probed, wanted

#: Seconds that all tests of a guard may take, and one that is not listed; not with `slow`.
BUDGET, QUICK = 5.0, 3.0
_NOTHING = Guard("", "all tests, with every guard", 0, 0, "")


class Facts(NamedTuple):
    """What is known of a test."""

    test: str
    #: How long it takes.
    seconds: float
    #: What it met, as the probes say; None where that is not known: it had a server of its own.
    met: list[str] | None

    def may_see(self, guard: Guard) -> bool:
        """Tell whether it finds a guard otherwise than it is to be, as far as that is known."""
        return self.met is None or not wanted(guard).isdisjoint(self.met)


class LuaGuards:
    """A plugin of pytest that tries guards instead of running the tests."""

    def __init__(
        self,
        guards: list[Guard],
        seen: dict[Guard, str],
        report: Callable[[Trial], None],
        jobs: int,
        slow: bool,
    ) -> None:
        self._guards, self._seen, self._report = guards, seen, report
        self._jobs, self._slow = jobs, slow
        self._items: dict[str, pytest.Item] = {}
        self._facts: list[Facts] = []
        #: Of each file: how often a test saw a guard of it.
        self._seers: dict[str, Counter[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        for guard, test in self._seen.items():
            self._seers.setdefault(guard.file, Counter())[test] += 1
        listed = [guard for guard in self._guards if self._seen.get(guard) in self._items]
        others = [guard for guard in self._guards if guard not in listed]
        trials = Trials(self._run_without, self._jobs)
        for trial in trials.of(listed, lambda guard: [self._seen[guard]]):
            if trial.test is None or not trial.is_sound:
                others.append(trial.guard)
            else:
                self._report(trial)
        if others:
            self._learn()
        for trial in trials.of(others, self._all_for):
            if trial.test:
                self._seers.setdefault(trial.guard.file, Counter())[trial.test] += 1
            self._report(trial)
        return True

    def _learn(self) -> None:
        """Run all tests once, to know how long they take and which steps they call."""
        with tempfile.NamedTemporaryFile() as file:
            kept = Path(file.name)

            def run(tests: list[str], _: Guard, begins: Begins) -> str | None:
                return self._keep_facts(kept, tests, begins)

            for trial in Trials(run, 1).of([_NOTHING], lambda _: list(self._items)):
                if trial.test:
                    pytest.exit(f"the run with probes: {trial.test}", returncode=1)
            for test, *rest in json.loads(kept.read_text()):
                self._facts.append(Facts(test, *rest))

    def _keep_facts(self, file: Path, tests: list[str], begins: Begins) -> str | None:
        _read_instead({name: probed(name) for name in sources() if name.endswith(".lua")})
        probes = Probes(begins)
        for _ in self._items_run(tests, probes):
            pass
        probes.write(file)
        return None

    def _all_for(self, guard: Guard) -> list[str]:
        """Return the tests that may see a guard, the likeliest first."""
        seers = self._seers.get(guard.file, Counter())
        found = [facts for facts in self._facts if facts.may_see(guard)]
        found.sort(key=lambda f: (f.met is None, -min(seers[f.test], 3), f.seconds))
        if self._slow:
            return [facts.test for facts in found]
        quick = [facts for facts in found if facts.seconds < QUICK or seers[facts.test]]
        ends = accumulate(facts.seconds for facts in quick)
        return [facts.test for facts, end in zip(quick, ends, strict=True) if end < BUDGET]

    def _run_without(self, tests: list[str], guard: Guard, begins: Begins) -> str | None:
        source = (REPOSITORY / guard.file).read_bytes()
        _read_instead({guard.file: guard.taken_out(source)})
        return self._run(tests, begins)

    def _run(self, tests: list[str], begins: Begins) -> str | None:
        """Run tests up to the first that fails, which it returns."""
        failure = FirstFailure(begins)
        for _ in self._items_run(tests, failure):
            if failure.test:
                break
        return failure.test

    def _items_run(self, tests: list[str], plugin: object) -> Iterator[str]:
        """Run tests, with a plugin more; yield each when it is done."""
        items = [self._items[test] for test in tests]
        for item in items[:1]:
            item.config.pluginmanager.register(plugin)
        for item, following in zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            yield item.nodeid


class _Lua:
    """A file of Lua with another text, or the folder that it is in."""

    def __init__(self, path: Path, texts: dict[Path, str]) -> None:
        self._path, self._texts = path, texts

    def joinpath(self, *names: str) -> "Path | _Lua":
        path = self._path.joinpath(*names)
        return _Lua(path, self._texts) if path in self._texts else path

    def read_text(self, encoding: str) -> str:
        return self._texts[self._path]

    def iterdir(self) -> Iterator[Path]:
        return self._path.iterdir()


def _read_instead(texts: dict[str, str]) -> None:
    """Have this process read other texts for files of Lua, by a new start of who reads them."""
    from gatherq.store import script as scripts

    known, folder = (
        scripts.script,
        _Lua(REPOSITORY / LUA, {REPOSITORY / f: texts[f] for f in texts}),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.resources.files", lambda package: _Package(folder))
        importlib.reload(scripts)
    known.cache_clear()  # others hold this one, which now makes scripts of the new texts


class _Package(NamedTuple):
    """What the module that reads Lua takes for its package."""

    lua: _Lua

    def joinpath(self, name: str) -> _Lua:
        return self.lua
