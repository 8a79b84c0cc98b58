"""Lua steps: loaded from `lua/`, called with names, sent whole only when Redis has forgotten them.

A header says all that a step takes, in the order in which it takes it:

    -- Include: access, batch          files of `lua/include` that go before it
    -- KEYS: queue, cancel_marks
    -- ARGV: batch_id, ...slots

`...slots` takes any number of values. In Lua, keys and arguments are locals of these names, which
one line before the first include declares; the values of `...slots` are ARGV[before_slots + 1] and
on. In the place of `prefix.job`, and of its like, stands the prefix of such keys as a text: a table
of them would be made anew by each call, and looked into for each key.
"""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

from gatherq.contract.keys import KeySpace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from importlib.resources.abc import Traversable

    from redis.asyncio import Redis

    from .server.replicas import Replicas

_LUA = files(__package__).joinpath("lua")
_INCLUDES = "include"
_NAME = re.compile(r"[a-z][a-z_]*")
_PREFIX = re.compile(r"\bprefix\.([a-z_]+)\b")


class Script:
    """One atomic step; raises ValueError for a header that cannot be read."""

    def __init__(self, name: str, step: str) -> None:
        self.name = name
        self.keys: list[str] = _listed("KEYS", step, name)
        self.argv: list[str] = _listed("ARGV", step, name)
        #: Name of the arguments at the end, of which there may be any number; empty for none.
        self.rest: str = self.argv.pop()[3:] if self.argv[-1].startswith("...") else ""
        for each in self.names:
            if not _NAME.fullmatch(each) or self.names.count(each) > 1:
                raise ValueError(f"{name}.lua: {each!r} is no name, or is there twice")
        shared = [_include(part) for part in _listed("Include", step, name)]
        text = "".join([*shared, step])
        self.source: str = self._locals() + _PREFIX.sub(_prefix, text)
        self.digest: str = sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    @property
    def names(self) -> "Sequence[str]":
        """All that a call names, in the order of the header."""
        return (*self.keys, *self.argv, self.rest) if self.rest else (*self.keys, *self.argv)

    def bind(
        self,
        redis: "Redis",
        keys: "KeySpace",
        replicas: "Replicas | None" = None,
        **constants: Any,
    ) -> "Step":
        """Return the step for a queue on a server; it takes the queue's keys from `keys`.

        With `replicas` it waits until they have what it wrote. Raises TypeError for a constant that
        the step does not take.
        """
        return Step(self, redis, replicas, keys.queue_wide, constants)

    def _locals(self) -> str:
        """Return the line of Lua that declares what the step takes."""
        names, argv = [*self.keys, *self.argv], len(self.argv)
        values = [f"KEYS[{n}]" for n in range(1, len(self.keys) + 1)]
        values += [f"ARGV[{n}]" for n in range(1, argv + 1)]
        if self.rest:
            names, values = [*names, f"before_{self.rest}"], [*values, str(argv)]
        return f"local {', '.join(names)} = {', '.join(values)}\n"


class Step:
    """A script and what it takes in every call; called with the rest of its names."""

    def __init__(
        self,
        script: Script,
        redis: "Redis",
        replicas: "Replicas | None",
        queue_wide: dict[str, str],
        constants: dict[str, Any],
    ) -> None:
        self._script, self._redis, self._replicas = script, redis, replicas
        known = {name: queue_wide[name] for name in script.names if name in queue_wide}
        self._bound = {**known, **constants}
        if unknown := self._bound.keys() - set(script.names):
            raise TypeError(f"{script.name}.lua takes no {', '.join(sorted(unknown))}")
        #: The names that a call gives.
        self.free: frozenset[str] = frozenset(script.names) - self._bound.keys()
        self._arrange = itemgetter(*script.names)
        self._head = (script.digest, len(script.keys))

    async def __call__(self, **named: Any) -> Any:
        """Run the step; raises TypeError for a name that is missing, or that it does not take."""
        if len(named) != len(self.free):
            raise self._mismatch(named)
        try:
            arguments = self._arrange(named | self._bound)
        except KeyError:
            raise self._mismatch(named) from None
        if self._script.rest:
            arguments = (*arguments[:-1], *arguments[-1])
        digest, keys = self._head
        try:
            return await self._send("EVALSHA", digest, keys, *arguments)
        except NoScriptError:
            source = self._script.source
            return await self._send("EVAL", source, keys, *arguments)

    def _send(self, *command: Any) -> "Awaitable[Any]":
        if self._replicas is None:
            sent: Awaitable[Any] = self._redis.execute_command(*command)
            return sent
        return self._replicas.send(self._redis, *command)

    def _mismatch(self, named: dict[str, Any]) -> TypeError:
        missing, unknown = sorted(self.free - named.keys()), sorted(named.keys() - self.free)
        return TypeError(f"{self._script.name}.lua: missing {missing}, unknown {unknown}")


@cache
def script(name: str) -> Script:
    """Return a step by its path in `lua/`, as `job/claim_jobs`; each file is read once."""
    return Script(name, _LUA.joinpath(f"{name}.lua").read_text("utf-8"))


def scripts() -> list[Script]:
    """Return all steps."""
    folders = [each for each in _LUA.iterdir() if each.is_dir() and each.name != _INCLUDES]
    paths = (f"{folder.name}/{name}" for folder in folders for name in _lua_files(folder))
    return [script(path) for path in sorted(paths)]


def _lua_files(folder: "Traversable") -> list[str]:
    names = (file.name for file in folder.iterdir())
    return [name.removesuffix(".lua") for name in names if name.endswith(".lua")]


def _prefix(found: "re.Match[str]") -> str:
    """Return a prefix of keys as Lua has it; raises KeyError for a name that there is not."""
    return f"'{KeySpace().prefixes[found[1]]}'"


@cache
def _include(part: str) -> str:
    return _LUA.joinpath(_INCLUDES, f"{part}.lua").read_text("utf-8")


def _listed(what: str, step: str, name: str) -> list[str]:
    """Return the names of one list of a header; it goes on behind a comma at the end of a line."""
    lines = iter(step.splitlines())
    head = f"-- {what}: "
    for line in lines:
        if line.startswith(head):
            text = line.removeprefix(head)
            while text.endswith(","):
                text += next(lines).removeprefix("--")
            return [each.strip() for each in text.split(",")]
    raise ValueError(f"{name}.lua has no line {head!r} in its header")
