"""The document of the API, in the form of OpenAPI 3.1."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .answers import LINES, as_json
from .operation import Operation
from .parameters import Parameter
from .schemas import ref, schemas
from .table import OPERATIONS

_ABOUT = (
    "What the page shows, as JSON. Times are ISO 8601 in UTC, by the clock of Redis. Lists come as "
    "lines of JSON too: `Accept: application/jsonl`. What changes something needs the right to."
)
_JSON = "application/json"


async def openapi(request: Request) -> Response:
    """Answer with the document; its server is this site, wherever it is mounted."""
    root = request.scope.get("root_path", "")
    return as_json({**document(), "servers": [{"url": f"{root}/api/v1"}]})


@cache
def document() -> Mapping[str, Any]:
    """Return the document, without the server."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "gatherq", "version": version("gatherq"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _described(operation: Operation) -> dict[str, Any]:
    problem = {"description": "Why not.", "content": {_JSON: {"schema": ref("Problem")}}}
    return {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": [_parameter(each) for each in operation.parameters],
        "responses": {"200": _answer(operation), "4XX": problem, "503": problem},
    }


def _answer(operation: Operation) -> dict[str, Any]:
    content = {_JSON: {"schema": answer_schema(operation)}}
    if operation.listed:
        content[LINES] = {"schema": {"type": "string", "description": "A record a line"}}
    return {"description": operation.about, "content": content}


def answer_schema(operation: Operation) -> dict[str, Any]:
    """Return the schema of the JSON that an operation answers."""
    if not operation.listed:
        return ref(operation.answers)
    properties: dict[str, Any] = {
        operation.listed: {"type": "array", "items": ref(operation.answers)}
    }
    if operation.goes_on:
        schema = {**operation.goes_on.kind.schema}
        about = f"Where to go on: the value of `{operation.goes_on.name}`; null behind the last"
        properties["next"] = {"anyOf": [schema, {"type": "null"}], "description": about}
    return {"type": "object", "properties": properties, "required": [*properties]}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = {**parameter.kind.schema}
    if parameter.default is not None and parameter.place == "query":
        usual = parameter.default
        schema["default"] = f"{usual:g}s" if isinstance(usual, float) else usual
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.about,
        "schema": schema,
    }
