"""Jobs that raise errors whose own code resists, in each isolation."""

import asyncio
import time
from typing import Any

from gatherq import job


def unwilling(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("unwilling")


def endless(*args: Any, **kwargs: Any) -> Any:
    while True:
        time.sleep(0.01)


class NoClass(ValueError):
    __class__ = property(unwilling)  # type: ignore[assignment]


class NoTruth(ValueError):
    __bool__ = unwilling


class NoText(ValueError):
    __str__ = __repr__ = __reduce__ = unwilling


class NoNotes(ValueError):
    __notes__ = property(unwilling)  # type: ignore[assignment]


class Nothing(ValueError):
    __getattribute__ = unwilling


class TwoOf(KeyError, AttributeError):
    pass


class Wanting(OSError):
    def __init__(self, one: int, *, two: int) -> None:
        super().__init__(2, f"{one} {two}")


class Group(ExceptionGroup[Exception]):
    def __new__(cls, message: str, members: Any, code: int = 0) -> Any:
        made = super().__new__(cls, message, members)
        made.code = code
        return made

    def __init__(self, *args: Any) -> None:
        pass

    def derive(self, members: Any) -> Any:
        return Group(self.message, members, self.code)


class Endless(ValueError):
    __str__ = endless


class EndlessNotes(ValueError):
    __notes__ = property(endless)  # type: ignore[assignment]


def circle() -> BaseException:
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    return one


def nested() -> BaseException:
    error: Exception = ValueError("deepest")
    for level in range(40):
        error = ExceptionGroup(f"level {level}", [error])
    return error


KINDS: dict[str, Any] = {
    **{kind.__name__: kind for kind in (NoClass, NoTruth, NoText, NoNotes, Nothing, TwoOf)},
    "Wanting": lambda text: Wanting(1, two=2),
    "Group": lambda text: Group(text, [ValueError(1), KeyError(2)], 7),
    "circle": lambda text: circle(),
    "nested": lambda text: nested(),
    "named": type("KeyError", (ValueError,), {"__module__": "builtins"}),
    "in a group": lambda text: BaseExceptionGroup(
        text, [asyncio.CancelledError(), KeyboardInterrupt(), ValueError(1)]
    ),
    "surrogates": lambda text: FileNotFoundError(2, "gone", "name\udcff"),
}
ENDLESS: dict[str, Any] = {kind.__name__: kind for kind in (Endless, EndlessNotes)}


def made(kind: str) -> BaseException:
    error: BaseException = {**KINDS, **ENDLESS}[kind]("text")
    return error


@job()
async def in_loop(kind: str) -> None:
    raise made(kind)


@job()
def in_thread(kind: str) -> None:
    raise made(kind)


@job(isolation="process")
def in_process(kind: str) -> None:
    raise made(kind)
