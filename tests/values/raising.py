"""Values whose own code raises, and jobs that meet them."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    computed_field,
    field_serializer,
    field_validator,
    model_validator,
)

from gatherq import job


class Unheard(BaseException):
    """No Exception, and nobody's."""


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyError("no words")


def _endless() -> Any:
    return _endless()


def fail(error: str) -> Any:
    """Raise the error of that name."""
    if error == "RecursionError":
        _endless()
    raise ERRORS[error]("no")


ERRORS: dict[str, type[BaseException]] = {
    kind.__name__: kind
    for kind in (
        *(KeyError, RuntimeError, LookupError, RecursionError, MemoryError),
        *(GeneratorExit, Unheard, Mute, KeyboardInterrupt, SystemExit, asyncio.CancelledError),
    )
}
THROUGH = ("KeyboardInterrupt", "SystemExit", "CancelledError")
CONTAINED = [name for name in ERRORS if name not in THROUGH]


class Serialized(BaseModel):
    n: str

    @field_serializer("n")
    def _write(self, n: str) -> Any:
        return fail(n)


class Computed(BaseModel):
    n: str

    @computed_field
    def more(self) -> int:
        return fail(self.n)


class Validated(BaseModel):
    """It can be made here, and not read again."""

    n: str

    @field_validator("n")
    @classmethod
    def _read(cls, n: str) -> str:
        return fail(n) if n in ERRORS else n

    @field_serializer("n")
    def _write(self, n: str) -> str:
        return n.removeprefix("=")


class Iterated:
    def __init__(self, error: str) -> None:
        self._error = error

    def __iter__(self) -> Iterator[int]:
        return fail(self._error)


class Following(Iterated):
    """An iterator whose second item is an error."""

    _begun = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._begun:
            fail(self._error)
        self._begun = True
        return 1


class Sized(list[int]):
    """A list that does not tell its length, nor its items."""

    def __init__(self, error: str) -> None:
        super().__init__([1])
        self._error = error

    def __len__(self) -> int:
        return fail(self._error)

    def __iter__(self) -> Iterator[int]:
        return fail(self._error)


class Mapped(dict[str, int]):
    def __init__(self, error: str) -> None:
        super().__init__(a=1)
        self._error = error

    def values(self) -> Any:
        return fail(self._error)


class Uncompared:
    def __init__(self, error: str) -> None:
        self._error = error

    def __eq__(self, other: object) -> bool:
        return fail(self._error)

    def __hash__(self) -> int:
        return 1


@dataclass
class Lost:
    """Its field is a property that raises."""

    n: str

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        return fail(found) if name == "n" else found


class Picky(BaseModel):
    """Its first validator looks a field up by its own name."""

    a: int = Field(serialization_alias="b")

    @model_validator(mode="before")
    @classmethod
    def _look(cls, data: Any) -> Any:
        return {"a": data["a"]}


As = Annotated[
    Uncompared,
    BeforeValidator(lambda v: Uncompared("KeyError") if isinstance(v, str) else v),
    PlainSerializer(lambda _: "x"),
]

#: (annotation, what makes the value that raises the error of a name)
CASES: list[tuple[Any, Any]] = [
    (Serialized, lambda name: Serialized(n=name)),
    (Computed, lambda name: Computed(n=name)),
    (Validated, lambda name: Validated(n="=" + name)),
    (list[Validated], lambda name: [Validated(n="=" + name)]),
    (Iterable[int], Iterated),
    (Iterable[int], Following),
    (dict[str, Iterable[int]], lambda name: {"a": Following(name)}),
    (set[int], Sized),
    (dict[str, Any], Mapped),
    (Lost, Lost),
]


def _refuse(value: str) -> str:
    """Raise an error where it is read, in another process than it was written in."""
    pid, name = value.split(":")
    return value if int(pid) == os.getpid() else fail(name)


Refused = Annotated[str, BeforeValidator(_refuse)]


@job()
async def sees(x: Refused) -> None: ...


@job(isolation="process")
async def sees_apart(x: Refused) -> None: ...


@job(isolation="thread")
def sees_in_a_thread(x: Refused) -> None: ...


@job()
async def returns(case: int, name: str) -> Any:
    return CASES[case][1](name)


@job(isolation="process")
async def returns_apart(case: int, name: str) -> Any:
    return CASES[case][1](name)


@job(isolation="thread")
def returns_in_a_thread(case: int, name: str) -> Any:
    return CASES[case][1](name)


@job()
async def fine() -> str:
    return "fine"
