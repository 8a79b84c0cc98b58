"""Scripts, styles and pictures: all from this package and from that of the report."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gatherq.inspection.report.drawings import script_with

_OWN = files("gatherq_web")
_REPORT = files("gatherq.inspection.report").joinpath("assets")
#: One file: htmx begins soon after it is read, whether or not its extension is there by then.
_LIVE = ("htmx.min.js", "hx-sse.min.js")
#: Every file that is served, by its name.
_FILES = {
    "colors.css": _REPORT.joinpath("colors.css"),
    "drawings.css": _REPORT.joinpath("drawings.css"),
    "batch.css": _OWN.joinpath("assets/batch.css"),
    "batch.js": _OWN.joinpath("assets/batch.js"),
    "pool.css": _OWN.joinpath("assets/pool.css"),
    "charts.js": _OWN.joinpath("assets/charts.js"),
    "page.css": _OWN.joinpath("assets/page.css"),
    "page.js": _OWN.joinpath("assets/page.js"),
    "mark.svg": _OWN.joinpath("assets/mark.svg"),
    "uPlot.iife.min.js": _OWN.joinpath("vendor/uPlot.iife.min.js"),
    "uPlot.min.css": _OWN.joinpath("vendor/uPlot.min.css"),
}
#: Scripts that stand behind those of the drawings, as one.
_DRAWS = ("batch.js",)
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file, and what tells this version of it from others."""

    content: bytes
    digest: str
    kind: str


@cache
def asset(name: str) -> Asset:
    """Return a file by its name; raises KeyError for one that is not served."""
    content = _joined() if name == "live.js" else _FILES[name].read_bytes()
    if name in _DRAWS:
        content = script_with(content.decode()).encode()
    kind = _KINDS[name.rpartition(".")[2]]
    return Asset(content, hashlib.sha256(content).hexdigest()[:12], kind)


def _joined() -> bytes:
    return b"\n".join(_OWN.joinpath("vendor", name).read_bytes() for name in _LIVE)


async def assets(request: Request) -> Response:
    """Answer with a file; a browser keeps it as long as its address does not change."""
    try:
        found = asset(request.path_params["name"])
    except KeyError:
        raise HTTPException(404) from None
    lasts = request.query_params.get("v") == found.digest
    cached = "public, max-age=31536000, immutable" if lasts else "no-cache"
    return Response(found.content, media_type=found.kind, headers={"Cache-Control": cached})
