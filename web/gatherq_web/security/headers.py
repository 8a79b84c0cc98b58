"""What a browser is told with every answer: nothing but this site, and nobody around it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "form-action": "'self'",
    "base-uri": "'none'",
}


class SecurityHeaders:
    """Adds its headers to each answer that does not have them.

    `frame_ancestors` names the sites that may show the page in a frame, as in the header
    Content-Security-Policy.
    """

    def __init__(self, app: ASGIApp, frame_ancestors: str = "'none'") -> None:
        self._app = app
        policy = {**_POLICY, "frame-ancestors": frame_ancestors}
        self._headers = {
            "Content-Security-Policy": "; ".join(map(" ".join, policy.items())),
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with these headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
