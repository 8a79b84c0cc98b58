"""Jobs whose results and errors are slow, or impossible, to write."""

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import BaseModel, model_serializer

from gatherq import job

from .stuck import note


def waits(seconds: float) -> None:
    time.sleep(seconds)


def spins(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def resists(seconds: float) -> None:
    """Take no notice of whatever is raised here."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            time.sleep(until - time.monotonic())
        except BaseException:
            continue


HOW = {"waits": waits, "spins": spins, "resists": resists}


class Lazy(BaseModel):
    """Takes its time to be written."""

    how: str
    seconds: float

    @model_serializer
    def slow(self) -> str:
        HOW[self.how](self.seconds)
        return "written"


class Slow(Exception):
    """Takes its time to say what it is."""

    def __str__(self) -> str:
        HOW[self.args[0]](self.args[1])
        return "said"


def result(what: str, how: str, seconds: float) -> Any:
    match what:
        case "value":
            return Lazy(how=how, seconds=seconds)
        case "iterator":
            return (HOW[how](seconds) or n for n in range(3))
        case "error":
            raise Slow(how, seconds)
        case "note":
            error = ValueError("noted")
            error.__notes__ = [Slow(how, seconds)]
            raise error
    raise LookupError(what)


@job()
async def in_loop(path: str, what: str, how: str, seconds: float) -> Any:
    note(path, "start")
    return result(what, how, seconds)


@job()
def in_thread(path: str, what: str, how: str, seconds: float) -> Any:
    note(path, "start")
    return result(what, how, seconds)


@job(isolation="process")
def in_process(path: str, what: str, how: str, seconds: float) -> Any:
    note(path, "start")
    return result(what, how, seconds)


@job()
async def sleeps(path: str, seconds: float) -> str:
    note(path, "start")
    await asyncio.sleep(seconds)
    return "slept"


def breaks() -> Iterator[int]:
    yield 1
    raise RuntimeError("half-way")


def nested(levels: int) -> Any:
    found: Any = 0
    for _ in range(levels):
        found = [found]
    return found


VALUES = {
    "generator": breaks,
    "digits": lambda: math.factorial(2000),
    "digits in a dict": lambda: {"a": [10**4300]},
    "nested": lambda: nested(190),
    "containers": lambda: [[] for _ in range(600_000)],
    "large": lambda: "x" * (8 * 1024 * 1024),
    "unknown": object,
    "most digits": lambda: 10**4299,
    "most nested": lambda: nested(180),
}


@job()
async def returns(what: str) -> Any:
    return VALUES[what]()


@job()
def returns_in_thread(what: str) -> Any:
    return VALUES[what]()


@job(isolation="process")
def returns_in_process(what: str) -> Any:
    return VALUES[what]()


@job()
async def mutates(items: list[Any], more: dict[str, Any]) -> str:
    items.clear()
    more["new"] = object()
    return "done"


@job()
async def fails(text: str) -> NoReturn:
    raise ValueError(text)
