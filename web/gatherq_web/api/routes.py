"""The routes of the API: one for each path, with all that can be done there."""

import re
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gatherq_web.convertors import register

from .answers import Endpoint, endpoint_of
from .document import openapi
from .operation import Operation
from .table import OPERATIONS

_BASE = "/api/v1"
#: Names that may have slashes; of batches, those that are plain arq jobs.
_SLASHES = re.compile(r"\{(batch|worker|job|queue)\}")


def _route(path: str, operations: list[Operation]) -> Route:
    endpoints: dict[str, Endpoint] = {each.method: endpoint_of(each) for each in operations}

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    place = _BASE + _SLASHES.sub(r"{\1:name}", path)
    return Route(place, endpoint, methods=[*endpoints])


def _path(operation: Operation) -> str:
    return operation.path


register()
#: The longest first: a name with slashes ends where a route goes on.
_PATHS = groupby(sorted(OPERATIONS, key=_path, reverse=True), key=_path)
API: list[BaseRoute] = [
    Route(f"{_BASE}/openapi.json", openapi),
    *(_route(path, [*found]) for path, found in _PATHS),
]
