"""One operation of the API: its address, what it takes, what it answers, and who does it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from starlette.requests import Request

from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import Record
from gatherq_web.security.access import Act
from gatherq_web.site import Site, site_of

from .parameters import Parameter


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: the value of each parameter by name, None for what is not given."""

    request: Request
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def site(self) -> Site:
        """The site that is asked."""
        return site_of(self.request)

    @property
    def inspector(self) -> Inspector:
        """What reads the queue that is meant."""
        return self.site.inspector(self.request)

    @property
    def by(self) -> str:
        """Who asks, as events and outcomes say it."""
        by: str = self.request.state.access.by
        return by or "web"


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and where to go on: the value of a parameter; None behind the last."""

    records: Sequence[Record]
    next: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What can be asked."""

    method: Literal["GET", "POST", "DELETE"] = "GET"
    #: Below `/api/v1`; parameters of it in braces.
    path: str
    name: str
    about: str
    #: Name of the schema of its answer, or of each record of it.
    answers: str
    call: Callable[[Asked], Awaitable[Record | Page]]
    parameters: Sequence[Parameter] = ()
    #: What the list of an answer with a Page is called.
    listed: str = ""
    #: The parameter that `next` is a value of.
    goes_on: Parameter | None = None
    #: Yields all records, not only those of a page, as lines.
    lines: "Lines | None" = None
    #: What it does to a batch.
    act: Act | None = None


Lines: TypeAlias = Callable[[Asked], AsyncIterator[Record]]
