"""`app`: the ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware

from gatherq.inspection.redaction.values import Redact, hide

from .rendering.errors import HANDLERS
from .routes import LOGIN, ROUTES
from .security.access import Access, AccessOf
from .security.gate import Gate
from .security.headers import SecurityHeaders
from .security.hosts import AllowedHosts
from .security.token import Token
from .site import Site, make_site


def app(
    redis_url: str | None = None,
    *,
    queue: str | None = None,
    access: AccessOf | None = None,
    token: str | None = None,
    read_only: bool = False,
    redact: Redact | None = None,
    hide_values: bool = False,
    hosts: list[str] | None = None,
    frame_ancestors: str = "'none'",
) -> Starlette:
    """Make the page of a pool, to be served or mounted under any prefix.

    What is not given is read from `GATHERQ_REDIS_URL` and `GATHERQ_QUEUE`. Nothing is opened before
    the first request, and it starts without Redis.

    `access(request)` says who may look and act; without it everybody may do both, or, with a
    `token`, whoever has that. `read_only` lets nobody act. `hosts` are the names by which the site
    may be called, beside addresses; any name if not given. `frame_ancestors` names the sites that
    may show it in a frame.

    `redact(name, value)` returns what is shown of a value, itself or something in its place. Names
    are `args.0`, `args.url`, `args.0.password` and so on, `value`, `error` for the texts of errors,
    and `progress` for notes of progress. `hide_values` shows `...` in place of all of these.

    Raises InvalidSetting, RedisUnavailable for what is no URL of Redis, and ValueError for both
    `access` and `token`.
    """
    if access and token:
        raise ValueError("give access or token, not both: access(request) decides by itself")
    site = make_site(redis_url, queue, hide if hide_values else redact)
    secret = Token(token) if token else None
    decide = access or (secret.access if secret else lambda request: Access.write(by="web"))
    gate = Middleware(Gate, decide=decide, read_only=read_only, login=secret is not None)
    made = Starlette(
        routes=ROUTES + (LOGIN if secret else []),
        middleware=[
            Middleware(SecurityHeaders, frame_ancestors=frame_ancestors),
            *([] if hosts is None else [Middleware(AllowedHosts, names=hosts)]),
            gate,
        ],
        exception_handlers=HANDLERS,
        lifespan=partial(_lifespan, site),
    )
    made.state.site, made.state.token = site, secret
    return made


@asynccontextmanager
async def _lifespan(site: Site, _: Starlette) -> AsyncIterator[None]:
    """Close the connections at the end; an application that is mounted is not told of its end."""
    yield
    await site.aclose()
