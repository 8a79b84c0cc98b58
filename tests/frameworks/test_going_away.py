"""Ways in which an application learns that its client has gone, each of which ends the jobs."""

import asyncio
import contextlib

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect

from ..parity.jobs import endless, endless_cleaning
from .commands import connections, counted
from .test_web import ABREAST, REQUESTS, EndsWithItsClient, Passing, served, told

MIDDLEWARE = pytest.mark.parametrize(
    "middleware", [[], [Middleware(Passing)]], ids=["plain", "middleware"]
)


def application(path, producer, middleware=()):
    """Serve one endless job for each request."""

    def call(given, job=endless):
        return job.call(str(path), given.path_params["name"])

    async def polling(request: Request):
        task = await producer.submit_one(call(request))
        try:
            while not await request.is_disconnected():
                await asyncio.wait([task], timeout=0.05)
        finally:
            task.cancel()
        return JSONResponse({})

    async def streaming(request: Request):
        async def lines():
            yield "begun\n"
            mapped = producer.map(lambda _: call(request), [1])
            async with contextlib.aclosing(mapped) as outcomes:
                async for outcome in outcomes:
                    yield f"{outcome.status}\n"

        return StreamingResponse(lines())

    async def cleaning(request: Request):
        await producer.gather(call(request, endless_cleaning))
        return JSONResponse({})

    async def talking(websocket):
        await websocket.accept()

        async def listen():
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    await websocket.receive_text()
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await producer.gather(call(websocket))

    routes = [
        Route("/polling/{name}", polling),
        Route("/streaming/{name}", streaming),
        Route("/cleaning/{name}", cleaning),
        WebSocketRoute("/talking/{name}", talking),
    ]
    return Starlette(routes=routes, middleware=list(middleware))


async def ask(client, way, name):
    if way == "talking":
        url = str(client.base_url).replace("http", "ws", 1)
        async with connect(f"{url}/{way}/{name}", proxy=None) as socket:
            await socket.recv()
    else:
        async with client.stream("GET", f"/{way}/{name}") as response:
            await response.aread()


async def leave(path, client, way, names, last):
    """Ask for these, and go away when all run."""
    requests = [asyncio.create_task(ask(client, way, name)) for name in names]
    await told(path, "start", names)
    for request in requests:
        request.cancel()
    await asyncio.wait(requests)
    async with asyncio.timeout(1 + 4):  # a second, on a machine that is busy
        await told(path, last, names)


async def come_and_go(path, producer, app, way, last="cancelled"):
    with counted(producer) as sent:
        async with asyncio.timeout(60), served(app) as client:
            for first in range(0, REQUESTS, ABREAST):
                names = [f"n{n}" for n in range(first, first + ABREAST)]
                await leave(path, client, way, names, last)
    assert len([name for name in sent if name != "XREAD"]) < 5 * REQUESTS
    assert connections(producer) <= 2 * ABREAST


@MIDDLEWARE
async def test_a_request_that_asks_whether_its_client_is_there(tmp_path, producer, middleware):
    path = tmp_path / "told"
    app = application(path, producer, middleware)
    if middleware:  # inside of it `is_disconnected()` hears of nothing: another has to end it
        app = EndsWithItsClient(app)
    await come_and_go(path, producer, app, "polling")


@MIDDLEWARE
async def test_a_stream_of_outcomes(tmp_path, producer, middleware):
    path = tmp_path / "told"
    app = EndsWithItsClient(application(path, producer, middleware))
    await come_and_go(path, producer, app, "streaming")


@MIDDLEWARE
async def test_jobs_that_clean_up_over_a_connection_of_their_own(tmp_path, producer, middleware):
    path = tmp_path / "told"
    app = EndsWithItsClient(application(path, producer, middleware))
    await come_and_go(path, producer, app, "cleaning", "clean")


async def test_a_websocket_that_is_closed(tmp_path, producer):
    path = tmp_path / "told"
    await come_and_go(path, producer, application(path, producer), "talking")
