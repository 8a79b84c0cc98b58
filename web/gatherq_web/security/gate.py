"""Decides before every answer whether whoever asks may have it."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gatherq_web.json_answers.errors import error_answer, is_api, path_of

from .access import AccessOf, access_of
from .same_origin import SAFE, is_same_origin

#: Paths that anybody may ask for: they tell nothing of the pool.
_OPEN = ("/livez", "/readyz", "/login", "/assets/")


class Gate:
    """Puts the `access` of a request into its state, or refuses it.

    `login`: whether there is a form to be led to.
    """

    def __init__(self, app: ASGIApp, decide: AccessOf, *, read_only: bool, login: bool) -> None:
        self._app, self._decide = app, decide
        self._read_only, self._login = read_only, login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, request: Request) -> Response | None:
        if request.method not in SAFE and not is_same_origin(request):
            return _refused(request, 403, "This form is not of this site.")
        path = path_of(request)
        if path.startswith(_OPEN):
            return None
        access = await access_of(self._decide, request, read_only=self._read_only)
        request.state.access = access
        if access.reads:
            return None
        html = "text/html" in request.headers.get("accept", "")
        if self._login and html and not is_api(request):
            root = request.scope.get("root_path", "")
            wanted = path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{root}/login?{urlencode({'next': wanted})}", 303)
        return _refused(request, 401 if self._login else 403, "You may not look at this.")


def _refused(request: Request, status: int, said: str) -> Response:
    if is_api(request):
        return error_answer(status, said)
    return PlainTextResponse(f"{said}\n", status)
