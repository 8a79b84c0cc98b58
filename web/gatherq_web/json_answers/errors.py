"""What is wrong with a request, as JSON: `{"error": {"code", "message", "hint"}}`."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import Response

from gatherq.contract.values.sayable_json import json_of
from gatherq.inspection.words.error_codes import error_record

_CODES = {400: "invalid_parameter", 401: "unauthorized"}


def path_of(request: HTTPConnection) -> str:
    """Return the path below the prefix that the application is mounted at."""
    root: str = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def is_api(request: HTTPConnection) -> bool:
    """Tell whether programs ask for the path of a request."""
    return path_of(request).startswith("/api/")


def error_answer(
    status: int, said: str, code: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says what is wrong; its code is that of the status if none is given."""
    name = code or _CODES.get(status) or HTTPStatus(status).name.lower()
    return Response(json_of(error_record(name, said)), status, headers, "application/json")
