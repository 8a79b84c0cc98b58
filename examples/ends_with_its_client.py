"""A middleware for any ASGI application: FastAPI, Starlette and others."""

import asyncio
from typing import Any

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send


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
