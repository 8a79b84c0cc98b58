"""Pages of HTML: a template, and what every page has."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatherq.inspection.field_values import time_of
from gatherq_web.site import site_of

from .links import links_of
from .shown import FILTERS, printable

_templates: Environment = Environment(
    loader=PackageLoader("gatherq_web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=printable,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(FILTERS)


async def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page; `now` is Redis's time unless it is given. Raises RedisUnavailable."""
    if "now" not in values:
        values["now"] = time_of(await site_of(request).inspector(request).now())
    return HTMLResponse(html(request, template, **values), status)


def html(request: Request, template: str, **values: Any) -> str:
    """Return the text of a page, which asks Redis for nothing."""
    site = site_of(request)
    return _templates.get_template(template).render(
        links=links_of(request),
        here=_here(request),
        access=request.state.access,
        queue=request.query_params.get("queue") or site.queue,
        **values,
    )


def _here(request: Request) -> str:
    """Return the address of a page, as its site knows it."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
