"""Addresses of this site, wherever it is mounted."""

from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from starlette.requests import Request

from .assets import asset


@dataclass(frozen=True, slots=True)
class Links:
    """Makes addresses below a prefix; `queue` is named in each, where it is not the usual one."""

    root: str
    queue: str | None = None

    def to(self, *parts: object, **query: object) -> str:
        """Return the address of a page: `to("batches", id, q="status:failed")`."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        return self.exact(path, **query)

    def exact(self, path: str, **query: object) -> str:
        """Return the address of a path as it is written."""
        asked = {"queue": self.queue, **query}
        words = urlencode({name: each for name, each in asked.items() if each not in (None, "")})
        return f"{self.root}/{path}" + (f"?{words}" if words else "")

    def slot(self, id_: str) -> str:
        """Return the address of a slot by the id of its job, of a batch for that of an arq job."""
        batch, _, slot = id_.rpartition(":")
        of_batch = batch and slot.isascii() and slot.isdigit()
        return self.to("batches", batch, slot) if of_batch else self.to("batches", id_)

    def on(self, queue: str) -> "Links":
        """Return the links of another queue."""
        return replace(self, queue=queue)

    def asset(self, name: str) -> str:
        """Return the address of a file in this version."""
        return f"{self.root}/assets/{name}?v={asset(name).digest}"


def links_of(request: Request) -> Links:
    """Return the links of the page that a request asks for."""
    return Links(request.scope.get("root_path", ""), request.query_params.get("queue"))
