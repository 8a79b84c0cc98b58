"""What stands in place of a page that cannot be made."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from gatherq.errors import (
    BatchConflict,
    GatherqError,
    InvalidCall,
    InvalidSelector,
    InvalidSetting,
    RedisUnavailable,
)
from gatherq.inspection.choosing.by_name import NoSuchName
from gatherq.inspection.words.error_codes import code_of
from gatherq_web.json_answers.errors import error_answer, is_api

from .render import html

#: Seconds after which a browser tries again where Redis was away.
_AGAIN = 5
#: The status of an answer by the error in its place: the first that fits.
STATUSES: list[tuple[type[BaseException], int]] = [
    (LookupError, 404),
    (RedisUnavailable, 503),
    (InvalidSelector, 400),
    (InvalidSetting, 400),
    (InvalidCall, 400),
    (BatchConflict, 409),
    (GatherqError, 500),
]


def status_of(error: BaseException) -> int:
    """Return the status of the answer for an error of ours."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


async def told(request: Request, error: Exception) -> Response:
    """Return a page, or a line for a program, that says what is wrong and what helps."""
    status = status_of(error)
    if is_api(request):
        return error_answer(status, str(error), code_of(error))
    return _answer(request, status, str(error))


async def refused(request: Request, error: Exception) -> Response:
    """Return the page for an address that is none, or an answer that is refused."""
    assert isinstance(error, HTTPException)
    if is_api(request):
        return error_answer(error.status_code, error.detail, headers=error.headers)
    return _answer(request, error.status_code, error.detail, error.headers)


def _answer(
    request: Request, status: int, said: str, headers: Mapping[str, str] | None = None
) -> Response:
    if not hasattr(request.state, "access") or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{said}\n", status, headers)
    message, _, hint = said.partition("; ")
    text = html(
        request,
        "error.html",
        status=status,
        title=HTTPStatus(status).phrase,
        message=message,
        hint=hint,
        now=datetime.now(UTC),
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET":
        headers = {**(headers or {}), "Refresh": str(_AGAIN)}  # without script too
    return HTMLResponse(text, status, headers)


HANDLERS: dict[type[Exception] | int, Callable[[Request, Exception], Awaitable[Response]]] = {
    GatherqError: told,
    NoSuchName: told,
    HTTPException: refused,
}
