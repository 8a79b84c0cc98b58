"""`Access`: what somebody may do with the page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Literal, Self, TypeAlias, get_args

from starlette.requests import HTTPConnection

#: What can be done to a batch.
Act: TypeAlias = Literal["cancel", "redrive", "keep", "remove"]
ACTS: frozenset[Act] = frozenset(get_args(Act))


@dataclass(frozen=True, slots=True)
class Access:
    """What whoever asks may do, and what events and outcomes call them.

    Access.none(), Access.read(), Access.write(by="anna"), Access.write("cancel", "redrive")
    """

    reads: bool = False
    acts: frozenset[Act] = frozenset()
    by: str = ""

    @classmethod
    def none(cls) -> Self:
        """Allow nothing."""
        return cls()

    @classmethod
    def read(cls) -> Self:
        """Allow to look."""
        return cls(reads=True)

    @classmethod
    def write(cls, *acts: Act, by: str = "") -> Self:
        """Allow to look, and to do these acts, or all of them; `by` says who does it."""
        unknown = set(acts) - ACTS
        if unknown:
            known = ", ".join(sorted(ACTS))
            raise ValueError(f"no such act: {', '.join(sorted(unknown))}; there are {known}")
        return cls(reads=True, acts=frozenset(acts) or ACTS, by=by)


#: Decides for a request; it may be a coroutine function.
AccessOf: TypeAlias = Callable[[HTTPConnection], Access | Awaitable[Access]]


async def access_of(decide: AccessOf, request: HTTPConnection, *, read_only: bool) -> Access:
    """Return what a request may do; raises TypeError if `decide` returns no Access."""
    found = decide(request)
    access = await found if isawaitable(found) else found
    if not isinstance(access, Access):
        raise TypeError(f"access(request) must return gatherq_web.Access, not {access!r:.50}")
    return Access(reads=access.reads) if read_only else access
