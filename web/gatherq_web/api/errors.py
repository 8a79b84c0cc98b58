"""Requests that are refused, and why."""

from starlette.exceptions import HTTPException


class InvalidParameter(HTTPException):
    """A parameter has no such value."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class Forbidden(HTTPException):
    """Whoever asks may look, and not do that."""

    def __init__(self, act: str) -> None:
        super().__init__(403, f"you may look here, and not {act} batches")
