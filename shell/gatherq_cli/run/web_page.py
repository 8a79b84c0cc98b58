"""What `gatherq web` does until it is told to stop."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from starlette.applications import Starlette

from gatherq.errors import GatherqError
from gatherq.escape import escape
from gatherq.local_pool.worker_owner import LISTENS
from gatherq.store.server.urls import masked
from gatherq_cli.refusal import Refusal
from gatherq_web import app
from gatherq_web.serving.prefix import Prefix
from gatherq_web.serving.server import PageServer, serve
from gatherq_web.serving.sockets import is_everywhere, is_loopback, listen, shown
from gatherq_worker.supervision.owner_link import OwnerLink

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from gatherq_web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """The command line."""

    redis_url: str | None
    queue: str | None
    host: str
    port: int
    root_path: str
    token: str | None
    insecure: bool
    read_only: bool
    hide_values: bool
    names: tuple[str, ...]
    forwarded_allow_ips: str
    access_log: bool


def token_of(given: str | None, file: str | None) -> str | None:
    """Return the token that is given, or in a file; raises Refusal for one that cannot be."""
    if file:
        if given:
            raise Refusal("give --token or --token-file, not both (or their variables)")
        try:
            given = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise Refusal(f"cannot read the token from {file}: {why}") from None
    if given is None:
        return None
    if not given or not given.isascii() or not given.isprintable():
        raise Refusal("the token must be of ASCII letters, digits and marks, in one line")
    return given


def run(options: PageOptions) -> None:
    """Serve the page until told to stop."""
    owner, sockets = OwnerLink.inherited(), _inherited()
    if not (options.token or options.insecure or is_loopback(options.host)):
        raise Refusal(
            f"others could look and act at --host {options.host}: set GATHERQ_WEB_TOKEN to a "
            "secret that lets them in, or give --insecure to let everybody in"
        )
    try:
        page = _page(options)
        sockets = sockets or listen(options.host, options.port)
    except GatherqError as error:
        raise click.ClickException(str(error)) from None

    def started(server: PageServer) -> None:
        if owner:  # which says where it is
            owner.watch(server.stop)
            owner.tell()
            return
        click.echo(f"page: {_address(options, sockets[0])} ({_about(page)})")

    prefix = _prefix(options.root_path)
    served: ASGIApp = Prefix(page, prefix) if prefix else page
    serve(
        served,
        sockets,
        on_start=started,
        access_log=options.access_log,
        forwarded_allow_ips=options.forwarded_allow_ips,
    )


def _inherited() -> list[socket.socket]:
    """Take the socket that a program listens on which owns this process."""
    descriptor = os.environ.pop(LISTENS, None)
    return [] if descriptor is None else [socket.socket(fileno=int(descriptor))]


def _page(options: PageOptions) -> Starlette:
    names = ["localhost", socket.gethostname(), options.host, *options.names]
    return app(
        options.redis_url,
        queue=options.queue,
        token=options.token,
        read_only=options.read_only,
        hide_values=options.hide_values,
        # A token is asked for under every name: another's page does not have it.
        hosts=names if options.names or not options.token else None,
    )


def _prefix(given: str) -> str:
    """Return a prefix as `/ops/jobs`, or nothing."""
    return f"/{given.strip('/')}" if given.strip("/") else ""


def _address(options: PageOptions, listening: socket.socket) -> str:
    """Return the URL to open."""
    host = "localhost" if is_everywhere(options.host) else options.host
    return f"http://{shown(host, listening.getsockname()[1])}{_prefix(options.root_path)}/"


def _about(page: Starlette) -> str:
    site: Site = page.state.site
    return f"{masked(site.redis_url)}, queue {escape(site.queue)}"
