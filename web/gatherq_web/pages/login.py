"""The form that asks for the token, and its answer."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import html
from gatherq_web.security.access import Access
from gatherq_web.security.token import token_of


async def login(request: Request) -> Response:
    """Ask for the token; give a cookie for the right one."""
    token = token_of(request)
    request.state.access = Access.none()
    if request.method == "GET":
        return HTMLResponse(html(request, "login.html", wrong=False))
    form = await request.form(max_files=0, max_fields=1)
    if not token.is_right(str(form.get("token", ""))):
        return HTMLResponse(html(request, "login.html", wrong=True), 401)
    response = RedirectResponse(links_of(request).root + _wanted(request), 303)
    token.remember(request, response)
    return response


def _wanted(request: Request) -> str:
    """Return the address of this site that led here; no other site's, whatever a link says."""
    wanted = request.query_params.get("next", "/")
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if own else "/"
