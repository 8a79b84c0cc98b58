"""What a server tells of itself: how it is set up, how fast it answers, what it refuses."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from gatherq.contract.keys import DEFAULT_QUEUE, KeySpace
from gatherq.store.claims import text
from gatherq.store.script import scripts

from .reading import Command, ask_allowed, fields_of, replies

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: How many answers are waited for, one after another, to tell how fast they come.
_PINGS = 50
#: Directives of redis.conf that say something of safety.
_DIRECTIVES = ("save", "bind", "protected-mode", "maxclients", "timeout")
#: How many keys the server looks at in one step of a scan, and most names that are told.
_STEP, _MOST_NAMES = 1_000, 5


@dataclass(frozen=True, slots=True)
class ServerReport:
    """A server, as far as this user may ask it."""

    #: The fields of INFO, and directives of its configuration.
    info: Mapping[str, str]
    config: Mapping[str, str]
    #: Our user, and whether the user `default` needs no password.
    user: str = ""
    open_to_all: bool | None = None
    #: Seconds that each of some answers took, in order of size.
    latencies: Sequence[float] = ()
    #: By how many seconds its clock is ahead of that of this machine.
    ahead: float = 0.0
    #: The steps that it does not take, by name, and what it says.
    scripts: Mapping[str, str] = field(default_factory=dict)
    #: Commands that it refuses, and what it says.
    refused: Mapping[str, str] = field(default_factory=dict)


class ServerReader:
    """Asks a server about itself, and looks at the names of all its keys."""

    def __init__(self, redis: "Redis", keys: KeySpace) -> None:
        self._redis, self._keys = redis, keys

    async def report(self) -> ServerReport:
        """Return what there is to know; changes nothing but the server's cache of scripts."""
        latencies, ahead = await self._latencies(), await self._ahead()
        asked: dict[str, Command] = {
            "INFO": ("INFO",),
            **{f"CONFIG GET {name}": ("CONFIG", "GET", name) for name in _DIRECTIVES},
            "ACL WHOAMI": ("ACL", "WHOAMI"),
            "ACL GETUSER": ("ACL", "GETUSER", "default"),
        }
        answers = dict(zip(asked, await replies(self._redis, asked.values()), strict=True))
        refused = {name: str(reply) for name, reply in answers.items() if _failed(reply)}
        given = {name: None if name in refused else reply for name, reply in answers.items()}
        user = given["ACL WHOAMI"]
        return ServerReport(
            info=_texts(given["INFO"]),
            config=_merged(given[f"CONFIG GET {name}"] for name in _DIRECTIVES),
            user=_text(user) if user else "",
            open_to_all=_open(given["ACL GETUSER"]),
            latencies=latencies,
            ahead=ahead,
            scripts=await self._scripts(),
            refused=refused,
        )

    async def keys_that_stay(self, queues: Iterable[str]) -> tuple[int, list[str]]:
        """Return how many keys of ours never expire, though they should, and a few of them.

        `queues` are keys that never do.
        """
        count, names = 0, list[str]()
        mine = {name.encode() for name in (*queues, DEFAULT_QUEUE, self._keys.abort)}
        for prefix in ("gatherq:", "arq:"):
            async for page in self._pages(f"{prefix}*"):
                keys = [key for key in page if key not in mine]
                ttls = await ask_allowed(self._redis, [("TTL", key) for key in keys])
                stay = [text(key) for key, ttl in zip(keys, ttls, strict=True) if ttl == -1]
                count += len(stay)
                names += stay[: _MOST_NAMES - len(names)]
        return count, names

    async def _pages(self, pattern: str) -> AsyncIterator[list[bytes]]:
        cursor = 0
        while True:
            cursor, page = await self._redis.scan(cursor, match=pattern, count=_STEP)
            yield page
            if not int(cursor):
                return

    async def _latencies(self) -> list[float]:
        took = []
        for _ in range(_PINGS):
            began = perf_counter()
            await self._redis.execute_command("PING")
            took.append(perf_counter() - began)
        return sorted(took)

    async def _ahead(self) -> float:
        before = time()
        seconds, micros = await self._redis.time()
        return int(seconds) + int(micros) / 1e6 - (before + time()) / 2

    async def _scripts(self) -> dict[str, str]:
        steps = list(scripts())
        commands = [("SCRIPT", "LOAD", step.source) for step in steps]
        answers = zip(steps, await replies(self._redis, commands), strict=True)
        return {step.name: str(reply) for step, reply in answers if _failed(reply)}


def _failed(reply: Any) -> bool:
    """Tell whether the server has refused a command; raises what is no answer of it."""
    if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
        raise reply
    return isinstance(reply, Exception)


def _texts(reply: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in fields_of(reply)}


def _merged(answers: Iterable[Any]) -> dict[str, str]:
    """Return all directives; each is asked for by itself, as servers before Redis 7 want it."""
    return {name: value for reply in answers for name, value in _texts(reply).items()}


def _text(value: Any) -> str:
    return text(value) if isinstance(value, bytes) else str(value)


def _open(user: Any) -> bool | None:
    """Tell whether a user needs no password, by its flags."""
    if user is None:
        return None
    found = {_text(name): value for name, value in fields_of(user)}
    flags = {_text(flag) for flag in found.get("flags", ())}
    return "nopass" in flags and "off" not in flags
