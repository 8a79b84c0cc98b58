"""By which names the site may be called: a name of somebody else's may lead here, too."""

import re
from collections.abc import Collection
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gatherq.contract.short_repr import value_repr
from gatherq_web.json_answers.errors import error_answer, is_api, path_of

#: What probes ask for, by whatever name: it tells nothing of the pool.
_OF_PROBES = ("/livez", "/readyz")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+)(?::\d{0,5})?")


class AllowedHosts:
    """Refuses what was asked of another name: against DNS rebinding.

    A page of somebody else's name may have this machine's address, so that a browser lets it read
    the answers. An address in place of a name belongs to nobody else, and is always allowed.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app, self._names = app, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        answer = self._app
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            given = request.headers.get("host", "")
            if not self._allows(given) and path_of(request) not in _OF_PROBES:
                answer = _refusal(request, given)
        await answer(scope, receive, send)

    def _allows(self, given: str) -> bool:
        found = _HOST.fullmatch(given)
        if not found:
            return False
        name = found[1].lower()
        return name in self._names or _is_address(name.strip("[]"))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refusal(request: HTTPConnection, given: str) -> Response:
    said = (
        f"This site is not to be called {value_repr(given)}: "
        "allow the name with gatherq web --host-name NAME, or app(hosts=[NAME])."
    )
    if is_api(request):
        return error_answer(400, said, "unknown_host")
    return PlainTextResponse(f"{said}\n", 400)
