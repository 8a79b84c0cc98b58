"""Which guards of Lua each test meets, and whether it finds them true or false.

Where a test finds a guard always true, it cannot see that the guard is made true. So each is tried
with those tests only that find it otherwise once.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from .children import Begins
from .guards import REPOSITORY, Guard, guards_of
from .lists import LUA

_KEY = "gatherq-mutants"
#: Lua writes once a call, of each guard, that it was true (t) or false (f).
_PROBE = f"""\
local probed = {{}}
local function probe(id, found)
  local told = id .. (found and 't' or 'f')
  if not probed[told] then
    probed[told] = true
    redis.pcall('SADD', '{_KEY}', told)
  end
  return found
end
"""
#: Commands after which it is not known what a test met: what was written may be gone, or refused.
_BLINDING = ("acl|setuser", "flushdb", "flushall", "config|set")
#: What a guard itself may change: without it that is left undone too, whatever it finds.
_ACTS = re.compile(r"'(?:ZREM|ZPOPMIN|HSETNX|DEL|RPUSH)'|\b(?:write|note|try|leave_outside)\(")


def probe_id(guard: Guard) -> str:
    """Return what a guard is called by its probe; one that is made true and false has one."""
    return f"{Path(guard.file).relative_to(LUA)} {guard.start} {guard.end} "


def wanted(guard: Guard) -> set[str]:
    """Return what a test must be told by the probe of a guard to see that it is taken out."""
    found = {"true": "f", "false": "t"}[guard.value]
    text = (REPOSITORY / guard.file).read_bytes()[guard.start : guard.end].decode()
    return {probe_id(guard) + each for each in ("tf" if _ACTS.search(text) else found)}


def probed(file: str) -> str:
    """Return a file of Lua with a probe at each guard."""
    marks: list[tuple[int, int, int, str]] = []
    for guard in {(each.start, each.end): each for each in guards_of(file)}.values():
        length = guard.end - guard.start
        # What lies within another begins after it, and ends before it.
        marks.append((guard.start, 1, -length, f"probe('{probe_id(guard)}', "))
        marks.append((guard.end, 0, length, ")"))
    source, at, parts = (REPOSITORY / file).read_bytes(), 0, list[bytes]()
    for place, _, _, text in sorted(marks):
        parts += [source[at:place], text.encode()]
        at = place
    return _PROBE + b"".join([*parts, source[at:]]).decode()


class Probes:
    """A plugin of pytest that notes of each test how long it takes, and what it meets."""

    def __init__(self, begins: Begins) -> None:
        self._begins = begins
        self._times: dict[str, float] = {}
        self._met: dict[str, set[str] | None] = {}
        self._failed: set[str] = set()
        self._redis: Redis | None = None
        self._blinded = dict.fromkeys(_BLINDING, 0)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        url = yield
        if fixturedef.argname == "server_url":
            self._redis = Redis.from_url(url)
        return url

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:  # because of the probes
            self._failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._begins(item.nodeid)
        begun = time.monotonic()
        said = yield
        self._times[item.nodeid] = time.monotonic() - begun
        met = self._read()
        self._met[item.nodeid] = None if item.nodeid in self._failed else met
        return said

    def _read(self) -> set[str] | None:
        """Return what the test of just now met; None where that is not known."""
        if self._redis is None:
            return None
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                found, _, stats = pipe.smembers(_KEY).delete(_KEY).info("commandstats").execute()
        except RedisError:  # the test has closed this connection, or is the last
            return None
        before, self._blinded = (
            self._blinded,
            {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in _BLINDING},
        )
        return {each.decode() for each in found} if self._blinded == before else None

    def write(self, file: Path) -> None:
        """Write what was found, for the process that forked this one."""
        facts = [
            (test, seconds, None if (met := self._met[test]) is None else sorted(met))
            for test, seconds in self._times.items()
        ]
        file.write_text(json.dumps(facts))
