"""The names of what stands in an address: one that is not known must not mean "all"."""

from collections import Counter
from collections.abc import Collection, Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gatherq.contract.checks.near_match import names_like
from gatherq.contract.short_repr import value_repr


def check_names(request: Request, known: Collection[str]) -> None:
    """Raise HTTPException (400) for a parameter that is not known, or that stands there twice."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in given.items():
        if name not in known:
            near = names_like(name, known, 1)
            listed = ", ".join(sorted(known)) or "none"
            meant = f"did you mean {near[0]}? " if near else ""
            raise HTTPException(
                400, f"no parameter {value_repr(name)} is known here; {meant}there are {listed}"
            )
        if count > 1:
            raise HTTPException(400, f"{name} stands {count} times in the address; give it once")


def check_choice(request: Request, names: Iterable[str]) -> None:
    """Raise HTTPException (400) for a choice of slots that stands there empty.

    `?q=$FILTER` is one where the variable is not set: it must not mean "all".
    """
    for name in names:
        if not request.query_params.get(name, "all").strip():
            raise HTTPException(
                400, f"{name} is empty; give it a value, or leave it out to mean all slots"
            )


async def check_no_body(request: Request) -> None:
    """Raise HTTPException (400) for a request with a body, which nobody would use.

    The headers do not tell: of HTTP/2 they need not name a length.
    """
    async for part in request.stream():
        if part:
            raise HTTPException(
                400, "parameters stand in the address, not in a body; write them behind a ?"
            )
