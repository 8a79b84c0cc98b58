"""The prefix under which a proxy shows the page."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Prefix:
    """Serves an application under a prefix, whether or not a proxy takes that from the path.

    `/ops/jobs/batches` and `/batches` are one page then, and all its links have the prefix.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if "path" in scope:
            scope = {**scope, **self._placed(scope["path"])}
        await self._app(scope, receive, send)

    def _placed(self, path: str) -> dict[str, str]:
        whole = path == self._prefix or path.startswith(f"{self._prefix}/")
        return {"root_path": self._prefix, "path": path if whole else self._prefix + path}
