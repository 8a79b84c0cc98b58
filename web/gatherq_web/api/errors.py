"""What is wrong with a request, as JSON: `{"error": {"code", "message", "hint"}}`."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gatherq.inspection.words.error_codes import error_record

from .encoding import json_of

_CODES = {400: "invalid_parameter", 401: "unauthorized"}


class InvalidParameter(HTTPException):
    """A parameter has no such value."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class Forbidden(HTTPException):
    """Whoever asks may look, and not do that."""

    def __init__(self, act: str) -> None:
        super().__init__(403, f"you may look here, and not {act} batches")


def is_api(path: str) -> bool:
    """Tell whether programs ask for this path."""
    return path.startswith("/api/")


def error_answer(
    status: int, said: str, code: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says what is wrong; its code is that of the status if none is given."""
    name = code or _CODES.get(status) or HTTPStatus(status).name.lower()
    return Response(json_of(error_record(name, said)), status, headers, "application/json")
