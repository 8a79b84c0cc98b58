"""A FastAPI service before a pool: `uvicorn fastapi_app:app`, beside `gatherq worker kitchen`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gatherq import Producer
from kitchen import chop


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Producer]]:
    """Keep one producer for as long as the service runs."""
    async with Producer() as producer:
        yield {"producer": producer}


def the_producer(request: Request) -> Any:
    """Give it to who depends on it."""
    return request.state.producer


class EndsWithItsClient:
    """Cancels a request whose client has gone, and with it the jobs that it waits for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a lifespan and a WebSocket know by themselves when they end."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: asyncio.Queue[Any] = asyncio.Queue()

        async def listen() -> None:
            while (message := await receive())["type"] != "http.disconnect":
                messages.put_nowait(message)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await self.app(scope, messages.get, send)
            tasks.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)
app.add_middleware(EndsWithItsClient)


@app.get("/chop/{vegetable}")
async def chopped(
    vegetable: str, producer: Annotated[Producer, Depends(the_producer)], seconds: float = 3
) -> str:
    """Chop on some worker, for ten seconds at most."""
    try:
        return (await producer.gather(chop.call(vegetable, seconds), timeout=10))[0]
    except TimeoutError as error:
        raise HTTPException(504, str(error)) from error
