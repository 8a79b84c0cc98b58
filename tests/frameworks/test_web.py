"""An application under a real web server: who goes away cancels the jobs of its request."""

import asyncio
import runpy
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from gatherq import Producer

from ..conftest import lines_of
from ..parity.jobs import endless
from .commands import connections, counted

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Requests that are under way at once; the pool has room for that many jobs.
ABREAST = 40
VERBS = ["handle", "gather", "group"]
REQUESTS = 200


async def run(path, producer, verb, name):
    call = endless.call(str(path), name)
    if verb == "handle":
        await (await producer.submit_one(call))
    elif verb == "gather":
        await producer.gather(call)
    else:
        async with producer.task_group() as group:
            group.create_task(call)


#: Cancels a request whose client has gone, as applications do: by a scope of anyio.
EndsWithItsClient = runpy.run_path(str(EXAMPLES / "ends_with_its_client.py"))["EndsWithItsClient"]


class Passing(BaseHTTPMiddleware):
    """Runs the application in a task group of anyio, and ends it with the request."""

    async def dispatch(self, request, call_next):
        return await call_next(request)


def starlette(path, producer, middleware):
    async def serve(request: Request):
        await run(path, producer, request.path_params["verb"], request.path_params["name"])
        return JSONResponse({})

    return Starlette(routes=[Route("/{verb}/{name}", serve)], middleware=middleware)


def fastapi(path, producer, middleware):
    app = FastAPI(middleware=middleware)

    @app.get("/{verb}/{name}")
    async def serve(verb: str, name: str, given: Annotated[Producer, Depends(lambda: producer)]):
        await run(path, given, verb, name)
        return {}

    return app


@asynccontextmanager
async def served(app):
    """Serve an application on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listening]))
        try:
            port = listening.getsockname()[1]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            await serving


async def told(path, event, names):
    """Wait until jobs have told of this."""
    missing, lines = {f"{event} {name}" for name in names}, []
    while not missing <= set(lines):
        lines = await lines_of(path, len(lines) + 1)


async def leave_while_running(path, client, names):
    """Ask for these, with each verb in turn, and go away when all run."""
    targets = [f"/{VERBS[n % len(VERBS)]}/{name}" for n, name in enumerate(names)]
    requests = [asyncio.create_task(client.get(target)) for target in targets]
    await told(path, "start", names)
    for request in requests:
        request.cancel()
    await asyncio.wait(requests)
    async with asyncio.timeout(1 + 4):  # a second, on a machine that is busy
        await told(path, "cancelled", names)


@pytest.mark.parametrize("middleware", [[], [Middleware(Passing)]], ids=["plain", "middleware"])
@pytest.mark.parametrize("framework", [starlette, fastapi])
async def test_clients_that_go_away_cancel_their_jobs(tmp_path, producer, framework, middleware):
    path = tmp_path / "told"
    with counted(producer) as sent:
        async with served(EndsWithItsClient(framework(path, producer, middleware))) as client:
            for first in range(0, REQUESTS, ABREAST):
                names = [f"n{n}" for n in range(first, first + ABREAST)]
                await leave_while_running(path, client, names)
    assert len([name for name in sent if name != "XREAD"]) < 5 * REQUESTS
    assert connections(producer) <= 2 * ABREAST
