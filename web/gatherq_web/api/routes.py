"""The routes of the API: one for each path, with all that can be done there."""

from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .answers import Endpoint, endpoint_of
from .document import openapi
from .operation import Operation
from .table import OPERATIONS

_BASE = "/api/v1"


def _route(path: str, operations: list[Operation]) -> Route:
    endpoints: dict[str, Endpoint] = {each.method: endpoint_of(each) for each in operations}

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return Route(f"{_BASE}{path}", endpoint, methods=[*endpoints])


def _path(operation: Operation) -> str:
    return operation.path


API: list[BaseRoute] = [
    Route(f"{_BASE}/openapi.json", openapi),
    *(_route(path, [*found]) for path, found in groupby(sorted(OPERATIONS, key=_path), key=_path)),
]
