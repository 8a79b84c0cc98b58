"""Reads many keys in one round trip; a key of another type reads as None."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoPermissionError

from gatherq.store.claims import text
from gatherq.store.server.errors import code

if TYPE_CHECKING:
    from redis.asyncio import Redis

Command = tuple[Any, ...]
#: Codes of refusals: the key is of another type; this user may not read it.
_NOT_OURS, _NOT_ALLOWED = {"WRONGTYPE"}, {"WRONGTYPE", "NOPERM"}
#: Most characters of a command in a message.
_SHOWN = 80


async def replies(redis: "Redis", commands: Iterable[Command]) -> list[Any]:
    """Return the reply to each command; a refusal is its error."""
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return list(await pipe.execute(raise_on_error=False))


async def ask(redis: "Redis", commands: Iterable[Command]) -> list[Any]:
    """Return the reply to each command; raises the first error that is not WRONGTYPE."""
    return await _checked(redis, commands, _NOT_OURS)


async def ask_allowed(redis: "Redis", commands: Iterable[Command]) -> list[Any]:
    """Return the reply to each command; None also for what this user may not read."""
    return await _checked(redis, commands, _NOT_ALLOWED)


async def ask_partly(
    redis: "Redis", optional: Iterable[Command], needed: Iterable[Command]
) -> tuple[list[Any], list[Any]]:
    """Return the replies to both in one round trip: as `ask_allowed`, and then as `ask` does."""
    first, then = [*optional], [*needed]
    answers = await replies(redis, [*first, *then])
    n = len(first)
    return (
        [_answer(*each, _NOT_ALLOWED) for each in zip(answers[:n], first, strict=True)],
        [_answer(*each, _NOT_OURS) for each in zip(answers[n:], then, strict=True)],
    )


def is_refused(reply: Any) -> bool:
    """Tell whether a reply says that this user may not have what was asked for."""
    return isinstance(reply, Exception) and code(reply) == "NOPERM"


def fields_of(reply: Any) -> list[tuple[bytes, bytes]]:
    """Return the fields of a hash, whatever redis-py makes of them."""
    if isinstance(reply, dict):
        return [*reply.items()]
    return list(zip(*[iter(reply or ())] * 2, strict=True))


def scores_of(reply: Sequence[Any] | None) -> list[tuple[bytes, float]]:
    """Return members and scores: redis-py 8 makes pairs of them, others leave them in a row."""
    parts = (each if isinstance(each, list | tuple) else [each] for each in reply or ())
    row = [each for part in parts for each in part]
    return list(zip(row[::2], map(float, row[1::2]), strict=True))


async def _checked(redis: "Redis", commands: Iterable[Command], passed: set[str]) -> list[Any]:
    asked = [*commands]
    answers = await replies(redis, asked)
    return [_answer(reply, of, passed) for of, reply in zip(asked, answers, strict=True)]


def _answer(reply: Any, command: Command, passed: set[str]) -> Any:
    if not isinstance(reply, Exception):
        return reply
    if code(reply) in passed:
        return None
    if is_refused(reply):  # the server does not always say which command or key
        raise NoPermissionError(f"{reply} (asked for {_shown(command)})") from reply
    raise reply


def _shown(command: Command) -> str:
    words = " ".join(text(word) if isinstance(word, bytes) else str(word) for word in command)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}..."
