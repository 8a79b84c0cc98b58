"""Parameters of a request: how each is read, and what the document says of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, TypeAlias

from starlette.requests import Request

from gatherq.contract.short_repr import value_repr
from gatherq.inspection.durations import parse_duration
from gatherq.inspection.filters import split_filters
from gatherq_web.parameters_of_address import check_names, check_no_body

from .errors import InvalidParameter

Schema: TypeAlias = Mapping[str, Any]
#: Seconds of the longest duration, and digits of the longest number.
_LONGEST, _DIGITS = 366 * 86_400, 12


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of a parameter: `read` raises ValueError, which says what is allowed."""

    read: Callable[[str], Any]
    schema: Schema
    #: Whether an empty text is none.
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an address, or of a path."""

    name: str
    kind: Kind
    about: str
    default: Any = None
    place: Literal["query", "path"] = "query"

    def read(self, request: Request) -> Any:
        """Return its value, the default where it is not given; raises InvalidParameter."""
        given = self._given(request)
        if given is None or (not given and self.kind.blank):
            return self.default
        try:
            return self.kind.read(given)
        except ValueError as error:
            raise InvalidParameter(f"{self.name} is {value_repr(given)}: {error}") from None

    def _given(self, request: Request) -> str | None:
        if self.place == "path":
            found: str = request.path_params[self.name]
            return found
        return request.query_params.get(self.name)


async def read_all(parameters: Iterable[Parameter], request: Request) -> dict[str, Any]:
    """Return the values of parameters by name; raises InvalidParameter, and HTTPException.

    What is not one of them is refused: of an act, a misspelt filter would mean all.
    """
    parameters = [*parameters]
    await check_no_body(request)
    check_names(request, {each.name for each in parameters if each.place == "query"})
    return {each.name: each.read(request) for each in parameters}


def whole(first: int, last: int) -> Kind:
    """Make a kind: whole numbers from the first to the last."""

    def read(text: str) -> int:
        sound = text.isascii() and text.isdigit() and len(text) <= _DIGITS
        if not sound or not first <= int(text) <= last:
            raise ValueError(f"give a whole number from {first:,} to {last:,}")
        return int(text)

    return Kind(read, {"type": "integer", "minimum": first, "maximum": last})


def _read_duration(text: str) -> float:
    seconds = parse_duration(text)
    if not isfinite(seconds) or seconds > _LONGEST:
        raise ValueError("give at most 366d")
    return seconds


def _read_flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("give true or false")
    return text == "true"


TEXT: Kind = Kind(str, {"type": "string"}, blank=True)
FILTERS: Kind = Kind(split_filters, {"type": "string"}, blank=True)
DURATION: Kind = Kind(_read_duration, {"type": "string", "examples": ["10s", "5m", "2h30m", "7d"]})
FLAG: Kind = Kind(_read_flag, {"type": "boolean"})
