"""Values in the address of a page: one that cannot be is refused, not taken for none."""

from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gatherq.contract.short_repr import value_repr

#: Digits of the longest number.
_DIGITS = 12


def number_in(request: Request, name: str, *, most: int) -> int:
    """Return a whole number of the query, 0 where there is none; raises HTTPException (400)."""
    text = request.query_params.get(name, "")
    if not text:
        return 0
    sound = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    if not sound or int(text) > most:
        raise _refused(name, text, f"give a whole number from 0 to {most:,}")
    return int(text)


def word_in(request: Request, name: str, words: Iterable[str]) -> str:
    """Return one of the words, empty where there is none; raises HTTPException (400)."""
    text, known = request.query_params.get(name, ""), [*words]
    if text and text not in known:
        raise _refused(name, text, f"give {' or '.join(known)}, or leave it out")
    return text


def _refused(name: str, text: str, hint: str) -> HTTPException:
    return HTTPException(400, f"{name} is {value_repr(text)}; {hint}")
